//! The container's file system: hostile images, devices, a read-only root.
use std::{fs, os::unix::fs::symlink, path::Path};

use sys::{
    Errno,
    ns::{self, Kinds},
};

use crate::fixture::{eventually, pod, sandbox_plan};

#[test]
fn an_image_whose_proc_sys_or_dev_is_a_link_is_refused() {
    let mut pod = pod("links", &sandbox_plan());
    let outside = pod.make_dir("outside");
    let layer = pod.layer();
    let client = pod.client();
    let mut number = 0;
    for name in ["proc", "sys", "dev"] {
        for target in ["/tmp", "tmp", &outside, "/proc", "../../../..", "/no/such"] {
            number += 1;
            fs::remove_dir(Path::new(&layer).join(name)).unwrap();
            symlink(target, Path::new(&layer).join(name)).unwrap();
            let plan = pod.shell(&format!("c{number}"), "true");
            let failed = client.try_start(&plan).unwrap_err();
            assert_eq!(
                (failed.stage.as_str(), failed.errno),
                ("mount", Errno::ELOOP.0),
                "{name} -> {target}: {failed:?}"
            );
            fs::remove_file(Path::new(&layer).join(name)).unwrap();
            fs::create_dir(Path::new(&layer).join(name)).unwrap();
        }
        // A file in its place.
        number += 1;
        fs::remove_dir(Path::new(&layer).join(name)).unwrap();
        fs::write(Path::new(&layer).join(name), "").unwrap();
        let plan = pod.shell(&format!("c{number}"), "true");
        assert_eq!(client.try_start(&plan).unwrap_err().stage, "mount", "{name} is a file");
        fs::remove_file(Path::new(&layer).join(name)).unwrap();
        fs::create_dir(Path::new(&layer).join(name)).unwrap();
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    pod.finish();
}

#[test]
fn the_usual_files_of_dev_are_there() {
    let mut pod = pod("dev", &sandbox_plan());
    let script = "cd /dev; for d in null zero full random urandom; do stat -c '%n %F %t:%T %a' $d; done; \
                  for l in ptmx fd stdin stdout stderr; do readlink $l; done; ls core 2>/dev/null; echo lost >null; \
                  head -c 4 zero | od -An -tx1; ls -A / | tr '\\n' ' '";
    let plan = pod.shell("c1", script);
    let (_, output) = pod.run(&plan);
    let mut expected: String = [("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)]
        .map(|(name, minor)| format!("{name} character special file 1:{minor} 666\n"))
        .concat();
    expected.push_str(
        "pts/ptmx\n/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\n 00 00 00 00\n",
    );
    expected.push_str("bin dev etc proc root sys tmp ");
    assert_eq!(output, expected);
    pod.finish();
}

#[test]
fn nothing_of_the_host_is_mounted() {
    let mut pod = pod("mounts", &sandbox_plan());
    let plan = pod.shell("c1", "cut -d' ' -f5 /proc/self/mountinfo | sort -u; cut -d' ' -f7 /proc/self/mountinfo | sort -u | grep -E 'shared|master' && echo propagates");
    let (_, output) = pod.run(&plan);
    for line in output.lines() {
        assert!(
            ["/", "/proc", "/dev", "/sys"].contains(&line)
                || ["/proc/", "/dev/", "/sys/"].iter().any(|prefix| line.starts_with(prefix)),
            "{output}"
        );
    }
    pod.finish();
}

#[test]
fn a_read_only_root_is_one_and_still_gets_its_mount_points() {
    let mut pod = pod("ro", &sandbox_plan());
    let data = pod.make_dir("data");
    let mut plan = pod.shell(
        "c1",
        "touch /tmp/x 2>/dev/null || echo ro; touch /new/place/x && pwd; touch /dev/shm/y && echo shm",
    );
    plan.rootfs.as_mut().unwrap().readonly = true;
    plan.mounts.push(crate::plans::bind(&data, "/new/place"));
    plan.process.as_mut().unwrap().cwd = "/made/too".into();
    let (_, output) = pod.run(&plan);
    assert!(output.ends_with("ro\n/made/too\nshm\n"), "{output}");
    assert!(Path::new(&data).join("x").exists());
    pod.finish();
}

#[test]
fn without_layers_or_with_a_missing_one_nothing_starts() {
    let mut pod = pod("layers", &sandbox_plan());
    let mut plan = pod.shell("c1", "true");
    plan.rootfs.as_mut().unwrap().lower_dirs.clear();
    assert_eq!(pod.client().try_start(&plan).unwrap_err().stage, "rootfs");
    plan.rootfs.as_mut().unwrap().lower_dirs = vec!["/no/such".into()];
    let failed = pod.client().try_start(&plan).unwrap_err();
    assert_eq!((failed.stage.as_str(), failed.errno), ("rootfs", Errno::ENOENT.0));
    pod.finish();
}

#[test]
fn below_the_root_there_is_nothing_of_the_host() {
    let mut pod = pod("root", &sandbox_plan());
    // Every capability, and a root that can be left like any other: containers run in containers.
    let script = "nsenter -t 1 -m ls / | tr '\\n' ' '; cd ..; pwd; chroot . ls / | wc -l; unshare -U id -u; \
                  mkdir /n && mount -t tmpfs n /n && mkdir /n/old && cp -a /bin /n/ && \
                  unshare -m sh -c 'cd /n && pivot_root . old && umount -l /old && ls /'; \
                  umount -l / && echo gone >/tmp/gone; while :; do sleep 1; done";
    let mut plan = pod.shell("c1", script);
    let capabilities = plan.process.as_mut().unwrap().capabilities.as_mut().unwrap();
    for set in [&mut capabilities.bounding, &mut capabilities.effective, &mut capabilities.permitted] {
        *set = u64::MAX;
    }
    let (_, pidfd) = pod.client().try_start(&plan).unwrap();
    let gone = pod.dir.join("c1/upper/tmp/gone");
    eventually("the root is off", || gone.exists());
    eventually("output", || pod.output("c1").ends_with("old\n"));
    assert_eq!(pod.output("c1"), "bin dev etc proc root sys tmp /\n7\n65534\nbin\nold\n");
    // Its namespace as somebody who enters it now: what the blank one holds, and no more.
    let names = std::thread::Builder::new().spawn(move || {
        ns::unshare(Kinds::MOUNT).unwrap();
        ns::enter(&pidfd, Kinds::MOUNT).unwrap();
        let mut names: Vec<_> = fs::read_dir("/").unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    });
    assert_eq!(names.unwrap().join().unwrap(), ["empty", "null", "shm"]);
    pod.finish();
}
