//! Profiles from files.
use proptest::prelude::*;

use super::*;
use crate::Kind;

const HERE: Circumstances = Circumstances { capabilities: CapabilitySet::COMPATIBLE, kernel: (6, 1) };

fn parsed(json: &str) -> Result<LinuxSeccomp> {
    parse(json.as_bytes(), HERE)
}

fn names(profile: &LinuxSeccomp) -> Vec<String> {
    profile.syscalls().as_ref().unwrap().iter().flat_map(|rule| rule.names().clone()).collect()
}

#[test]
fn an_oci_section_passes_through() {
    let profile = parsed(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
            "flags": ["SECCOMP_FILTER_FLAG_LOG"],
            "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": null},
                         {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
                          "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
                         {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}"#,
    )
    .unwrap();
    assert_eq!(profile.default_action(), LinuxSeccompAction::ScmpActErrno);
    assert_eq!(profile.default_errno_ret(), Some(38));
    assert_eq!(profile.architectures().as_ref().unwrap(), &[Arch::ScmpArchX86_64, Arch::ScmpArchX86]);
    assert_eq!(names(&profile), ["read", "write", "clone", "mount"]);
    let rules = profile.syscalls().as_ref().unwrap();
    assert_eq!(rules[1].args().as_ref().unwrap()[0].value_two(), Some(0));
    assert_eq!(rules[2].errno_ret(), Some(13));
    assert!(super::super::compile::compile(&profile).is_ok());
}

/// What critest installs.
#[test]
fn a_profile_that_blocks_one_call() {
    let profile = parsed(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"name": "sethostname", "action": "SCMP_ACT_ERRNO"}]}"#,
    )
    .unwrap();
    assert_eq!(names(&profile), ["sethostname"]);
    assert_eq!(profile.architectures().as_ref().unwrap(), &[Machine::NATIVE.to_oci()]);
}

#[test]
fn rules_hold_only_where_they_say() {
    let with = |only: &str| {
        let json = format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{{"names": ["x"], "action": "SCMP_ACT_ALLOW", {only}}}]}}"#
        );
        !names(&parsed(&json).unwrap()).is_empty()
    };
    let native = Machine::NATIVE.go_name();
    assert!(with(r#""includes": {}, "excludes": {}"#));
    assert!(with(r#""includes": null"#));
    assert!(with(r#""includes": {"caps": ["CAP_CHOWN"]}"#));
    assert!(!with(r#""includes": {"caps": ["CAP_SYS_ADMIN"]}"#));
    assert!(!with(r#""includes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}"#));
    assert!(!with(r#""includes": {"caps": ["CAP_UNHEARD_OF"]}"#));
    assert!(with(r#""excludes": {"caps": ["CAP_SYS_ADMIN"]}"#));
    assert!(!with(r#""excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}"#));
    assert!(with(&format!(r#""includes": {{"arches": ["s390x", "{native}"]}}"#)));
    assert!(!with(r#""includes": {"arches": ["s390", "s390x"]}"#));
    assert!(!with(&format!(r#""excludes": {{"arches": ["{native}"]}}"#)));
    assert!(with(r#""includes": {"minKernel": "4.8"}"#));
    assert!(with(r#""includes": {"minKernel": "6.1"}"#));
    assert!(!with(r#""includes": {"minKernel": "6.2"}"#));
    assert!(!with(r#""excludes": {"minKernel": "4.8.0"}"#));
}

#[test]
fn machines_come_from_the_map_of_ours() {
    let profile = parsed(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [
            {"architecture": "SCMP_ARCH_S390X", "subArchitectures": ["SCMP_ARCH_S390"]},
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}]}"#,
    )
    .unwrap();
    let expected = match Machine::NATIVE {
        Machine::Aarch64 => vec![Arch::ScmpArchAarch64, Arch::ScmpArchArm],
        _ => vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32],
    };
    assert_eq!(profile.architectures().as_ref().unwrap(), &expected);
}

#[test]
fn errnos_by_name_serve_where_numbers_are_missing() {
    let profile = parsed(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS", "syscalls": [
            {"names": ["a"], "action": "SCMP_ACT_ERRNO", "errno": "EPERM"},
            {"names": ["b"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5, "errno": "EODD"}]}"#,
    )
    .unwrap();
    assert_eq!(profile.default_errno_ret(), Some(38));
    let rules = profile.syscalls().as_ref().unwrap();
    assert_eq!((rules[0].errno_ret(), rules[1].errno_ret()), (Some(1), Some(5)));
}

#[test]
fn what_is_no_profile_is_refused() {
    for json in [
        "",
        "[]",
        "{}",
        "null",
        r#"{"defaultAction": "SCMP_ACT_NOPE"}"#,
        r#"{"defaultAction": 1}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW"} trailing"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_NOPE"]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86"}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["NOPE"]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [], "action": "SCMP_ACT_ERRNO"}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ERRNO"}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ERRNO", "errno": "EODD"}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 0, "op": "EQ"}]}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ERRNO", "args": [{"index": -1, "value": 0, "op": "SCMP_CMP_EQ"}]}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "new"}}]}"#,
    ] {
        assert_eq!(parsed(json).unwrap_err().kind(), Kind::Invalid, "{json}");
    }
    let listener = r#"{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x.sock"}"#;
    assert_eq!(parsed(listener).unwrap_err().kind(), Kind::Unsupported);
    let deep = "[".repeat(100_000);
    assert!(parsed(&deep).is_err());
    assert!(parse(&vec![b' '; PROFILE_LIMIT + 1], HERE).unwrap_err().to_string().contains("1048576"));
}

proptest! {
    /// A file is somebody's mistake or attack; it is refused, or compiles, or is refused by the compiler.
    #[test]
    fn no_bytes_panic(
        cut in 0_usize..600,
        changes in prop::collection::vec((0_usize..600, any::<u8>()), 0..4),
    ) {
        let mut bytes = br#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "archMap": [{"architecture":
            "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
            "syscalls": [{"names": ["read", "clone"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1, "args": [{"index": 0,
            "value": 18446744073709551615, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}], "includes": {"caps":
            ["CAP_CHOWN"], "arches": ["amd64"], "minKernel": "4.8"}, "excludes": {}}]}"#.to_vec();
        for (place, byte) in changes {
            if let Some(old) = bytes.get_mut(place) {
                *old = byte;
            }
        }
        let whole = cut > 400;
        let bytes = if whole { &bytes[..] } else { &bytes[..cut] };
        if let Ok(profile) = parse(bytes, HERE) {
            let _ = super::super::compile::compile(&profile);
        }
    }
}
