//! The node's mount table: at most one new mount a pod, none a container.
//!
//! The only test of its file, and so of its process: it counts all mounts there are.

use std::fs;

use harness::{
    Node, Result, container,
    image::{Compression, Image, LayerBuilder},
    run,
};
use proto::cri::{ImageSpec, Mount};

/// Mounts of this machine, but those of other daemons under test.
fn mounts(node: &Node) -> Result<usize> {
    let own = node.slot.dir().to_string_lossy().into_owned();
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(table.lines().filter(|line| line.contains(&own) || !line.contains("/berth-test/")).count())
}

#[test]
fn the_mount_table_does_not_grow_with_containers() -> Result {
    run(async {
        let node = Node::start().await?;
        node.cri.pull("busybox").await?;
        let layer = |name: &str| LayerBuilder::new().file(name, 0o644, "here\n")?.build(Compression::Gzip);
        node.registry.push("library/two", "latest", &Image::new().layer(layer("a")?).layer(layer("b")?))?;
        node.cri.pull("two").await?;
        let volume = Mount {
            container_path: "/two".to_owned(),
            readonly: true,
            image: Some(ImageSpec { image: "two".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let before = mounts(&node)?;
        let data = node.slot.dir().join("data");
        fs::create_dir_all(&data)?;
        let mut pods = Vec::new();
        for number in 0..5 {
            pods.push(node.run_pod(&node.pod(&format!("p{number}"))).await?);
        }
        let with_pods = mounts(&node)?;
        assert!(with_pods <= before + pods.len(), "{before} before, {with_pods} with {} pods", pods.len());
        for pod in &pods {
            for number in 0..3 {
                let one = container(&format!("c{number}"));
                let mut one = one.shell("cat /two/a /two/b && exec sleep 1000").mount(&data, "/data", true);
                one.config.mounts.push(volume.clone());
                node.start_container(pod, &one).await?;
            }
        }
        assert_eq!(mounts(&node)?, with_pods, "containers add none");
        for pod in &pods {
            node.remove_pod(pod).await?;
        }
        assert_eq!(mounts(&node)?, before);
        node.finish().await
    })
}
