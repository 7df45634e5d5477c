//! Devices: directories of them, and those that CDI files describe.

use std::{fs, path::PathBuf};

use e2e::refused;
use harness::{Container, Node, Options, Result, container, run};
use proto::cri::{CdiDevice, Device};
use tonic::Code;

/// Two directories of CDI files, and a configuration that names them.
struct Files {
    etc: PathBuf,
    run: PathBuf,
}

async fn start() -> Result<(Node, Files)> {
    let base = std::env::temp_dir().join(format!(
        "berth-test-cdi-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let files = Files { etc: base.join("etc"), run: base.join("run") };
    fs::create_dir_all(&files.etc)?;
    fs::create_dir_all(&files.run)?;
    let config = base.join("berth.toml");
    fs::write(&config, format!("cdi_spec_dirs = [{:?}, {:?}, \"/no/such/dir\"]\n", files.etc, files.run))?;
    let mut options = Options::default();
    options.arguments.extend(["--config".into(), config.into()]);
    Ok((Node::start_with(options).await?, files))
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(base) = self.etc.parent() {
            let _ = fs::remove_dir_all(base);
        }
    }
}

fn asking(mut one: Container, names: &[&str]) -> Container {
    one.config.cdi_devices = names.iter().map(|name| CdiDevice { name: (*name).to_owned() }).collect();
    one
}

#[test]
fn a_directory_stands_for_the_devices_in_it() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let dir = node.slot.dir().join("snd");
        fs::create_dir_all(dir.join("by-path"))?;
        let snd = sys::path::open_dir(&dir)?;
        let by_path = sys::path::open_dir(dir.join("by-path"))?;
        // Nodes of /dev/null's and /dev/zero's numbers, so that using them works on any machine.
        sys::path::make_node(&snd, "timer", sys::path::Node::Char { major: 1, minor: 3 }, 0o660, (0, 29))?;
        sys::path::make_node(&by_path, "card", sys::path::Node::Char { major: 1, minor: 5 }, 0o600, (0, 0))?;
        fs::write(dir.join("readme"), "no device")?;
        let mut one = container("c").shell("stat -c '%a %g %n' /dev/snd/timer /dev/snd/by-path/card; ls /dev/snd; echo x > /dev/snd/timer; head -c 2 /dev/snd/by-path/card | wc -c");
        let host_path = dir.to_string_lossy().into_owned();
        one.config.devices = vec![Device {
            host_path: host_path.clone(),
            container_path: "/dev/snd".to_owned(),
            permissions: "rw".to_owned(),
        }];
        let text = node.output(&pod, &one).await?;
        assert_eq!(text, "660 29 /dev/snd/timer\n600 0 /dev/snd/by-path/card\nby-path\ntimer\n2\n");
        fs::remove_file(dir.join("timer"))?;
        fs::remove_dir_all(dir.join("by-path"))?;
        refused(node.create(&pod, &one).await, &[Code::InvalidArgument], &[&host_path, "no device node"])?;
        node.finish().await
    })
}

const ACME: &str = "cdiVersion: \"0.6.0\"
kind: acme.com/widget
annotations: {made-by: a test}
containerEdits:
  env: [ACME=all, SHARED=file]
  deviceNodes:
    - {path: /dev/acme/control, hostPath: /dev/null, permissions: rw, fileMode: 0o640, gid: 44}
devices:
  - name: \"0\"
    containerEdits:
      env: [ACME_FIRST=yes, SHARED=device]
      deviceNodes:
        - {path: /dev/acme/0, type: c, major: 1, minor: 5, uid: 1000}
      additionalGids: [44, 0]
      mounts:
        - {hostPath: LIB, containerPath: /usr/lib/acme.so, options: [ro, nosuid, nodev, bind]}
        - {hostPath: none, containerPath: /run/acme, type: tmpfs, options: [size=64k, mode=0700]}
  - name: one:1
    containerEdits: {env: [ACME_SECOND=yes]}
";

