//! Binds: files and directories, links in the way, attributes, propagation.
use std::{fs, os::unix::fs::symlink, path::Path};

use proto::monitor::{Mount, mount::Kind};
use sys::{
    Errno,
    mount::{self, Change, FsContext, attr, propagation},
    path,
};

use crate::{
    fixture::{Pod, eventually, pod, sandbox_plan},
    plans::{bind, mount as special},
};

#[test]
fn files_and_directories_land_where_links_inside_the_root_lead() {
    let mut pod = pod("binds", &sandbox_plan());
    let data = pod.make_dir("data");
    fs::write(Path::new(&data).join("file"), "content").unwrap();
    let outside = pod.make_dir("outside");
    let layer = pod.layer();
    symlink("/etc", Path::new(&layer).join("link")).unwrap();
    symlink("../../../../tmp", Path::new(&layer).join("up")).unwrap();
    let mut plan = pod
        .shell("c1", "cat /etc/new/hosts /tmp/deep/file; echo; touch /ro/x 2>/dev/null || echo ro; ls /ro");
    plan.mounts.push(bind(&format!("{data}/file"), "/link/new/hosts"));
    plan.mounts.push(bind(&data, "/up/deep"));
    plan.mounts.push(Mount { attributes: attr::RDONLY | attr::NOEXEC, ..bind(&data, "/ro") });
    let (_, output) = pod.run(&plan);
    assert!(output.starts_with("contentcontent\n") && output.ends_with("ro\nfile\n"), "{output}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    pod.finish();
}

#[test]
fn destinations_that_cannot_be_made_are_named() {
    let mut pod = pod("bad", &sandbox_plan());
    let data = pod.make_dir("data");
    let client = pod.client();
    let mut number = 0;
    for (source, destination, errno) in [
        ("/no/such", "/x", Errno::ENOENT),
        (data.as_str(), "/missing/../x", Errno::EINVAL),
        (&data, "relative", Errno::EINVAL),
        (&data, "/", Errno::EINVAL),
        (&data, "/bin/busybox", Errno::ENOTDIR),
        (&data, "/bin/busybox/below", Errno::ENOTDIR),
    ] {
        number += 1;
        let mut plan = pod.shell(&format!("c{number}"), "true");
        plan.mounts.push(bind(source, destination));
        let failed = client.try_start(&plan).unwrap_err();
        assert_eq!((failed.stage.as_str(), failed.errno), ("mount", errno.0), "{destination}: {failed:?}");
        assert!(failed.what.contains(&format!("{source:?} at {destination:?}")), "{failed:?}");
    }
    pod.finish();
}

#[test]
fn a_neighbour_that_swaps_links_gets_nothing_mounted_outside() {
    let mut pod = pod("swap", &sandbox_plan());
    let shared = pod.make_dir("shared");
    let outside = pod.make_dir("outside");
    fs::create_dir_all(Path::new(&shared).join("a")).unwrap();
    symlink(&outside, Path::new(&shared).join("b")).unwrap();
    let mut neighbour = pod.shell("swapper", "cd /shared; while :; do mv a c; mv b a; mv c b; done");
    neighbour.mounts.push(bind(&shared, "/shared"));
    neighbour.process.as_mut().unwrap().args[2] =
        "cd /shared; while :; do ln -sfn /outside a 2>/dev/null; rm -rf a; mkdir a; rmdir a 2>/dev/null; rm -rf a; ln -s ../../../../../../outside a; rm -f a; done".into();
    pod.client().start(&neighbour);
    let client = pod.client();
    for number in 0..50 {
        let mut plan = pod.shell(&format!("c{number}"), "true");
        plan.mounts.push(bind(&shared, "/shared"));
        plan.mounts.push(special(Kind::Tmpfs, "/shared/a/deep/er", 0, &[]));
        plan.mounts.push(bind(&outside, "/shared/a/file"));
        // Whether it starts is luck; where it mounts is not.
        if client.try_start(&plan).is_ok() {
            pod.client().wait_exit(&plan.container_id);
        }
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(pod.dir.to_str().unwrap()));
    pod.finish();
}

#[test]
fn submounts_come_along_and_can_be_read_only() {
    let mut pod = pod("sub", &sandbox_plan());
    let volume = HostMount::new(&pod, "volume", false);
    let _inner = HostMount::new(&pod, "volume/inner", false);
    fs::write(volume.0.join("inner/x"), "deep").unwrap();
    let source = volume.0.to_str().unwrap().to_owned();
    let mut plan = pod.shell("c1", "cat /rec/inner/x; ls /flat/inner; touch /rec/inner/y 2>/dev/null || echo ro; touch /half/inner/z && echo rw");
    let read_only = |recursive| Mount {
        attributes: attr::RDONLY,
        recursive_attributes: recursive,
        ..bind(&source, "/rec")
    };
    plan.mounts.push(read_only(true));
    plan.mounts.push(Mount { recursive: false, ..bind(&source, "/flat") });
    plan.mounts.push(Mount { destination: "/half".into(), ..read_only(false) });
    let (_, output) = pod.run(&plan);
    let output: String =
        output.lines().filter(|line| !line.starts_with("touch:")).collect::<Vec<_>>().join(" ");
    assert_eq!(output, "deepro rw");
    drop((_inner, volume));
    pod.finish();
}

#[test]
fn propagation_goes_in_or_both_ways_as_asked() {
    let mut pod = pod("propagate", &sandbox_plan());
    let volume = HostMount::new(&pod, "volume", true);
    for dir in ["in", "out", "other"] {
        fs::create_dir(volume.0.join(dir)).unwrap();
    }
    let source = volume.0.to_str().unwrap().to_owned();
    let mut plan = pod.shell("c1", "mount -t tmpfs none /slave/other && touch /slave/other/x && mount -t tmpfs none /both/out && touch /both/out/x; while :; do sleep 1; done");
    let capabilities = plan.process.as_mut().unwrap().capabilities.as_mut().unwrap();
    for set in [&mut capabilities.bounding, &mut capabilities.effective, &mut capabilities.permitted] {
        *set |= 1 << 21;
    }
    plan.root_propagation = propagation::SHARED | propagation::REC;
    plan.mounts.push(Mount { propagation: propagation::SHARED | propagation::REC, ..bind(&source, "/both") });
    plan.mounts.push(Mount { propagation: propagation::SLAVE | propagation::REC, ..bind(&source, "/slave") });
    plan.mounts.push(bind(&source, "/private"));
    pod.client().start(&plan);
    eventually("bidirectional", || volume.0.join("out/x").exists());
    let inner = HostMount::new(&pod, "volume/in", false);
    fs::write(inner.0.join("seen"), "").unwrap();
    assert_eq!(
        pod.exec_shell("c1", "ls /both/in /slave/in /private/in /slave/out /both/other").1,
        "/both/in:\nseen\n\n/both/other:\n\n/private/in:\n\n/slave/in:\nseen\n\n/slave/out:\nx\n"
    );
    pod.client().kill_all("c1");
    pod.client().wait_exit("c1");
    drop(inner);
    mount::detach(volume.0.join("out")).unwrap();
    drop(volume);
    pod.finish();
}

/// A tmpfs below the pod's directory in the host's namespace.
struct HostMount(std::path::PathBuf);

impl HostMount {
    fn new(pod: &Pod, name: &str, shared: bool) -> Self {
        let dir = pod.dir.join(name);
        fs::create_dir_all(&dir).unwrap();
        mount::attach_at(FsContext::open("tmpfs").unwrap().mount(0).unwrap(), &dir).unwrap();
        if shared {
            let change = Change { propagation: propagation::SHARED, ..Change::default() };
            mount::set_attributes(path::open_dir(&dir).unwrap(), change, false).unwrap();
        }
        Self(dir)
    }
}

impl Drop for HostMount {
    fn drop(&mut self) {
        mount::detach(&self.0).unwrap();
    }
}
