//! Mounts from the node: files and directories, read-only, propagation, and those that cannot be.

use std::{fs, path::PathBuf, time::Duration};

use e2e::refused;
use harness::{Container, Node, Result, container, program, run, until};
use proto::cri::{Mount, MountPropagation};
use tonic::Code;

fn directory(node: &Node, name: &str) -> Result<PathBuf> {
    let path = node.slot.dir().join("host").join(name);
    fs::create_dir_all(&path)?;
    Ok(path)
}

fn with(mut one: Container, mount: Mount) -> Container {
    one.config.mounts.push(mount);
    one
}

#[test]
fn files_and_directories_are_seen_and_written_through() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let data = directory(&node, "data")?;
        let file = node.slot.dir().join("host/file");
        fs::write(data.join("in"), "from the node\n")?;
        fs::write(&file, "a file\n")?;
        let one = container("c").shell("cat /data/in /etc/one; echo out > /data/out; echo more >> /etc/one");
        let text =
            node.output(&pod, &one.mount(&data, "/data", false).mount(&file, "/etc/one", false)).await?;
        assert_eq!(text, "from the node\na file\n");
        assert_eq!(fs::read_to_string(data.join("out"))?, "out\n");
        assert_eq!(fs::read_to_string(&file)?, "a file\nmore\n");

        let one =
            container("ro").shell("cat /data/in; touch /data/x 2>&1 || true").mount(&data, "/data", true);
        let text = node.output(&pod, &one).await?;
        assert!(text.starts_with("from the node\n") && text.contains("Read-only file system"), "{text}");
        node.finish().await
    })
}

#[test]
fn places_are_made_and_symbolic_links_resolved_inside() -> Result {
    run(async {
        let node = Node::start().await?;
        let image = harness::image::LayerBuilder::new()
            .symlink("out", "/etc")?
            .symlink("climb", "../../../../../../srv")?
            .build(harness::image::Compression::Gzip)?;
        node.registry.push("library/links", "latest", &harness::image::busybox()?.layer(image))?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let data = directory(&node, "data")?;
        fs::write(data.join("in"), "here\n")?;
        let target = directory(&node, "target")?;
        fs::write(target.join("in"), "behind a link\n")?;
        let link = node.slot.dir().join("host/link");
        std::os::unix::fs::symlink(&target, &link)?;
        let one = container("c")
            .image("links")
            .shell("cat /a/b/c/in /etc/d/in /srv/e/in /f/in")
            .mount(&data, "/a/b/c", true)
            .mount(&data, "/out/d", true)
            .mount(&data, "/climb/e", true)
            .mount(&link, "/f", true);
        assert_eq!(node.output(&pod, &one).await?, "here\nhere\nhere\nbehind a link\n");
        assert!(
            !PathBuf::from("/etc/d").exists() && !PathBuf::from("/srv/e").exists(),
            "nothing was made on the node"
        );
        node.finish().await
    })
}

#[test]
fn propagation_goes_the_ways_it_was_asked_to() -> Result {
    run(async {
        let node = Node::start().await?;
        let mut wanted = node.pod("p");
        wanted.security().privileged = true;
        let pod = node.run_pod(&wanted).await?;
        let shared = directory(&node, "shared")?;
        let mounted = |arguments: &[&str]| {
            program("mount").args(arguments).status().is_ok_and(|status| status.success())
        };
        let path = shared.to_string_lossy().into_owned();
        // A shared mount is what there is to propagate from.
        assert!(mounted(&["--bind", &path, &path]) && mounted(&["--make-shared", &path]));
        for name in ["private", "slave", "shared"] {
            fs::create_dir_all(shared.join(name))?;
        }
        let ways = [
            ("private", MountPropagation::PropagationPrivate),
            ("slave", MountPropagation::PropagationHostToContainer),
            ("bidirectional", MountPropagation::PropagationBidirectional),
        ];
        let mut ids = Vec::new();
        for (name, way) in ways {
            let mut mount =
                Mount { host_path: path.clone(), container_path: "/mnt".to_owned(), ..Default::default() };
            mount.set_propagation(way);
            let mut one = with(container(name).shell("exec sleep 1000"), mount);
            one.security().privileged = true;
            ids.push(node.start_container(&pod, &one).await?);
            let asked = node.cri.status(&ids[ids.len() - 1]).await?.mounts;
            assert_eq!(asked.len(), 1, "only what was asked for is listed: {asked:?}");
            assert_eq!(asked[0].propagation(), way);
        }
        let place = shared.join("slave").to_string_lossy().into_owned();
        assert!(mounted(&["-t", "tmpfs", "none", &place]));
        let seen = "grep -c ' /mnt/slave ' /proc/self/mounts || true";
        let mut counts = Vec::new();
        for id in &ids {
            counts.push(node.cri.shell(id, seen).await?.trim().to_owned());
        }
        node.cri.shell(&ids[2], "mount -t tmpfs none /mnt/shared").await?;
        let back = fs::read_to_string("/proc/self/mounts")?.contains(&format!("{path}/shared tmpfs"));
        for place in ["shared", "slave", ""] {
            let _ = program("umount").arg("-l").arg(shared.join(place)).status();
        }
        assert_eq!(counts, ["0", "1", "1"], "private, from the node, both ways");
        assert!(back, "what a bidirectional container mounts, the node sees");
        node.finish().await
    })
}

