//! Images: every form a registry serves, every name they go by, what they take, and how they go.

use e2e::refused;
use harness::{
    Node, Options, Registry, Result, container,
    image::{self, Compression, Format, Image, LayerBuilder},
    run,
};
use proto::cri::{AuthConfig, ImageSpec};
use serde_json::json;
use tonic::Code;

/// One more layer, with a file that says which.
fn marked(image: Image, mark: &str, compression: Compression) -> Result<Image> {
    Ok(image.layer(LayerBuilder::new().file("mark", 0o644, mark)?.build(compression)?))
}

#[test]
fn every_form_is_pulled_and_runs() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let base = image::busybox()?;
        let oci = marked(base.clone(), "oci gzip", Compression::Gzip)?;
        let zstd = marked(base.clone(), "oci zstd", Compression::Zstd)?;
        let plain = marked(base.clone(), "oci plain", Compression::Plain)?;
        let docker = marked(base.clone().format(Format::Docker), "docker", Compression::Gzip)?;
        let foreign =
            marked(base.clone(), "foreign", Compression::Gzip)?.architecture(image::foreign_architecture());
        let native = marked(base.clone(), "index", Compression::Gzip)?;
        let docker_foreign = foreign.clone().format(Format::Docker);
        let docker_native = marked(base.format(Format::Docker), "list", Compression::Gzip)?;
        let registry = node.registry;
        let pushed = [
            ("oci gzip", registry.push("forms/oci", "1", &oci)?),
            ("oci zstd", registry.push("forms/zstd", "1", &zstd)?),
            ("oci plain", registry.push("forms/plain", "1", &plain)?),
            ("docker", registry.push("forms/docker", "1", &docker)?),
            ("index", registry.push_index("forms/index", "1", &[&foreign, &native])?),
            ("list", registry.push_index("forms/list", "1", &[&docker_foreign, &docker_native])?),
        ];
        for (mark, pushed) in pushed {
            for reference in [&pushed.reference, &pushed.by_digest] {
                assert_eq!(node.cri.pull(reference).await?, pushed.id, "{mark}: the configuration's digest");
            }
            let one = container("c").image(&pushed.reference).command(["cat", "/mark"]);
            assert_eq!(node.output(&pod, &one).await?.trim(), mark);
        }
        node.finish().await
    })
}

#[test]
fn a_container_names_its_image_by_the_digest_it_was_pulled_by() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one = marked(image::busybox()?, "in two repositories", Compression::Gzip)?;
        let names = ["library/twice-a", "library/twice-b"];
        for name in names {
            let pushed = node.registry.push(name, "1", &one)?;
            // As kubelet does: pull, then name the image by what the pull gave and say what the author wrote.
            let short = name.replace("library/", "") + ":1";
            let pulled = node.cri.pull(&short).await?;
            assert_eq!(pulled, pushed.id);
            let mut wanted = container(&name.replace('/', "-")).for_pod(&pod.pod);
            wanted.image =
                Some(ImageSpec { image: pulled, user_specified_image: short, ..ImageSpec::default() });
            let id = node.cri.create(&pod.id, &wanted, &pod.pod.config).await?;
            let status = node.cri.status(&id).await?;
            assert_eq!(status.image_ref, format!("docker.io/{name}@{}", pushed.digest));
            assert_eq!(status.image_id, pushed.id);
        }
        node.finish().await
    })
}

#[test]
fn an_image_answers_to_all_its_names_and_to_nothing_else() -> Result {
    run(async {
        let node = Node::start().await?;
        let pushed = node.registry.push("library/busybox", "1.0", &image::busybox()?)?;
        assert_eq!(node.cri.image("busybox:1.0").await?, None, "unknown is no error");
        let id = node.cri.pull("busybox:1.0").await?;
        let by_digest = format!("docker.io/library/busybox@{}", pushed.digest);
        let short = &id["sha256:".len()..][..12];
        let names = [
            "busybox:1.0",
            "library/busybox:1.0",
            "docker.io/busybox:1.0",
            "docker.io/library/busybox:1.0",
            &by_digest,
            &id,
            short,
        ];
        for name in names {
            let image = node.cri.image(name).await?.unwrap_or_default();
            assert_eq!(image.id, id, "{name}");
            assert_eq!(image.repo_tags, ["docker.io/library/busybox:1.0"]);
            assert_eq!(image.repo_digests, [by_digest.as_str()]);
            assert!(image.size > 100_000, "{}", image.size);
        }
        for name in
            ["busybox", "busybox:2.0", "other", "sha256:0000", "docker.io/library/busybox@sha256:1234"]
        {
            let answer = node.cri.image(name).await;
            assert!(!matches!(answer, Ok(Some(_))), "{name}: {answer:?}");
        }
        node.cri.pull("busybox").await?;
        let image = node.cri.image(&id).await?.unwrap_or_default();
        assert_eq!(image.repo_tags, ["docker.io/library/busybox:1.0", "docker.io/library/busybox:latest"]);
        assert_eq!(node.cri.images().await?.len(), 1, "one image, two names");
        assert_eq!(node.cri.images_named("busybox:1.0").await?.len(), 1);
        assert_eq!(node.cri.images_named("nothing:1.0").await?.len(), 0);
        node.finish().await
    })
}

