//! HTTP proxies for pulls, from the variables every other program on the node takes them from.
use imagestore::ProxySettings;

/// What no proxy could reach for us: names and addresses of this very machine.
const ALWAYS_DIRECT: &str = "localhost,127.0.0.0/8,::1";

/// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or the same in small letters; what is set but empty is not set.
pub(crate) fn settings(variable: impl Fn(&str) -> Option<String>) -> ProxySettings {
    let find = |name: &str| {
        let found = [name.to_owned(), name.to_ascii_lowercase()];
        found.iter().filter_map(|name| variable(name)).find(|value| !value.trim().is_empty())
    };
    let no_proxy = match find("NO_PROXY") {
        Some(named) => format!("{ALWAYS_DIRECT},{named}"),
        None => ALWAYS_DIRECT.to_owned(),
    };
    ProxySettings { http: find("HTTP_PROXY"), https: find("HTTPS_PROXY"), no_proxy: Some(no_proxy) }
}

#[cfg(test)]
mod tests;