#[test]
fn recursive_read_only_is_recursive_or_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let data = directory(&node, "data")?;
        fs::create_dir_all(data.join("sub"))?;
        assert!(program("mount").args(["-t", "tmpfs", "none"]).arg(data.join("sub")).status()?.success());
        let mount = |readonly, recursive_read_only| Mount {
            host_path: data.to_string_lossy().into_owned(),
            container_path: "/data".to_owned(),
            readonly,
            recursive_read_only,
            ..Default::default()
        };
        let line = "touch /data/x 2>&1 || true; touch /data/sub/x 2>&1 || true";
        let deep = node.output(&pod, &with(container("deep").shell(line), mount(true, true))).await;
        let flat = node.output(&pod, &with(container("flat").shell(line), mount(true, false))).await;
        let _ = program("umount").arg("-l").arg(data.join("sub")).status();
        assert_eq!(deep?.matches("Read-only file system").count(), 2);
        assert_eq!(flat?.matches("Read-only file system").count(), 1);
        let wrong = with(container("wrong"), mount(false, true));
        refused(node.create(&pod, &wrong).await, &[Code::InvalidArgument], &["/data", "readonly"])?;
        let mut both = mount(true, true);
        both.set_propagation(MountPropagation::PropagationHostToContainer);
        refused(
            node.create(&pod, &with(container("both"), both)).await,
            &[Code::InvalidArgument],
            &["/data", "propagation"],
        )?;
        node.finish().await
    })
}

#[test]
fn mount_options_hold_and_others_are_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let features =
            node.cri.runtime().status(proto::cri::StatusRequest::default()).await?.into_inner().features;
        assert!(features.is_some_and(|features| features.mount_options));
        let pod = node.run_pod(&node.pod("p")).await?;
        let data = directory(&node, "data")?;
        let mount = |options: &[&str], recursive_read_only| Mount {
            host_path: data.to_string_lossy().into_owned(),
            container_path: "/data".to_owned(),
            readonly: recursive_read_only,
            recursive_read_only,
            mount_options: options.iter().map(|option| (*option).to_owned()).collect(),
            ..Default::default()
        };
        let line = "awk '$2 == \"/data\" {print $4}' /proc/self/mounts | tr , '\\n' | grep -E '^(ro|rw|no(suid|dev|exec))$' | xargs";
        for (options, recursive, wanted) in [
            (&["noexec", "nodev", "nosuid", "noexec"][..], false, "rw nosuid nodev noexec\n"),
            (&["noexec"], true, "ro noexec\n"),
            (&[], false, "rw\n"),
        ] {
            let one = with(container("c").shell(line), mount(options, recursive));
            assert_eq!(node.output(&pod, &one).await?, wanted, "{options:?}");
        }
        for bad in ["exec", "bind", "noexec,dev", "uid=0", ""] {
            let answer = node.create(&pod, &with(container("c"), mount(&[bad], false))).await;
            refused(answer, &[Code::InvalidArgument], &["/data", "noexec"])
                .map_err(|failure| failure.about(bad))?;
        }
        node.finish().await
    })
}

#[test]
fn mounts_that_cannot_be_are_refused_and_leave_nothing() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        node.cri.pull("busybox").await?;
        let data = directory(&node, "data")?;
        let before = node.leftovers()?;
        let looped = node.slot.dir().join("host/loop");
        std::os::unix::fs::symlink(&looped, &looped)?;
        let host = [PathBuf::from("/no/such/path"), looped];
        for path in host {
            let answer = node.create(&pod, &container("c").mount(&path, "/data", false)).await;
            refused(answer, &[Code::InvalidArgument, Code::NotFound], &[&path.to_string_lossy()])?;
        }
        for place in ["", "relative", "/", "/proc", "/proc/self", "/a/../../b"] {
            let answer = node.create(&pod, &container("c").mount(&data, place, false)).await;
            if place == "/a/../../b" {
                // Resolved inside the root it is just /b.
                if let Ok(id) = answer {
                    node.cri.remove(&id).await?;
                }
                continue;
            }
            refused(answer, &[Code::InvalidArgument], &["mount"])?;
        }
        let empty = with(container("c"), Mount { container_path: "/data".to_owned(), ..Default::default() });
        refused(node.create(&pod, &empty).await, &[Code::InvalidArgument], &["/data"])?;
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn the_pods_own_files_can_be_replaced_by_mounts() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let hosts = node.slot.dir().join("hosts");
        fs::write(&hosts, "10.0.0.1 mine\n")?;
        let id = node
            .start_container(
                &pod,
                &container("c").shell("exec sleep 1000").mount(&hosts, "/etc/hosts", false),
            )
            .await?;
        assert_eq!(node.cri.shell(&id, "cat /etc/hosts").await?, "10.0.0.1 mine\n");
        // kubelet rewrites the file in place; a bind mount shows it at once.
        fs::write(&hosts, "10.0.0.2 changed\n")?;
        until("the change is seen", Duration::from_secs(30), async || {
            node.cri.shell(&id, "cat /etc/hosts").await.is_ok_and(|text| text.contains("changed"))
        })
        .await?;
        node.finish().await
    })
}