#[test]
fn a_digest_alone_gives_no_tag_and_one_image_from_two_hosts_is_one() -> Result {
    run(async {
        let node = Node::start().await?;
        let pushed = node.registry.push("library/twice", "1", &image::busybox()?)?;
        let id = node.cri.pull(&pushed.by_digest).await?;
        let image = node.cri.image(&id).await?.unwrap_or_default();
        assert_eq!(
            (image.repo_tags.len(), image.repo_digests.as_slice()),
            (0, std::slice::from_ref(&pushed.by_digest))
        );
        assert_eq!(node.cri.pull("docker.io/library/twice:1").await?, id);
        assert_eq!(node.cri.pull("registry.k8s.io/library/twice:1").await?, id);
        let image = node.cri.image(&id).await?.unwrap_or_default();
        assert_eq!(image.repo_tags, ["docker.io/library/twice:1", "registry.k8s.io/library/twice:1"]);
        assert_eq!(image.repo_digests.len(), 3);
        assert_eq!(node.cri.images().await?.len(), 1);
        node.finish().await
    })
}

#[test]
fn a_user_is_a_number_or_a_name() -> Result {
    run(async {
        let node = Node::start().await?;
        let cases = [
            ("1002", Some(1002), ""),
            ("1003:1004", Some(1003), ""),
            ("www-data", None, "www-data"),
            ("www-data:user", None, "www-data"),
            ("", Some(0), ""),
        ];
        for (user, uid, name) in cases {
            node.registry.push("library/user", "latest", &image::busybox()?.set("User", json!(user)))?;
            let id = node.cri.pull("user").await?;
            let image = node.cri.image(&id).await?.unwrap_or_default();
            if user.is_empty() {
                assert!(image.uid.is_none_or(|uid| uid.value == 0) && image.username.is_empty(), "{image:?}");
            } else {
                assert_eq!((image.uid.map(|uid| uid.value), image.username.as_str()), (uid, name), "{user}");
            }
        }
        node.finish().await
    })
}

#[test]
fn remove_takes_all_names_and_frees_the_disk() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let empty = node.cri.image_fs().await?;
        assert!(std::path::Path::new(&empty.fs_id.unwrap_or_default().mountpoint).is_absolute());
        let image = marked(image::busybox()?, &"x".repeat(1_000_000), Compression::Gzip)?;
        node.registry.push("library/gone", "1", &image)?;
        node.registry.push("library/gone", "2", &image)?;
        let id = node.cri.pull("gone:1").await?;
        node.cri.pull("gone:2").await?;
        let used = |usage: proto::cri::FilesystemUsage| {
            (usage.used_bytes.unwrap_or_default().value, usage.inodes_used.unwrap_or_default().value)
        };
        let (bytes, inodes) = used(node.cri.image_fs().await?);
        assert!(bytes > 1_500_000 && inodes > 10, "{bytes} bytes, {inodes} inodes");
        node.cri.remove_image("gone:1").await?;
        for name in ["gone:1", "gone:2", &id] {
            assert_eq!(node.cri.image(name).await?, None, "{name}");
        }
        node.cri.remove_image("gone:2").await?;
        node.cri.remove_image(&id).await?;
        node.settle(&before).await?;
        assert!(used(node.cri.image_fs().await?).0 < bytes / 2, "the space is free");

        node.cri.pull("gone:1").await?;
        let removals: Vec<_> = (0..5)
            .map(|_| {
                let cri = node.cri.clone();
                tokio::spawn(async move {
                    cri.remove_image("gone:1").await?;
                    cri.image("gone:1").await
                })
            })
            .collect();
        for removal in removals {
            assert_eq!(removal.await??, None, "gone when the call returns");
        }
        node.finish().await
    })
}

#[test]
fn an_image_in_use_can_be_removed_and_its_container_goes_on() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("p").await?;
        node.cri.remove_image("busybox").await?;
        assert_eq!(node.cri.image("busybox").await?, None);
        assert_eq!(node.cri.shell(&id, "cat /usr/bin/readme").await?, "berth test image\n");
        assert!(!node.cri.status(&id).await?.image_id.is_empty());
        node.cri.pull("busybox").await?;
        node.remove_pod(&pod).await?;
        node.finish().await
    })
}

#[test]
fn twenty_pulls_at_once_make_one_image() -> Result {
    run(async {
        let node = Node::start().await?;
        let pulls: Vec<_> = (0..20)
            .map(|_| {
                let cri = node.cri.clone();
                tokio::spawn(async move { cri.pull("busybox").await })
            })
            .collect();
        let mut ids = Vec::new();
        for pull in pulls {
            ids.push(pull.await??);
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        node.finish().await
    })
}

#[test]
fn a_caller_that_leaves_stops_the_pull() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let late = tokio::time::timeout(std::time::Duration::from_millis(1), node.cri.pull("busybox")).await;
        if late.is_err() {
            node.settle(&before).await?;
        }
        node.cri.pull("busybox").await?;
        node.finish().await
    })
}

