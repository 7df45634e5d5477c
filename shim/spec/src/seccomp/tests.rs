//! Which profile a container gets, and the cache.
use super::*;
use crate::{Kind, testing::Case};

fn profile(kind: ProfileType, path: &str) -> cri::SecurityProfile {
    cri::SecurityProfile { profile_type: kind.into(), localhost_ref: path.into() }
}

fn chosen(profile: Option<cri::SecurityProfile>, text: &str, privileged: bool) -> Result<Choice> {
    #[expect(deprecated, reason = "old clients, and critest, still send it")]
    let security = cri::LinuxContainerSecurityContext {
        seccomp: profile,
        seccomp_profile_path: text.into(),
        privileged,
        ..Default::default()
    };
    choice(security, UnsetSeccomp::Unconfined)
}

#[test]
fn the_field_wins_over_its_twin_and_nothing_means_unconfined() {
    use Choice::{Localhost, RuntimeDefault, Unconfined};
    let default = || Some(cri::SecurityProfile::default());
    for (field, text, expected) in [
        (None, "", Unconfined),
        (default(), "", RuntimeDefault),
        (default(), "unconfined", RuntimeDefault),
        (Some(profile(ProfileType::Unconfined, "")), "runtime/default", Unconfined),
        (Some(profile(ProfileType::Localhost, "/p/a.json")), "", Localhost("/p/a.json".into())),
        (None, "runtime/default", RuntimeDefault),
        (None, "docker/default", RuntimeDefault),
        (None, "unconfined", Unconfined),
        (None, "localhost//p/a.json", Localhost("/p/a.json".into())),
    ] {
        assert_eq!(chosen(field.clone(), text, false).unwrap(), expected, "{field:?} {text}");
        assert_eq!(chosen(field, text, true).unwrap(), Unconfined, "privileged");
    }
    assert_eq!(
        choice(cri::LinuxContainerSecurityContext::default(), UnsetSeccomp::RuntimeDefault).unwrap(),
        RuntimeDefault
    );
}

#[test]
fn profiles_of_no_kind_are_refused() {
    for (field, text) in [
        (Some(profile(ProfileType::Localhost, "")), ""),
        (Some(profile(ProfileType::Localhost, "a.json")), ""),
        (Some(profile(ProfileType::Localhost, "/p/../../etc/shadow")), ""),
        (Some(profile(ProfileType::Localhost, "/p\n")), ""),
        (Some(cri::SecurityProfile { profile_type: 7, ..Default::default() }), ""),
        (None, "localhost/a.json"),
        (None, "nope"),
    ] {
        assert_eq!(chosen(field.clone(), text, false).unwrap_err().kind(), Kind::Invalid, "{field:?} {text}");
    }
}

#[test]
fn a_file_is_asked_for_parsed_and_named_in_errors() {
    let mut case = Case::default();
    case.security().seccomp = Some(profile(ProfileType::Localhost, "/p/a.json"));
    assert_eq!(seccomp_profile_path(&case.container).unwrap(), Some("/p/a.json".into()));
    assert_eq!(section(&case.input(), CapabilitySet::ALL).unwrap_err().kind(), Kind::Internal);
    case.profile = Some(b"{".to_vec());
    let error = section(&case.input(), CapabilitySet::ALL).unwrap_err();
    assert!(error.to_string().contains("/p/a.json"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    case.profile = Some(br#"{"defaultAction": "SCMP_ACT_ALLOW"}"#.to_vec());
    assert!(section(&case.input(), CapabilitySet::ALL).unwrap().is_some());
}

#[test]
fn equal_profiles_are_compiled_once_and_old_ones_forgotten() {
    let cache = Cache::default();
    let with = |capabilities: u64| runtime_default::profile(CapabilitySet(capabilities), false).unwrap();
    let first = cache.filter(&with(0)).unwrap();
    assert!(Arc::ptr_eq(&first, &cache.filter(&with(0)).unwrap()));
    let admin = cache.filter(&with(1 << 21)).unwrap();
    assert_ne!(first, admin);
    for n in 0..40 {
        let filter = cache.filter(&profile_of(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": {n}}}"#
        )));
        assert!(filter.is_ok());
    }
    assert_eq!(cache.entries.lock().unwrap().len(), CACHE_LIMIT);
    assert!(!Arc::ptr_eq(&first, &cache.filter(&with(0)).unwrap()));
    assert!(cache.filter(&profile_of(r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#)).is_err());
}

fn profile_of(json: &str) -> LinuxSeccomp {
    let circumstances = profile::Circumstances { capabilities: CapabilitySet::ALL, kernel: (6, 12) };
    profile::parse(json.as_bytes(), circumstances).unwrap()
}
