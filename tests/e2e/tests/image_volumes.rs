//! Images as volumes: their layers as one read-only tree, sub paths, what is refused, and how long an image is kept.

use std::fs;

use e2e::refused;
use harness::{
    Container, Node, Result, container,
    image::{Compression, Image, LayerBuilder},
    run,
};
use proto::cri::{ImageSpec, Mount};
use tonic::Code;

fn volume(image: &str, path: &str, sub_path: &str) -> Mount {
    Mount {
        container_path: path.to_owned(),
        readonly: true,
        image: Some(ImageSpec { image: image.to_owned(), ..Default::default() }),
        image_sub_path: sub_path.to_owned(),
        ..Default::default()
    }
}

fn with(mut one: Container, mount: Mount) -> Container {
    one.config.mounts.push(mount);
    one
}

/// Three layers: the second deletes and replaces what the first has, the third covers a directory whole. Links lead
/// about, out and in circles.
fn layered() -> Result<Image> {
    let bottom = LayerBuilder::new()
        .dir("data", 0o755)?
        .file("data/kept", 0o644, "kept\n")?
        .file("data/gone", 0o644, "gone\n")?
        .file("data/changed", 0o644, "old\n")?
        .dir("covered", 0o755)?
        .file("covered/below", 0o644, "below\n")?
        .build(Compression::Gzip)?;
    let middle = LayerBuilder::new()
        .whiteout("data/gone")?
        .file("data/changed", 0o644, "new\n")?
        .file("data/run", 0o4755, "#!/bin/sh\nid -u\n")?
        .symlink("short", "data")?
        .symlink("absolute", "/data")?
        .symlink("climbing", "../../../../../../etc")?
        .symlink("loop", "loop")?
        .build(Compression::Gzip)?;
    let top = LayerBuilder::new()
        .dir("covered", 0o755)?
        .opaque("covered")?
        .file("covered/above", 0o644, "above\n")?
        .whiteout("never-there")?
        .build(Compression::Gzip)?;
    Ok(Image::new().layer(bottom).layer(middle).layer(top))
}

async fn start() -> Result<Node> {
    let node = Node::start().await?;
    node.registry.push("library/layered", "latest", &layered()?)?;
    node.cri.pull("layered").await?;
    Ok(node)
}

#[test]
fn layers_are_one_tree_that_cannot_be_written() -> Result {
    run(async {
        let node = start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "cd /vol; ls -A . data covered; cat data/kept data/changed data/run; \
            touch data/x 2>&1; rm data/kept 2>&1; sh data/run; grep -c ' /vol .*nosuid,nodev' /proc/self/mounts; true";
        let one = with(container("c").shell(line), volume("layered", "/vol", ""));
        let text = node.output(&pod, &one).await?;
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        let listed = [".:", "absolute", "climbing", "covered", "data", "loop", "short"];
        assert_eq!(lines[..listed.len()], listed, "{text}");
        assert_eq!(lines[7..13], ["covered:", "above", "data:", "changed", "kept", "run"], "{text}");
        assert!(text.contains("kept\nnew\n#!/bin/sh"), "{text}");
        assert_eq!(text.matches("Read-only file system").count(), 2, "{text}");
        assert!(text.ends_with("0\n1\n"), "programs run, but set-uid bits mean nothing: {text}");
        node.finish().await
    })
}

#[test]
fn an_image_of_one_layer_shows_no_marks_of_deleted_files() -> Result {
    run(async {
        let node = Node::start().await?;
        let layer =
            LayerBuilder::new().file("data", 0o644, "only\n")?.whiteout("mark")?.build(Compression::Gzip)?;
        node.registry.push("library/single", "latest", &Image::new().layer(layer))?;
        node.cri.pull("single").await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one = with(container("c").shell("ls -A /vol; cat /vol/data"), volume("single", "/vol", ""));
        assert_eq!(node.output(&pod, &one).await?, "data\nonly\n");
        node.finish().await
    })
}

