//! Mounts: which, where, in what order.
use super::*;
use crate::{Kind, pod::PodPid, testing::Case};

const OWN: PodNamespaces = PodNamespaces { network: true, ipc: true, pid: PodPid::PerContainer };

fn volume(host_path: &str, container_path: &str) -> cri::Mount {
    cri::Mount { host_path: host_path.into(), container_path: container_path.into(), ..Default::default() }
}

fn case(volumes: &[cri::Mount]) -> Case {
    let mut case = Case::default();
    for volume in volumes {
        case.mount(volume.clone());
    }
    case
}

fn made(case: &Case) -> Result<Mounts> {
    mounts(&case.input(), OWN, false)
}

fn destinations(case: &Case) -> Vec<String> {
    made(case).unwrap().list.iter().map(|mount| mount.destination().display().to_string()).collect()
}

fn options(case: &Case, destination: &str) -> String {
    let list = made(case).unwrap().list;
    let mount = list.iter().find(|mount| mount.destination() == std::path::Path::new(destination)).unwrap();
    mount.options().clone().unwrap().join(",")
}

fn refused(volume: cri::Mount) -> Kind {
    made(&case(&[volume])).unwrap_err().kind()
}

#[test]
fn parents_come_before_what_lies_in_them() {
    let case = case(&[
        volume("/h/deep", "/a/b/c"),
        volume("/h/etc", "/etc"),
        volume("/h/second", "/z"),
        volume("/h/first", "/a"),
    ]);
    assert_eq!(
        destinations(&case),
        [
            "/proc",
            "/dev",
            "/dev/pts",
            "/dev/shm",
            "/dev/mqueue",
            "/sys",
            "/sys/fs/cgroup",
            "/etc",
            "/z",
            "/a",
            "/etc/hostname",
            "/etc/hosts",
            "/etc/resolv.conf",
            "/a/b/c",
        ]
    );
}

#[test]
fn a_volume_replaces_what_it_covers() {
    let dev = destinations(&case(&[volume("/dev", "/dev/")]));
    assert_eq!(dev.iter().filter(|path| path.starts_with("/dev")).collect::<Vec<_>>(), ["/dev"]);
    let shm = destinations(&case(&[volume("/h/shm", "/dev/shm")]));
    assert_eq!(shm.iter().filter(|path| *path == "/dev/shm").count(), 1);
    let sys = destinations(&case(&[volume("/sys", "/sys")]));
    assert_eq!(sys.iter().filter(|path| path.starts_with("/sys")).collect::<Vec<_>>(), ["/sys"]);
    let hosts = case(&[volume("/var/lib/kubelet/etc-hosts", "/etc/hosts")]);
    let list = made(&hosts).unwrap().list;
    let sources: Vec<_> = list
        .iter()
        .filter(|mount| mount.destination().ends_with("hosts"))
        .map(|mount| mount.source())
        .collect();
    assert_eq!(sources, [&Some("/var/lib/kubelet/etc-hosts".into())]);
}

#[test]
fn access_and_propagation() {
    let mut volume = volume("/h", "/v");
    assert_eq!(options(&case(std::slice::from_ref(&volume)), "/v"), "rbind,rprivate,rw");
    volume.readonly = true;
    assert_eq!(options(&case(std::slice::from_ref(&volume)), "/v"), "rbind,rprivate,ro");
    volume.recursive_read_only = true;
    assert_eq!(options(&case(std::slice::from_ref(&volume)), "/v"), "rbind,rprivate,rro");
    volume.mount_options = vec!["noexec".into(), "nosuid".into(), "noexec".into()];
    assert_eq!(options(&case(std::slice::from_ref(&volume)), "/v"), "rbind,rprivate,rro,rnoexec,rnosuid");
}

#[test]
fn the_root_follows_the_widest_propagation() {
    let spread = |propagation: cri::MountPropagation, path: &str| cri::Mount {
        propagation: propagation.into(),
        ..volume("/h", path)
    };
    use cri::MountPropagation::{PropagationBidirectional as Both, PropagationHostToContainer as In};
    assert_eq!(made(&case(&[volume("/h", "/a")])).unwrap().root_propagation, "rprivate");
    assert_eq!(made(&case(&[spread(In, "/a"), volume("/h", "/b")])).unwrap().root_propagation, "rslave");
    assert_eq!(made(&case(&[spread(Both, "/a"), spread(In, "/b")])).unwrap().root_propagation, "rshared");
    assert_eq!(options(&case(&[spread(Both, "/a")]), "/a"), "rbind,rshared,rw");
}

#[test]
fn recursive_read_only_wants_read_only_and_private() {
    let rro = |readonly: bool, propagation: cri::MountPropagation| cri::Mount {
        readonly,
        recursive_read_only: true,
        propagation: propagation.into(),
        ..volume("/h", "/v")
    };
    use cri::MountPropagation::{
        PropagationBidirectional as Both, PropagationHostToContainer as In, PropagationPrivate,
    };
    assert_eq!(refused(rro(false, PropagationPrivate)), Kind::Invalid);
    assert_eq!(refused(rro(true, In)), Kind::Invalid);
    assert_eq!(refused(rro(true, Both)), Kind::Invalid);
}