#[test]
fn what_a_cdi_file_says_is_in_the_container() -> Result {
    run(async {
        let (node, files) = start().await?;
        let library = node.slot.dir().join("acme.so.1");
        fs::write(&library, "a library\n")?;
        let link = node.slot.dir().join("acme.so");
        std::os::unix::fs::symlink(&library, &link)?;
        fs::write(files.etc.join("acme.yaml"), ACME.replace("LIB", &link.to_string_lossy()))?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "echo $ACME $SHARED $ACME_FIRST $ACME_SECOND $MINE; stat -c '%a %u:%g %n' /dev/acme/*; \
            head -c 3 /dev/acme/0 | wc -c; echo x > /dev/acme/control; cat /usr/lib/acme.so; \
            touch /usr/lib/acme.so 2>/dev/null || echo ro; touch /run/acme/x; id -G";
        let one = asking(
            container("c").shell(line).env("MINE", "mine").env("SHARED", "pod"),
            &["acme.com/widget=0"],
        );
        let text = node.output(&pod, &one).await?;
        // A set of devices is what it says it is: its variables win.
        let wanted = "all device yes mine\n666 1000:0 /dev/acme/0\n640 0:44 /dev/acme/control\n3\na library\nro\n0 44\n";
        assert_eq!(text, wanted);

        // The older form, beside the field; a device named twice is there once.
        let mut one =
            asking(container("d").shell("echo $ACME_FIRST $ACME_SECOND; id -G"), &["acme.com/widget=0"]);
        one.config
            .annotations
            .insert("cdi.k8s.io/plugin_x".to_owned(), "acme.com/widget=one:1, acme.com/widget=0".to_owned());
        assert_eq!(node.output(&pod, &one).await?, "yes yes\n0 44\n");

        // Annotations of the pod ask for nothing.
        let mut other = node.pod("annotated");
        other.config.annotations.insert("cdi.k8s.io/plugin_x".to_owned(), "acme.com/widget=0".to_owned());
        let other = node.run_pod(&other).await?;
        assert_eq!(node.output(&other, &container("e").shell("echo none $ACME")).await?, "none\n");
        node.finish().await
    })
}

#[test]
fn the_later_directory_wins_and_two_files_of_one_do_not() -> Result {
    run(async {
        let (node, files) = start().await?;
        let file = |value: &str| {
            format!(
                "{{\"cdiVersion\":\"0.5.0\",\"kind\":\"a.b/c\",\"devices\":[{{\"name\":\"x\",\"containerEdits\":{{\"env\":[\"FROM={value}\"]}}}}]}}"
            )
        };
        fs::write(files.etc.join("one.json"), file("etc"))?;
        fs::write(files.run.join("one.json"), file("run"))?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one = asking(container("c").shell("echo $FROM"), &["a.b/c=x"]);
        assert_eq!(node.output(&pod, &one).await?, "run\n");
        fs::write(files.run.join("two.json"), file("both"))?;
        refused(
            node.create(&pod, &one).await,
            &[Code::InvalidArgument],
            &["a.b/c=x", "one.json", "two.json"],
        )?;
        node.finish().await
    })
}

#[test]
fn what_cdi_cannot_give_is_refused_and_leaves_nothing() -> Result {
    run(async {
        let (node, files) = start().await?;
        fs::write(files.etc.join("acme.yaml"), ACME.replace("LIB", "/no/such/library"))?;
        let hooked = "{\"cdiVersion\":\"0.6.0\",\"kind\":\"hook.com/x\",\"devices\":[{\"name\":\"a\",\"containerEdits\":{\"hooks\":[{\"hookName\":\"createContainer\",\"path\":\"/bin/true\"}]}}]}";
        fs::write(files.etc.join("hooked.json"), hooked)?;
        // Hostile or broken files neither stop nor hang anything; whoever misses a device reads of them.
        fs::write(files.etc.join("broken.json"), "{")?;
        fs::write(files.etc.join("bomb.yaml"), bomb())?;
        fs::write(files.etc.join("deep.json"), "[".repeat(100_000))?;
        let huge = fs::File::create(files.etc.join("huge.json"))?;
        huge.set_len(1 << 40)?;
        let etc = sys::path::open_dir(&files.etc)?;
        sys::path::make_node(&etc, "fifo.json", sys::path::Node::Fifo, 0o600, (0, 0))?;
        std::os::unix::fs::symlink("/dev/zero", files.etc.join("zero.json"))?;
        fs::write(files.etc.join("ignored.txt"), "not for us")?;
        let pod = node.run_pod(&node.pod("p")).await?;
        node.cri.pull("busybox").await?;
        let before = node.leftovers()?;
        let anything = [Code::InvalidArgument, Code::NotFound, Code::FailedPrecondition];
        for (name, words) in [
            ("acme.com/widget=9", ["acme.com/widget=9", "has 0, one:1"]),
            ("other.com/thing=0", ["no CDI file of this node", "more files cannot be used"]),
            ("acme.com/widget=0", ["/no/such/library", "acme.com/widget=0"]),
            ("widget", ["vendor/class=name", "widget"]),
            ("acme.com/widget=../x", ["vendor/class=name", "../x"]),
            ("", ["vendor/class=name", ""]),
        ] {
            let answer = node.create(&pod, &asking(container("c"), &[name])).await;
            refused(answer, &anything, &words)?;
        }
        let answer = node.create(&pod, &asking(container("c"), &["hook.com/x=a"])).await;
        refused(answer, &[Code::Unimplemented], &["hook.com/x=a", "hooks"])?;
        node.settle(&before).await?;
        // Without a request for a device nobody reads the files.
        node.create(&pod, &container("plain")).await?;
        node.finish().await
    })
}

/// A billion laughs.
fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let last = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![last; 10].join(", "));
    }
    text
}
