//! What is executed: arguments, environment, directory.

use proto::cri;

use crate::{
    cdi,
    error::{Result, SpecError, quoted},
    input::ImageFacts,
};

/// Longest argument or environment entry the kernel takes, without its NUL: MAX_ARG_STRLEN of `<linux/binfmts.h>`.
const STRING_LIMIT: usize = 131_071;

/// What all arguments and environment entries may take together, pointers included: three quarters of the kernel's
/// default stack, the most execve(2) grants however large RLIMIT_STACK is.
const TOTAL_LIMIT: usize = 6 << 20;

/// Longest path, PATH_MAX of `<linux/limits.h>`, without its NUL.
const PATH_LIMIT: usize = 4095;

/// Where programs are looked for when neither image nor request says.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The command line.
///
/// A request's command replaces the image's entrypoint and drops its CMD, since that was written for the entrypoint;
/// a request's args replace CMD alone.
pub(crate) fn args(container: &cri::ContainerConfig, image: &ImageFacts) -> Result<Vec<String>> {
    let (head, tail) = if container.command.is_empty() {
        let tail = if container.args.is_empty() { &image.cmd } else { &container.args };
        (&image.entrypoint, tail)
    } else {
        (&container.command, &container.args)
    };
    let args: Vec<String> = head.iter().chain(tail).cloned().collect();
    check_args(&args, &format!("image {}", quoted(&image.name)))?;
    Ok(args)
}

/// What holds for every command line, of a container or of an exec. `whose` is named when there is none.
pub(crate) fn check_args(args: &[String], whose: &str) -> Result<()> {
    if args.first().is_none_or(String::is_empty) {
        return Err(SpecError::invalid(
            "the command",
            format!("neither the request nor {whose} names a program"),
            "set command to what should be run",
        ));
    }
    for arg in args {
        check_string("argument", arg.as_bytes())?;
    }
    check_total("the command", args.iter().map(String::len))
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
}

/// What the environment starts from, beside image and request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) hostname: &'a str,
    pub(crate) home: Option<&'a str>,
    pub(crate) tty: bool,
    /// Their variables replace those of image and request.
    pub(crate) devices: &'a [cdi::Device],
}

/// The environment: the image's, replaced and extended by the request's, completed by what every process expects.
///
/// An entry of the image without "=" or without a name is left out: it is no variable, and the host's value must not be
/// put in its place. The request is held to more, for kubelet validates names.
pub(crate) fn environment(
    container: &cri::ContainerConfig,
    image: &ImageFacts,
    around: Surroundings<'_>,
) -> Result<Vec<Variable>> {
    // Before any work is put into it: an image may list millions.
    check_total("the environment", image.env.iter().map(String::len))?;
    let mut env = Environment::default();
    env.set("HOSTNAME", around.hostname.as_bytes());
    for entry in &image.env {
        if let Some((key, value)) = entry.split_once('=')
            && !key.is_empty()
        {
            check_string("variable of the image", entry.as_bytes())?;
            env.set(key, value.as_bytes());
        }
    }
    for cri::KeyValue { key, value } in &container.envs {
        check_key(key)?;
        check_string(&format!("variable {}", quoted(key)), value)?;
        env.set(key, value);
    }
    for (key, value) in cdi::env(around.devices) {
        check_string("variable of a CDI device", value.as_bytes())?;
        env.set(key, value.as_bytes());
    }
    env.set_if_missing("PATH", DEFAULT_PATH);
    env.set_if_missing("HOME", around.home.unwrap_or("/"));
    if around.tty {
        env.set_if_missing("TERM", "xterm");
    }
    check_total("the environment", env.variables.iter().map(|v| v.key.len() + 1 + v.value.len()))?;
    Ok(env.variables)
}

/// Variables in the order in which their names first came up. Services add thousands, so look-ups go through a map.
#[derive(Default)]
struct Environment {
    variables: Vec<Variable>,
    places: std::collections::HashMap<String, usize>,
}