#[test]
fn images_are_mounted_read_only() {
    let image = Some(cri::ImageSpec { image: "sha256:1".into(), ..Default::default() });
    let mut case = Case::default();
    let mount = cri::Mount { image: image.clone(), readonly: true, ..volume("", "/data") };
    case.container.mounts.push(mount.clone());
    case.mounts.push(crate::ResolvedMount { host_path: "/var/lib/berth/x".into(), ..Default::default() });
    assert_eq!(options(&case, "/data"), "rbind,rprivate,ro,nosuid,nodev");
    case.mounts[0].lower_dirs = vec!["/l/2/fs/a:b\\c".into(), "/l/1/fs".into()];
    assert_eq!(options(&case, "/data"), r"lowerdir=/l/2/fs/a\:b\\c:/l/1/fs,rprivate,ro,nosuid,nodev");
    assert_eq!(refused(cri::Mount { readonly: false, ..mount.clone() }), Kind::Invalid);
    assert_eq!(refused(cri::Mount { host_path: "/h".into(), ..mount }), Kind::Invalid);
    assert_eq!(refused(cri::Mount { image_sub_path: "a".into(), ..volume("/h", "/v") }), Kind::Invalid);
}

/// CRI-05, SEC-03.
#[test]
fn destinations_that_would_break_out_or_in_are_refused() {
    for path in
        ["", "data", "./data", "/", "//", "/.", "/a/..", "/../etc", "/a\nb", "/a\0", &"/x".repeat(3000)]
    {
        assert_eq!(refused(volume("/h", path)), Kind::Invalid, "{path:?}");
    }
    for path in [
        "/proc",
        "/proc/",
        "/proc/self",
        "/proc/sys",
        "/proc/self/attr/exec",
        "/proc/sysrq-trigger",
        "/proc//1",
    ] {
        assert_eq!(refused(volume("/h", path)), Kind::Invalid, "{path:?}");
    }
    for (host, path) in
        [("/h", "/proc/meminfo"), ("/proc", "/proc"), ("/h", "/processes"), ("/h", "/sys/kernel/x")]
    {
        assert!(made(&case(&[volume(host, path)])).is_ok(), "{path:?}");
    }
}

#[test]
fn what_we_cannot_do_is_refused() {
    let mapping = vec![cri::IdMapping { host_id: 1, container_id: 0, length: 1 }];
    assert_eq!(refused(cri::Mount { uid_mappings: mapping, ..volume("/h", "/v") }), Kind::Unsupported);
    assert_eq!(
        refused(cri::Mount { mount_options: vec!["exec".into()], ..volume("/h", "/v") }),
        Kind::Invalid
    );
    assert_eq!(refused(cri::Mount { propagation: 7, ..volume("/h", "/v") }), Kind::Invalid);
    assert_eq!(refused(volume("", "/v")), Kind::Invalid);
}

fn with_volumes(volumes: &[&str]) -> ImageFacts {
    ImageFacts { volumes: volumes.iter().map(|volume| (*volume).to_owned()).collect(), ..Default::default() }
}

/// SEC-28, IMG-34.
#[test]
fn image_volumes_stay_inside() {
    let none = cri::ContainerConfig::default();
    assert_eq!(
        image_volumes(&none, &with_volumes(&["/data/", "data", "/b//c", "/devices"])).unwrap(),
        ["/b/c", "/data", "/devices"]
    );
    let covering = cri::ContainerConfig { mounts: vec![volume("/h", "/data//")], ..Default::default() };
    let wanted = image_volumes(&covering, &with_volumes(&["/data", "/data/sub", "/database", "/x"])).unwrap();
    assert_eq!(wanted, ["/database", "/x"]);
    for bad in ["/../..", "/a/../../etc", "..", ".", "/", "", "/a\0"] {
        assert!(image_volumes(&none, &with_volumes(&[bad])).is_err(), "{bad:?}");
    }
    let kernel = ["/proc", "/sys/fs/cgroup", "/dev/shm", "/dev", "proc/1"];
    assert!(image_volumes(&none, &with_volumes(&kernel)).unwrap().is_empty());
    let many: Vec<String> = (0..10_000).map(|n| format!("/v{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(image_volumes(&none, &with_volumes(&many)).is_err());
}

#[test]
fn hosts_shared_memory_and_privileged_access() {
    let case = Case::default();
    let host_ipc = PodNamespaces { ipc: false, ..OWN };
    let list = mounts(&case.input(), host_ipc, true).unwrap().list;
    let find =
        |path: &str| list.iter().find(|mount| mount.destination() == std::path::Path::new(path)).unwrap();
    assert_eq!(find("/dev/shm").source(), &Some("/dev/shm".into()));
    for path in ["/sys", "/sys/fs/cgroup"] {
        assert!(find(path).options().as_ref().unwrap().contains(&"rw".to_owned()), "{path}");
    }
    assert!(options(&case, "/sys").ends_with(",ro"));
}

#[test]
fn pod_files_follow_the_root() {
    let mut case = Case::default();
    assert_eq!(options(&case, "/etc/hosts"), "bind,rprivate,rw");
    case.security().readonly_rootfs = true;
    assert_eq!(options(&case, "/etc/hosts"), "bind,rprivate,ro");
}
