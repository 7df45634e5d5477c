//! Challenges of WWW-Authenticate, as far as we can answer them.

/// Longest header read: a registry that needs more is not one.
const HEADER_MAX: usize = 8 << 10;
/// Most scopes passed on to a token service.
const SCOPES_MAX: usize = 4;

/// One challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer {
        /// URL of the token service, unchecked.
        realm: String,
        service: Option<String>,
        /// Scopes that ask for no more than reading.
        scopes: Vec<String>,
    },
}

/// The challenges of one header; one that does not parse has none.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    if header.len() > HEADER_MAX {
        return Vec::new();
    }
    let Ok(challenges) = http_auth::parse_challenges(header) else { return Vec::new() };
    challenges.iter().filter_map(known).collect()
}

fn known(challenge: &http_auth::ChallengeRef<'_>) -> Option<Challenge> {
    if challenge.scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !challenge.scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let parameter = |name: &str| {
        let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_unescaped())
    };
    let scopes = parameter("scope").unwrap_or_default();
    let scopes =
        scopes.split(' ').filter(|scope| only_reads(scope)).take(SCOPES_MAX).map(str::to_owned).collect();
    Some(Challenge::Bearer { realm: parameter("realm")?, service: parameter("service"), scopes })
}

/// A pull asks for nothing but pulling, whatever the registry suggests.
fn only_reads(scope: &str) -> bool {
    match scope.split_once(':') {
        Some(("repository" | "repository(plugin)", rest)) => {
            rest.rsplit_once(':').is_some_and(|(_, actions)| actions == "pull")
        }
        // Registries with scopes of their own (`aws`, `registry:catalog:*` is none we want).
        Some(_) => false,
        None => !scope.is_empty(),
    }
}
