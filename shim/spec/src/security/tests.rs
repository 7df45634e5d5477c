//! no_new_privs, hidden paths and labels.
use proto::cri::security_profile::ProfileType;

use super::*;
use crate::{Kind, testing, testing::Case};

type Security = cri::LinuxContainerSecurityContext;

#[test]
fn a_privileged_container_needs_a_privileged_pod() {
    let mut case = Case::default();
    case.security().privileged = true;
    let asked = case.security().clone();
    assert_eq!(privileged(&case.input(), &asked).unwrap_err().kind(), Kind::Invalid);
    case.pod_security().privileged = true;
    assert!(privileged(&case.input(), &asked).unwrap());
    assert!(!privileged(&case.input(), &Security::default()).unwrap());
}

#[test]
fn privileges_are_closed_when_asked_or_when_the_operator_wants_it() {
    let asked = Security { no_new_privs: true, ..Default::default() };
    let strict = Policy { no_new_privs_for_non_root: true, ..Policy::default() };
    let of = |security: &Security, uid: u32, policy: &Policy| no_new_privileges(security, uid, false, policy);
    assert!(of(&asked, 0, &Policy::default()));
    assert!(!of(&Security::default(), 1000, &Policy::default()));
    assert!(of(&Security::default(), 1000, &strict));
    assert!(!of(&Security::default(), 0, &strict));
    assert!(!no_new_privileges(&Security::default(), 1000, true, &strict));
}

/// SEC-32 among them.
#[test]
fn given_paths_are_added_to_ours() {
    let asked = Security {
        masked_paths: vec!["/bin/ls".into(), "/proc/kcore".into()],
        readonly_paths: vec!["/tmp".into()],
        ..Default::default()
    };
    let (masked, readonly) = hidden_paths(&asked, false, &testing::node()).unwrap();
    assert_eq!(masked.len(), MASKED.len() + 2);
    for path in ["/bin/ls", "/sys/devices/virtual/powercap", "/sys/devices/system/cpu/cpu0/thermal_throttle"]
    {
        assert!(masked.contains(&path.to_owned()), "{path}");
    }
    assert_eq!(readonly.last().unwrap(), "/tmp");
    assert_eq!(hidden_paths(&asked, true, &testing::node()).unwrap(), (vec![], vec![]));
    for bad in ["bin/ls", "", "/a/../b", "/a\n"] {
        let asked = Security { masked_paths: vec![bad.into()], ..Default::default() };
        assert!(hidden_paths(&asked, false, &testing::node()).is_err(), "{bad:?}");
    }
}

fn apparmor(case: &Case, asked: &Security) -> Result<Option<String>> {
    apparmor_profile(&case.input(), asked, asked.privileged)
}

fn profile(kind: ProfileType, name: &str) -> Security {
    let profile = cri::SecurityProfile { profile_type: kind.into(), localhost_ref: name.into() };
    Security { apparmor: Some(profile), ..Default::default() }
}

#[test]
fn apparmor_profiles_by_kind() {
    let mut case = Case::default();
    case.host.profiles.push("web".into());
    let default = Security::default();
    assert_eq!(apparmor(&case, &default).unwrap(), None);
    case.policy.apparmor_default = Some("berth-default".into());
    assert_eq!(apparmor(&case, &default).unwrap().as_deref(), Some("berth-default"));
    assert_eq!(apparmor(&case, &Security { privileged: true, ..default }).unwrap(), None);
    assert_eq!(apparmor(&case, &profile(ProfileType::Unconfined, "")).unwrap(), None);
    for name in ["web", "localhost/web"] {
        assert_eq!(apparmor(&case, &profile(ProfileType::Localhost, name)).unwrap().as_deref(), Some("web"));
    }
    assert_eq!(apparmor(&case, &profile(ProfileType::Localhost, "gone")).unwrap_err().kind(), Kind::NotFound);
    for name in ["", "localhost/", "a b", "a\nb"] {
        assert_eq!(
            apparmor(&case, &profile(ProfileType::Localhost, name)).unwrap_err().kind(),
            Kind::Invalid
        );
    }
    case.node.apparmor = false;
    assert_eq!(apparmor(&case, &Security::default()).unwrap(), None);
    assert_eq!(
        apparmor(&case, &profile(ProfileType::Localhost, "web")).unwrap_err().kind(),
        Kind::Unsupported
    );
}

#[test]
fn apparmors_deprecated_field_still_counts() {
    #[expect(deprecated, reason = "old clients, and critest, still send it")]
    let old = |text: &str| Security { apparmor_profile: text.into(), ..Default::default() };
    let mut case = Case::default();
    case.host.profiles.push("web".into());
    case.policy.apparmor_default = Some("d".into());
    assert_eq!(apparmor(&case, &old("runtime/default")).unwrap().as_deref(), Some("d"));
    assert_eq!(apparmor(&case, &old("unconfined")).unwrap(), None);
    assert_eq!(apparmor(&case, &old("localhost/web")).unwrap().as_deref(), Some("web"));
    assert!(apparmor(&case, &old("web")).is_err());
}

#[test]
fn selinux_labels_fill_their_gaps() {
    let options = |level: &str, kind: &str| cri::SeLinuxOption {
        level: level.into(),
        r#type: kind.into(),
        ..Default::default()
    };
    let of = |options: Option<&cri::SeLinuxOption>, privileged: bool| {
        selinux_labels(options, privileged, true).unwrap().unwrap().process
    };
    assert_eq!(of(None, false), "system_u:system_r:container_t:s0");
    assert_eq!(of(None, true), "system_u:system_r:spc_t:s0");
    assert_eq!(of(Some(&options("s0:c1,c2", "")), false), "system_u:system_r:container_t:s0:c1,c2");
    let labels = selinux_labels(Some(&options("s0:c1", "svirt_t")), false, true).unwrap().unwrap();
    assert_eq!(labels.mount, "system_u:object_r:container_file_t:s0:c1");
    assert_eq!(selinux_labels(Some(&options("s0", "x")), false, false).unwrap(), None);
    for bad in [options("s0\n", ""), options("", "a:b"), options("", "a b")] {
        assert!(selinux_labels(Some(&bad), false, true).is_err());
    }
}