#[test]
fn sub_paths_are_found_inside_the_image() -> Result {
    run(async {
        let node = start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        for (sub_path, line, wanted) in [
            ("data", "cat /vol/kept /vol/changed; ls /vol", "kept\nnew\nchanged\nkept\nrun\n"),
            ("/data/", "cat /vol/kept", "kept\n"),
            ("./short/../data", "cat /vol/kept", "kept\n"),
            ("absolute", "cat /vol/kept", "kept\n"),
            ("../../data", "cat /vol/kept", "kept\n"),
            ("covered", "ls /vol", "above\n"),
            ("absolute/changed", "cat /vol; touch /vol 2>/dev/null || echo ro", "new\nro\n"),
        ] {
            let one = with(container("c").shell(line), volume("layered", "/vol", sub_path));
            assert_eq!(node.output(&pod, &one).await?, wanted, "{sub_path:?}");
        }
        let before = node.leftovers()?;
        // The node has an /etc, the image has none; what is deleted or covered is not there either.
        for sub_path in
            ["missing", "climbing", "climbing/passwd", "data/gone", "covered/below", "data/kept/x", "loop"]
        {
            let answer = node.create(&pod, &with(container("c"), volume("layered", "/vol", sub_path))).await;
            refused(answer, &[Code::InvalidArgument], &["ImageVolumeMountFailed: image volume", sub_path])?;
        }
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn the_status_tells_which_image_it_is() -> Result {
    run(async {
        let node = start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let id = node.cri.image("layered").await?.map(|image| image.id).unwrap_or_default();
        let data = node.slot.dir().join("data");
        fs::create_dir_all(&data)?;
        let one = container("c").mount(&data, "/data", true);
        let one = with(with(one, volume("layered", "/vol", "")), volume(&id, "/second", "data"));
        let made = node.create(&pod, &one).await?;
        let mounts = node.cri.status(&made).await?.mounts;
        let images: Vec<_> =
            mounts.iter().map(|mount| mount.image.clone().unwrap_or_default().image_ref).collect();
        assert_eq!(images, [String::new(), id.clone(), id]);
        assert_eq!(mounts[1].image.clone().unwrap_or_default().image, "layered", "as it was asked for");
        node.finish().await
    })
}

#[test]
fn a_removed_image_stays_where_it_is_mounted() -> Result {
    run(async {
        let mut node = start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one = with(container("c").shell("exec sleep 1000"), volume("layered", "/vol", ""));
        let id = node.start_container(&pod, &one).await?;
        let one = with(container("later").shell("cat /vol/data/kept"), volume("layered", "/vol", ""));
        let created = node.create(&pod, &one).await?;
        node.cri.remove_image("layered").await?;
        assert!(node.cri.image("layered").await?.is_none());
        node.kill_daemon()?;
        node.start_daemon().await?;
        assert_eq!(node.cri.shell(&id, "cat /vol/data/kept /vol/covered/above").await?, "kept\nabove\n");
        node.cri.start(&created).await?;
        node.wait_log(&pod, "later", |line| line == "kept").await?;
        let refusal = node.create(&pod, &with(container("new"), volume("layered", "/vol", ""))).await;
        refused(refusal, &[Code::NotFound], &["layered", "pull it"])?;
        let layers =
            || Ok::<_, std::io::Error>(fs::read_dir(node.slot.root().join("images/layers"))?.count());
        node.cri.remove(&created).await?;
        assert!(layers()? > 1, "the other container still has it");
        node.cri.remove(&id).await?;
        assert_eq!(layers()?, 1, "with its last user the image's layers go, busybox's stays");
        node.finish().await
    })
}

#[test]
fn what_cannot_be_a_volume_is_refused() -> Result {
    run(async {
        let node = start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        node.cri.pull("busybox").await?;
        let before = node.leftovers()?;
        let plain = volume("layered", "/vol", "");
        let absent = volume("no-such-image", "/vol", "");
        let answer = node.create(&pod, &with(container("c"), absent)).await;
        refused(answer, &[Code::NotFound], &["ImageVolumeMountFailed", "no-such-image", "pull it"])?;
        for (mount, words) in [
            (Mount { readonly: false, ..plain.clone() }, ["/vol", "writable"]),
            (Mount { host_path: "/tmp".to_owned(), ..plain.clone() }, ["/vol", "host_path"]),
            (
                Mount {
                    image: None,
                    host_path: "/tmp".to_owned(),
                    image_sub_path: "data".to_owned(),
                    ..plain.clone()
                },
                ["/vol", "image_sub_path"],
            ),
            (Mount { container_path: "/proc/self".to_owned(), ..plain.clone() }, ["/proc", "mount"]),
        ] {
            let answer = node.create(&pod, &with(container("c"), mount)).await;
            refused(answer, &[Code::InvalidArgument], &words)?;
        }
        node.settle(&before).await?;
        node.finish().await
    })
}