#[test]
fn credentials_open_a_registry_that_wants_them() -> Result {
    run(async {
        let node = Node::start().await?;
        let closed = Registry::with_login()?;
        let pushed = closed.push("private/image", "1", &image::busybox()?)?;
        let before = node.leftovers()?;
        refused(node.cri.pull(&pushed.reference).await, &[Code::Unauthenticated], &["private/image"])?;
        let login = |password: &str| {
            Some(AuthConfig {
                username: "tester".to_owned(),
                password: password.to_owned(),
                ..Default::default()
            })
        };
        let wrong = node.cri.pull_with(&pushed.reference, login("wrong-word")).await;
        refused(wrong.clone(), &[Code::Unauthenticated, Code::PermissionDenied], &["private/image"])?;
        let text = wrong.err().map(|status| status.message().to_owned()).unwrap_or_default();
        assert!(!text.contains("wrong-word"), "a password is never told: {text}");
        node.settle(&before).await?;
        assert_eq!(node.cri.pull_with(&pushed.reference, login("secret")).await?, pushed.id);
        node.cri.remove_image(&pushed.id).await?;
        // The same as base64 of user:password.
        let auth = AuthConfig { auth: "dGVzdGVyOnNlY3JldA==".to_owned(), ..Default::default() };
        assert_eq!(node.cri.pull_with(&pushed.reference, Some(auth)).await?, pushed.id);
        let log = node.daemon.log().replace("image pull secret", "");
        assert!(
            !["secret", "wrong-word", "dGVzdGVy"].iter().any(|word| log.contains(word)),
            "nor logged: {log}"
        );
        node.finish().await
    })
}

#[test]
fn layers_are_applied_in_order_with_owners_links_and_whiteouts() -> Result {
    run(async {
        let node = Node::start().await?;
        let lower = LayerBuilder::new()
            .dir("d", 0o751)?
            .file("d/one", 0o640, "one")?
            .file("d/two", 0o644, "two")?
            .dir("whole", 0o755)?
            .file("whole/a", 0o644, "a")?
            .owner(1000, 33)
            .file("owned", 0o4755, "owned")?
            .hard_link("second-name", "owned")?
            .symlink("link", "d/one")?
            .build(Compression::Gzip)?;
        let upper = LayerBuilder::new()
            .whiteout("d/one")?
            .dir("whole", 0o755)?
            .opaque("whole")?
            .file("whole/b", 0o644, "b")?
            .file("d/two", 0o600, "changed")?
            .build(Compression::Zstd)?;
        node.registry.push("library/layers", "latest", &image::busybox()?.layer(lower).layer(upper))?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "ls d; cat d/two; echo; ls whole; stat -c '%a %u %g %h' owned; stat -c %a d; readlink link; test -e link || echo dangling";
        let text = node.output(&pod, &container("c").image("layers").shell(line)).await?;
        assert_eq!(text, "two\nchanged\nb\n4755 1000 33 2\n751\nd/one\ndangling\n");
        node.finish().await
    })
}

#[test]
fn images_are_there_after_a_restart() -> Result {
    run(async {
        let mut node = Node::start().await?;
        let id = node.cri.pull("busybox").await?;
        let image = node.cri.image(&id).await?;
        node.daemon.stop().await?;
        node.start_daemon().await?;
        assert_eq!(node.cri.image("busybox").await?, image);
        node.kill_daemon()?;
        node.start_daemon().await?;
        assert_eq!(node.cri.image("busybox").await?, image);
        let pod = node.run_pod(&node.pod("p")).await?;
        assert_eq!(node.output(&pod, &container("c").shell("echo runs")).await?, "runs\n");
        node.finish().await
    })
}

/// Answers every connection with a refusal and tells what was asked for.
fn refusing_proxy() -> Result<(std::net::SocketAddr, std::sync::mpsc::Receiver<String>)> {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let (send, asked) = std::sync::mpsc::channel();
    let serve = move || {
        for stream in listener.incoming().flatten() {
            let mut line = String::new();
            if BufReader::new(&stream).read_line(&mut line).is_err() || send.send(line).is_err() {
                return;
            }
            let _ = (&stream).write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        }
    };
    std::thread::Builder::new().name("proxy".to_owned()).spawn(serve)?;
    Ok((address, asked))
}

#[test]
fn a_pull_goes_by_the_environments_proxy_but_not_to_this_machine() -> Result {
    run(async {
        let (address, asked) = refusing_proxy()?;
        let env = vec![
            ("HTTPS_PROXY".to_owned(), format!("http://{address}")),
            ("HTTP_PROXY".to_owned(), format!("http://{address}")),
        ];
        let node = Node::start_with(Options { env, ..Options::default() }).await?;
        assert!(node.cri.pull("registry.example.invalid/a:1").await.is_err());
        assert!(asked.try_recv()?.starts_with("CONNECT registry.example.invalid:443 "));
        while asked.try_recv().is_ok() {}
        node.cri.pull("busybox").await?;
        assert!(asked.try_recv().is_err(), "the test's registry is on this machine");
        node.finish().await
    })
}
