//! Launch plans as berthd would make them, for tests to bend.
use std::fs;

use proto::monitor::{
    Capabilities, Device, ExecPlan, LaunchPlan, Mount, Process, Rootfs, Stdio, mount::Kind,
};
use sys::mount::attr;

use crate::{client::Client, fixture::Pod};

const NO_SUID_DEV_EXEC: u64 = attr::NOSUID | attr::NODEV | attr::NOEXEC;
/// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE.
pub(crate) const DEFAULT_CAPS: u64 = 0b101_1111_1011;

impl Pod {
    /// A container that runs `script` in a shell, logs to `<dir>/logs/<id>.log`, in cgroup `<id>`.
    pub(crate) fn shell(&mut self, id: &str, script: &str) -> LaunchPlan {
        let cgroup_dirs = self.cgroup(id);
        LaunchPlan {
            container_id: id.into(),
            rootfs: Some(Rootfs {
                lower_dirs: vec![self.layer()],
                upper_dir: self.make_dir(&format!("{id}/upper")),
                work_dir: self.make_dir(&format!("{id}/work")),
                readonly: false,
            }),
            mounts: mounts(),
            process: Some(process(&["sh", "-c", script])),
            devices: devices(),
            masked_paths: ["/proc/kcore", "/proc/timer_list", "/proc/acpi", "/sys/firmware", "/proc/no/such"]
                .map(str::to_owned)
                .to_vec(),
            readonly_paths: ["/proc/sys", "/proc/bus", "/proc/irq", "/proc/no/such"]
                .map(str::to_owned)
                .to_vec(),
            new_cgroup_namespace: true,
            cgroup_dirs,
            stdio: Some(Stdio {
                log_directory: self.make_dir("logs"),
                log_path: format!("{id}.log"),
                ..Stdio::default()
            }),
            ..LaunchPlan::default()
        }
    }

    /// The text of a container's log, without times and tags: (stream and tag, text) per record.
    pub(crate) fn records(&self, id: &str) -> Vec<(String, String)> {
        let bytes = fs::read(self.dir.join(format!("logs/{id}.log"))).unwrap();
        String::from_utf8_lossy(&bytes)
            .lines()
            .map(|line| {
                let (time, rest) = line.split_at(31);
                assert!(time.ends_with("Z ") && time.contains('T'), "{line}");
                let (head, text) = rest.split_at(9);
                (head.trim_end().to_owned(), text.to_owned())
            })
            .collect()
    }

    /// All that a container wrote, streams mixed, records joined.
    pub(crate) fn output(&self, id: &str) -> String {
        let mut text = String::new();
        for (head, record) in self.records(id) {
            text.push_str(&record);
            if head.ends_with('F') {
                text.push('\n');
            }
        }
        text
    }

    /// Runs `plan` to its end. Returns exit code and output.
    pub(crate) fn run(&self, plan: &LaunchPlan) -> (i32, String) {
        let client = self.client();
        client.start(plan);
        let exited = self.client().wait_exit(&plan.container_id);
        let output = self.output(&plan.container_id);
        client.forget(&plan.container_id).unwrap();
        (exited.exit_code, output)
    }

    /// Runs a shell in a running container. Returns exit code and output.
    pub(crate) fn exec_shell(&self, id: &str, script: &str) -> (i32, String) {
        exec_with(
            &self.client(),
            &ExecPlan { container_id: id.into(), process: Some(process(&["sh", "-c", script])) },
        )
    }
}

pub(crate) fn exec_with(client: &Client, plan: &ExecPlan) -> (i32, String) {
    let (reader, writer) = sys::io::pipe().unwrap();
    let ends = [None, Some(std::os::fd::AsFd::as_fd(&writer)), Some(std::os::fd::AsFd::as_fd(&writer))];
    client.try_exec(plan, ends).unwrap();
    drop(writer);
    let output = sys::io::read_all(reader, 1 << 24).unwrap();
    (client.exited().exit_code, String::from_utf8_lossy(&output).into_owned())
}

pub(crate) fn process(args: &[&str]) -> Process {
    Process {
        args: args.iter().map(|&arg| arg.into()).collect(),
        env: vec![b"PATH=/bin".to_vec(), b"HOME=/root".to_vec()],
        cwd: "/".into(),
        capabilities: Some(Capabilities {
            bounding: DEFAULT_CAPS,
            effective: DEFAULT_CAPS,
            permitted: DEFAULT_CAPS,
            inheritable: 0,
            ambient: 0,
        }),
        ..Process::default()
    }
}

pub(crate) fn mount(kind: Kind, destination: &str, attributes: u64, data: &[&str]) -> Mount {
    Mount {
        kind: kind.into(),
        destination: destination.into(),
        attributes,
        data: data.iter().map(|&option| option.into()).collect(),
        ..Mount::default()
    }
}

pub(crate) fn bind(source: &str, destination: &str) -> Mount {
    Mount { source: source.into(), recursive: true, ..mount(Kind::Bind, destination, 0, &[]) }
}

fn mounts() -> Vec<Mount> {
    vec![
        mount(Kind::Proc, "/proc", NO_SUID_DEV_EXEC, &[]),
        mount(Kind::Tmpfs, "/dev", attr::NOSUID, &["mode=755", "size=65536k"]),
        mount(
            Kind::Devpts,
            "/dev/pts",
            attr::NOSUID | attr::NOEXEC,
            &["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount(Kind::Shm, "/dev/shm", NO_SUID_DEV_EXEC, &[]),
        mount(Kind::Mqueue, "/dev/mqueue", NO_SUID_DEV_EXEC, &[]),
        mount(Kind::Sysfs, "/sys", NO_SUID_DEV_EXEC | attr::RDONLY, &[]),
        mount(Kind::Cgroup, "/sys/fs/cgroup", NO_SUID_DEV_EXEC | attr::RDONLY, &[]),
    ]
}

fn devices() -> Vec<Device> {
    [("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)]
        .map(|(name, minor)| Device {
            path: format!("/dev/{name}"),
            r#type: u32::from('c'),
            major: 1,
            minor,
            mode: 0o666,
            uid: 0,
            gid: 0,
        })
        .to_vec()
}
