//! VOLUMEs of an image: directories of the container's own, with what the image has there.

use std::fs;

use e2e::refused;
use harness::{
    Container, Node, Result, container,
    image::{self, Compression, LayerBuilder},
    run,
};
use serde_json::{Map, Value, json};
use tonic::Code;

/// Busybox with a layer and these VOLUMEs on top, pushed as `name`.
fn push(node: &Node, name: &str, layer: LayerBuilder, volumes: &[&str]) -> Result {
    let volumes: Map<String, Value> =
        volumes.iter().map(|volume| ((*volume).to_owned(), json!({}))).collect();
    let image =
        image::busybox()?.layer(layer.build(Compression::Gzip)?).set("Volumes", Value::Object(volumes));
    node.registry.push(&format!("library/{name}"), "latest", &image)?;
    Ok(())
}

fn read_only(mut one: Container) -> Container {
    one.security().readonly_rootfs = true;
    one
}

#[test]
fn they_can_be_written_when_the_root_cannot() -> Result {
    run(async {
        let node = Node::start().await?;
        let layer = LayerBuilder::new()
            .owner(1000, 1000)
            .dir("data", 0o750)?
            .owner(1000, 1000)
            .file("data/seed", 0o640, "seed\n")?
            .dir("data/sub", 0o1777)?
            .symlink("data/link", "/etc/passwd")?
            .hard_link("data/sub/again", "data/seed")?;
        push(&node, "seeded", layer, &["/data", "/new/place", "/proc/x", "/sys/fs/cgroup"])?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "touch /x 2>/dev/null || echo ro; cd /data; cat seed sub/again; stat -c '%a %u:%g %h' . seed sub; \
            readlink link; echo mine >> seed; touch /new/place/x /data/x && ls /data; cat /data/seed";
        let one = read_only(container("first").image("seeded").shell(line));
        let text = node.output(&pod, &one).await?;
        let wanted = "ro\nseed\nseed\n750 1000:1000 3\n640 1000:1000 2\n1777 0:0 2\n/etc/passwd\nlink\nseed\nsub\nx\nseed\nmine\n";
        assert_eq!(text, wanted);
        // The next container starts from the image again.
        let one = read_only(container("second").image("seeded").shell("cat /data/seed; ls -A /new/place"));
        assert_eq!(node.output(&pod, &one).await?, "seed\n");
        node.finish().await
    })
}

#[test]
fn they_go_with_their_container_and_outlive_the_daemon() -> Result {
    run(async {
        let mut node = Node::start().await?;
        push(&node, "seeded", LayerBuilder::new().file("data/seed", 0o644, "seed\n")?, &["/data"])?;
        node.cri.pull("seeded").await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one = container("c").image("seeded").shell("echo kept > /data/seed; exec sleep 1000");
        let id = node.start_container(&pod, &one).await?;
        node.kill_daemon()?;
        node.start_daemon().await?;
        assert_eq!(node.cri.shell(&id, "cat /data/seed").await?, "kept\n");
        let place = node.slot.root().join("containers").join(&id).join("volumes/0/seed");
        assert_eq!(fs::read_to_string(&place)?, "kept\n");
        node.cri.remove(&id).await?;
        assert_eq!(fs::read_dir(node.slot.root().join("containers"))?.count(), 0);
        node.finish().await
    })
}

#[test]
fn a_mount_takes_the_place_of_a_volume_and_of_those_below_it() -> Result {
    run(async {
        let node = Node::start().await?;
        let layer = LayerBuilder::new().file("data/sub/seed", 0o644, "seed\n")?;
        push(&node, "nested", layer, &["/data", "/data/sub"])?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mine = node.slot.dir().join("mine");
        fs::create_dir_all(&mine)?;
        let one =
            container("c").image("nested").shell("ls -A /data; touch /data/x").mount(&mine, "/data", false);
        assert_eq!(node.output(&pod, &one).await?, "");
        let names: Vec<_> =
            fs::read_dir(&mine)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
        assert_eq!(names, ["x"], "nothing of the image is made on the node");
        let one = container("d").image("nested").shell("cat /data/sub/seed; touch /data/sub/x; ls /data/sub");
        assert_eq!(node.output(&pod, &one).await?, "seed\nseed\nx\n");
        node.finish().await
    })
}

/// SEC-28: what is copied is the image's, whatever its VOLUMEs say.
#[test]
fn sec_28_a_volume_shows_the_image_and_never_the_node() -> Result {
    run(async {
        let node = Node::start().await?;
        let secret = node.slot.dir().join("secret");
        fs::create_dir_all(&secret)?;
        fs::write(secret.join("key"), "secret\n")?;
        let secret = secret.to_string_lossy().into_owned();
        let climbing = format!("../../../../../../../..{secret}");
        let layer = LayerBuilder::new()
            .symlink("climbing", &climbing)?
            .symlink("absolute", &secret)?
            .dir("inside", 0o755)?
            .file("inside/own", 0o644, "own\n")?
            .symlink("inside/out", &format!("{secret}/key"))?
            .symlink("short", "inside")?;
        push(&node, "links", layer, &["/short"])?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "cat /climbing/key /absolute/key /short/out 2>/dev/null; ls -A /short; cat /short/own; ls -A /inside";
        let text = node.output(&pod, &container("c").image("links").shell(line)).await?;
        assert_eq!(text, "out\nown\nown\nout\nown\n");
        // A link to what the image has not got leads nowhere, above all not to the node.
        for (name, target) in [("climbing", climbing.as_str()), ("absolute", &secret)] {
            push(&node, name, LayerBuilder::new().symlink("link", target)?, &["/link"])?;
            let id = node.create(&pod, &container(name).image(name)).await?;
            refused(node.cri.start(&id).await, &[Code::InvalidArgument], &["/link"])?;
        }
        let kept: Vec<_> =
            fs::read_dir(&secret)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
        assert_eq!(kept, ["key"]);
        for (number, bad) in
            ["/../..", "/", "..", "/a/../../etc", "/bin/busybox", "/a\nb"].into_iter().enumerate()
        {
            let name = format!("bad{number}");
            push(&node, &name, LayerBuilder::new().file("x", 0o644, "")?, &[bad])?;
            let answer = node.create(&pod, &container("c").image(&name)).await;
            refused(answer, &[Code::InvalidArgument], &["VOLUME"]).map_err(|failure| failure.about(bad))?;
        }
        node.finish().await
    })
}