// === impl Environment ===

impl Environment {
    fn set(&mut self, key: &str, value: &[u8]) {
        match self.places.get(key) {
            Some(place) => value.clone_into(&mut self.variables[*place].value),
            None => {
                self.places.insert(key.to_owned(), self.variables.len());
                self.variables.push(Variable { key: key.to_owned(), value: value.to_vec() });
            }
        }
    }

    fn set_if_missing(&mut self, key: &str, value: &str) {
        if !self.places.contains_key(key) {
            self.set(key, value.as_bytes());
        }
    }
}

// === impl Variable ===

impl Variable {
    /// As the kernel wants it.
    pub(crate) fn entry(&self) -> Vec<u8> {
        [self.key.as_bytes(), b"=", &self.value].concat()
    }
}

/// The directory the program starts in. It is made if missing; that it lies inside the root is the monitor's to enforce,
/// with the root at hand. Paths that lead through an open file of the process are refused here, because some of those
/// files may be the host's (CVE-2024-21626).
pub(crate) fn working_dir(container: &cri::ContainerConfig, image: &ImageFacts) -> Result<String> {
    if !container.working_dir.is_empty() {
        if !container.working_dir.starts_with('/') {
            return Err(bad_dir("working_dir", &container.working_dir, "it is not absolute"));
        }
        return cleaned("working_dir", &container.working_dir);
    }
    // Dockerfiles may say `WORKDIR app`; builders join it to "/".
    cleaned("the image's WORKDIR", &image.working_dir)
}

fn cleaned(thing: &str, dir: &str) -> Result<String> {
    if dir.len() > PATH_LIMIT || dir.contains('\0') {
        return Err(bad_dir(thing, dir, "it is no path"));
    }
    let mut parts = Vec::new();
    for part in dir.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let open_file = match parts[..] {
        ["proc", ref below @ ..] => {
            below.iter().any(|part| ["fd", "cwd", "root", "map_files"].contains(part))
        }
        ["dev", "fd", ..] => true,
        _ => false,
    };
    if open_file {
        return Err(bad_dir(thing, dir, "it leads through an open file of a process"));
    }
    Ok(format!("/{}", parts.join("/")))
}

fn bad_dir(thing: &str, dir: &str, cause: &str) -> SpecError {
    SpecError::invalid(
        format!("{thing} {}", quoted(dir)),
        cause,
        "use an absolute path of the image's own tree",
    )
}

fn check_key(key: &str) -> Result<()> {
    if key.is_empty() || key.contains(['=', '\0']) {
        return Err(SpecError::invalid(
            format!("variable {}", quoted(key)),
            "a name must not be empty nor hold \"=\" or NUL",
            "rename it",
        ));
    }
    check_string("name of a variable", key.as_bytes())
}

fn check_string(thing: &str, text: &[u8]) -> Result<()> {
    let thing = || format!("{thing} {}", quoted(text));
    if text.contains(&0) {
        return Err(SpecError::invalid(
            thing(),
            "it holds a NUL byte",
            "no program could receive it: remove the byte",
        ));
    }
    if text.len() > STRING_LIMIT {
        return Err(SpecError::invalid(
            thing(),
            format!("Linux takes {STRING_LIMIT} bytes (execve(2), MAX_ARG_STRLEN)"),
            "hand it over in a file",
        ));
    }
    Ok(())
}

fn check_total(thing: &str, lengths: impl Iterator<Item = usize>) -> Result<()> {
    let total: usize = lengths.map(|length| length + 1 + size_of::<usize>()).sum();
    if total > TOTAL_LIMIT {
        return Err(SpecError::invalid(
            thing,
            format!("it takes {total} bytes, and Linux {TOTAL_LIMIT} at most (execve(2))"),
            "shorten it; for service variables set enableServiceLinks: false",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
