//! Specs as plans, changed ones too.
use oci_spec::runtime::{MountBuilder, PosixRlimitType};
use proto::monitor::mount::Kind;

use super::*;
use crate::{Kind as ErrorKind, build, testing::Case};

fn plan(case: &Case) -> LaunchPlan {
    lower(&build(&case.input()).unwrap(), &case.input()).unwrap()
}

fn lowered(options: &[&str], kind: &str) -> Result<proto::monitor::Mount> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let mount = MountBuilder::default()
        .typ(kind)
        .source("/src")
        .destination("/dst")
        .options(options)
        .build()
        .unwrap();
    mount::lower(&mount, &Case::default().paths)
}

#[test]
fn fstab_words_become_flags() {
    let of = |options: &[&str]| {
        let mount = lowered(options, "bind").unwrap();
        (mount.attributes, mount.recursive, mount.recursive_attributes)
    };
    assert_eq!(of(&["rbind", "ro", "nosuid", "nodev", "noexec"]), (0xf, true, false));
    assert_eq!(of(&["bind", "ro", "rw"]), (0, false, false));
    assert_eq!(of(&["rbind", "rro"]), (1, true, true));
    assert_eq!(of(&["rbind", "strictatime", "noatime"]), (0x10, true, false));
    assert_eq!(of(&["rbind", "noatime", "relatime", "nosymfollow"]), (0x20_0000, true, false));
    for bad in [&["rbind", "rro", "noexec"][..], &["rbind", "rsuid"], &["a,b"]] {
        assert_eq!(lowered(bad, "bind").unwrap_err().kind(), ErrorKind::Unsupported, "{bad:?}");
    }
    assert_eq!(lowered(&["size=1", "nr_inodes=5"], "tmpfs").unwrap().data, ["size=1", "nr_inodes=5"]);
    assert_eq!(of(&["rbind", "rro", "rnoexec", "rnosuid"]), (0xb, true, true));
    assert_eq!(lowered(&[], "nfs").unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn an_overlay_is_directories_to_look_at() {
    let made = lowered(&[r"lowerdir=/l/2/fs/a\:b\\c:/l/1/fs", "ro", "nosuid"], "overlay").unwrap();
    assert_eq!((made.kind(), made.attributes), (Kind::Overlay, 0x3));
    assert_eq!(made.lower_dirs, [r"/l/2/fs/a:b\c", "/l/1/fs"]);
    for bad in [&["lowerdir=/one"][..], &["ro"], &["lowerdir=/a:/b", "upperdir=/c", "workdir=/d"]] {
        assert_eq!(lowered(bad, "overlay").unwrap_err().kind(), ErrorKind::Unsupported, "{bad:?}");
    }
}

#[test]
fn propagation_words_become_flags() {
    for (word, flags) in [("rprivate", 1 << 18 | 1 << 14), ("slave", 1 << 19), ("rshared", 1 << 20 | 1 << 14)]
    {
        assert_eq!(lowered(&["rbind", word], "bind").unwrap().propagation, flags, "{word}");
    }
    assert_eq!(mount::propagation("unbindable"), None);
    assert_eq!(plan(&Case::default()).root_propagation, 1 << 18 | 1 << 14);
}

#[test]
fn the_pods_shared_memory_is_no_bind() {
    let shm =
        |case: &Case| plan(case).mounts.into_iter().find(|mount| mount.destination == "/dev/shm").unwrap();
    assert_eq!(shm(&Case::default()).kind(), Kind::Shm);
    let mut case = Case::default();
    let options = case.pod_security().namespace_options.get_or_insert_default();
    options.ipc = cri::NamespaceMode::Node.into();
    assert_eq!((shm(&case).kind(), shm(&case).source.as_str()), (Kind::Bind, "/dev/shm"));
}

#[test]
fn values_that_are_no_text_arrive_whole() {
    let mut case = Case::default();
    let set = |key: &str, value: &[u8]| cri::KeyValue { key: key.into(), value: value.to_vec() };
    case.container.envs = vec![set("RAW", b"a\xff\xfeb"), set("TEXT", b"c")];
    let mut spec = build(&case.input()).unwrap();
    let env = lower(&spec, &case.input()).unwrap().process.unwrap().env;
    assert!(env.contains(&b"RAW=a\xff\xfeb".to_vec()));
    assert!(env.contains(&b"TEXT=c".to_vec()));
    // Somebody changed it on the way: their value counts.
    spec.process_mut().as_mut().unwrap().set_env(Some(vec!["RAW=new".into(), "MORE=1".into()]));
    let env = lower(&spec, &case.input()).unwrap().process.unwrap().env;
    assert_eq!(env, [b"RAW=new".to_vec(), b"MORE=1".to_vec()]);
}

#[test]
fn whose_processes_are_seen() {
    let mut case = Case::default();
    assert_eq!(plan(&case).pid_mode(), PidMode::Container);
    let target = cri::NamespaceOption {
        pid: cri::NamespaceMode::Target.into(),
        target_id: "dddd".into(),
        ..Default::default()
    };
    case.security().namespace_options = Some(target);
    assert_eq!(build(&case.input()).unwrap_err().kind(), ErrorKind::Internal);
    case.paths.target_pid_namespace = Some("/proc/77/ns/pid".into());
    let made = plan(&case);
    assert_eq!((made.pid_mode(), made.target_container_id.as_str()), (PidMode::Target, "dddd"));
}

#[test]
fn devices_are_made_only_in_a_dev_of_our_own() {
    let paths = |case: &Case| plan(case).devices.into_iter().map(|device| device.path).collect::<Vec<_>>();
    let mut case = Case::default();
    assert_eq!(paths(&case).len(), 6);
    case.pod_security().privileged = true;
    case.security().privileged = true;
    assert_eq!(paths(&case).len(), 8);
    case.mount(cri::Mount { host_path: "/dev".into(), container_path: "/dev".into(), ..Default::default() });
    assert!(paths(&case).is_empty());
}

#[test]
fn limits_keep_their_numbers() {
    let mut case = Case::default();
    let names = [
        (PosixRlimitType::RlimitNofile, 7),
        (PosixRlimitType::RlimitCore, 4),
        (PosixRlimitType::RlimitRttime, 15),
    ];
    case.policy.rlimits = names
        .iter()
        .map(|(kind, _)| crate::Rlimit { name: kind.to_string(), soft: 1, hard: u64::MAX })
        .collect();
    let made = plan(&case).process.unwrap().rlimits;
    assert_eq!(made.iter().map(|limit| limit.resource).collect::<Vec<_>>(), names.map(|(_, number)| number));
    assert_eq!((made[0].soft, made[0].hard), (1, u64::MAX));
    case.policy.rlimits[0].name = "RLIMIT_NOPE".into();
    assert_eq!(build(&case.input()).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn what_the_monitor_cannot_do_is_not_dropped_in_silence() {
    let case = Case::default();
    let refused = |change: &dyn Fn(&mut Spec)| {
        let mut spec = build(&case.input()).unwrap();
        change(&mut spec);
        lower(&spec, &case.input()).unwrap_err().kind()
    };
    let linux = |spec: &mut Spec, change: &dyn Fn(&mut Linux)| change(spec.linux_mut().as_mut().unwrap());
    for (kind, change) in [
        (
            ErrorKind::Unsupported,
            &(|spec: &mut Spec| {
                spec.set_domainname(Some("x".into()));
            }) as &dyn Fn(&mut Spec),
        ),
        (ErrorKind::Unsupported, &|spec| {
            linux(spec, &|linux| {
                linux.set_personality(Some(Default::default()));
            });
        }),
        (ErrorKind::Unsupported, &|spec| {
            linux(spec, &|linux| {
                linux.set_rootfs_propagation(Some("odd".into()));
            });
        }),
        (ErrorKind::Internal, &|spec| {
            spec.set_linux(None);
        }),
    ] {
        assert_eq!(refused(change), kind);
    }
}
