//! What a container's process is given: command, environment, directory, user, groups, terminal, namespaces.

use harness::{Container, Node, Result, RunningPod, container, image, run};
use proto::cri::{Int64Value, NamespaceMode, SupplementalGroupsPolicy};
use serde_json::json;

/// Runs a shell line in a variation of a container and gives its words.
async fn words(
    node: &Node,
    pod: &RunningPod,
    line: &str,
    change: impl FnOnce(Container) -> Container,
) -> Result<Vec<String>> {
    let text = node.output(pod, &change(container("probe")).arguments(["-c", line]).command(["sh"])).await?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn command_and_arguments_replace_entry_point_and_command_as_kubernetes_says() -> Result {
    run(async {
        let node = Node::start().await?;
        let base =
            image::busybox()?.set("Entrypoint", json!(["echo", "entry"])).set("Cmd", json!(["cmd", "a b"]));
        node.registry.push("library/both", "latest", &base)?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one = |name: &str| container(name).image("both");
        assert_eq!(node.output(&pod, &one("neither")).await?, "entry cmd a b\n");
        assert_eq!(node.output(&pod, &one("args").arguments(["x", ""])).await?, "entry x \n");
        assert_eq!(
            node.output(&pod, &one("command").command(["echo", "mine"])).await?,
            "mine\n",
            "Cmd is dropped"
        );
        assert_eq!(
            node.output(&pod, &one("all").command(["echo", "mine"]).arguments(["x"])).await?,
            "mine x\n"
        );

        node.registry.push("library/nothing", "latest", &image::busybox()?.set("Cmd", json!([])))?;
        let nothing = node.create(&pod, &container("nothing").image("nothing")).await;
        e2e::refused(nothing, &[tonic::Code::InvalidArgument], &["command"])?;
        node.finish().await
    })
}

#[test]
fn environment_is_the_images_then_the_containers_and_any_bytes() -> Result {
    run(async {
        let node = Node::start().await?;
        let base = image::busybox()?.set("Env", json!(["PATH=/bin", "COLOUR=red", "SIZE=big", "EMPTY="]));
        node.registry.push("library/env", "latest", &base)?;
        let pod = node.run_pod(&node.pod("p").hostname("box")).await?;
        let probe = container("env")
            .image("env")
            .command(["env"])
            .env("COLOUR", "blue")
            .env("RAW", b"\xff\xfe")
            .env("EQ", "a=b");
        let id = node.start_container(&pod, &probe).await?;
        node.wait_exit(&id).await?;
        let lines: Vec<Vec<u8>> = node.log(&pod, "env")?.into_iter().map(|line| line.content).collect();
        for wanted in [
            &b"PATH=/bin"[..],
            b"COLOUR=blue",
            b"SIZE=big",
            b"EMPTY=",
            b"RAW=\xff\xfe",
            b"EQ=a=b",
            b"HOSTNAME=box",
        ] {
            assert!(lines.iter().any(|line| line == wanted), "{}", String::from_utf8_lossy(wanted));
        }
        assert_eq!(lines.iter().filter(|line| line.starts_with(b"COLOUR=")).count(), 1, "once");
        assert!(
            !lines.iter().any(|line| line.starts_with(b"CARGO") || line.starts_with(b"BERTH")),
            "nothing of the node"
        );
        node.finish().await
    })
}

#[test]
fn working_directory_is_made_when_missing() -> Result {
    run(async {
        let node = Node::start().await?;
        let base = image::busybox()?.set("WorkingDir", json!("/srv"));
        node.registry.push("library/cwd", "latest", &base)?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let at = |directory: &'static str| {
            move |mut one: Container| {
                one.config.working_dir = directory.to_owned();
                one.image("cwd")
            }
        };
        assert_eq!(words(&node, &pod, "pwd", at("")).await?, ["/srv"]);
        assert_eq!(words(&node, &pod, "pwd", at("/tmp")).await?, ["/tmp"]);
        assert_eq!(words(&node, &pod, "pwd", at("/not/yet/there")).await?, ["/not/yet/there"]);
        node.finish().await
    })
}

#[test]
fn users_and_groups_come_from_the_image() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let ids = "id -u; id -g; id -G";
        let as_is = |one: Container| one;
        assert_eq!(words(&node, &pod, ids, as_is).await?, ["0", "0", "0"]);
        // By number alone: the group and the memberships are those of the user with this number.
        assert_eq!(
            words(&node, &pod, ids, |one| one.user(1000, None)).await?,
            ["1000", "1000", "1000", "2000", "2001"]
        );
        assert_eq!(
            words(&node, &pod, ids, |one| one.username("www-data")).await?,
            ["33", "33", "33", "2001"]
        );
        let unknown = words(&node, &pod, ids, |one| one.user(4321, None)).await?;
        assert_eq!(unknown[..2], ["4321", "0"], "a number the image does not know has the root group");
        let grouped = words(&node, &pod, ids, |one| one.user(1000, Some(33))).await?;
        assert_eq!(grouped[..2], ["1000", "33"]);
        assert_eq!(words(&node, &pod, "echo $HOME", |one| one.user(1000, None)).await?, ["/home/user"]);
        assert_eq!(words(&node, &pod, "echo $HOME", as_is).await?, ["/root"]);

        for (user, wanted) in [("user", "1000"), ("1000:33", "1000"), ("user:extra", "1000"), ("33", "33")] {
            node.registry.push(
                "library/owned",
                user.replace(':', "-").as_str(),
                &image::busybox()?.set("User", json!(user)),
            )?;
            let tag = format!("owned:{}", user.replace(':', "-"));
            let got = words(&node, &pod, "id -u; id -g", |one| one.image(&tag)).await?;
            assert_eq!(got[0], wanted, "{user}");
            if user == "user:extra" {
                assert_eq!(got[1], "2000");
            }
        }
        node.finish().await
    })
}

#[test]
fn supplemental_groups_are_merged_or_strict() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let with = |policy: SupplementalGroupsPolicy| {
            move |one: Container| {
                let mut one = one.user(1000, None);
                one.security().supplemental_groups = vec![5000, 5001];
                one.security().set_supplemental_groups_policy(policy);
                one
            }
        };
        let mut merged = words(&node, &pod, "id -G", with(SupplementalGroupsPolicy::Merge)).await?;
        merged.sort();
        assert_eq!(merged, ["1000", "2000", "2001", "5000", "5001"]);
        let mut strict = words(&node, &pod, "id -G", with(SupplementalGroupsPolicy::Strict)).await?;
        strict.sort();
        assert_eq!(strict, ["1000", "5000", "5001"]);

        let mut sleeper = container("status").shell("sleep 1000").user(1000, None);
        sleeper.security().supplemental_groups = vec![5000];
        let id = node.start_container(&pod, &sleeper).await?;
        let user = node.cri.status(&id).await?.user.and_then(|user| user.linux).unwrap_or_default();
        assert_eq!((user.uid, user.gid), (1000, 1000));
        assert!([1000, 5000, 2000].iter().all(|group| user.supplemental_groups.contains(group)), "{user:?}");
        node.finish().await
    })
}

#[test]
fn users_that_do_not_exist_or_overflow_are_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let before = node.cri.containers(Default::default()).await?.len();
        let mut alone = container("alone").shell("id");
        alone.security().run_as_group = Some(Int64Value { value: 33 });
        let cases = [
            (container("name").username("nobody-knows-me"), "nobody-knows-me"),
            (container("negative").user(-1, None), "-1"),
            (container("overflow").user(1 << 32, None), "4294967296"),
            (container("group").user(0, Some(1 << 33)), "8589934592"),
            (alone, "group"),
        ];
        for (one, word) in cases {
            let answer = node.create(&pod, &one.shell("id")).await;
            e2e::refused(answer, &[tonic::Code::InvalidArgument], &[word])?;
        }
        for user in [
            "2147483648",
            "4294967296",
            "18446744073709551616",
            "no-such-user",
            "user:no-such-group",
            " 0",
            "0x0",
            "+0",
        ] {
            node.registry.push("library/bad-user", "latest", &image::busybox()?.set("User", json!(user)))?;
            node.cri.pull("bad-user").await?;
            let answer = node.create(&pod, &container("image").image("bad-user").shell("id")).await;
            e2e::refused(
                answer,
                &[tonic::Code::InvalidArgument],
                &[user.rsplit(':').next().unwrap_or_default().trim()],
            )?;
        }
        assert_eq!(node.cri.containers(Default::default()).await?.len(), before, "none was left behind");
        node.finish().await
    })
}

#[test]
fn a_terminal_is_a_terminal() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let id = node
            .start_container(
                &pod,
                &container("tty").shell("tty; test -t 0 -a -t 1 -a -t 2 && echo all").tty(),
            )
            .await?;
        assert_eq!(node.wait_exit(&id).await?.exit_code, 0);
        let text: String = node.log(&pod, "tty")?.iter().map(|line| line.text() + "\n").collect();
        assert!(text.contains("/dev/pts/") || text.contains("/dev/console"), "{text}");
        assert!(text.contains("all"), "{text}");
        let plain =
            node.output(&pod, &container("plain").shell("test -t 1 || echo none; cat | wc -c")).await?;
        assert_eq!(
            plain.split_whitespace().collect::<Vec<_>>(),
            ["none", "0"],
            "no terminal, and an empty standard input"
        );
        node.finish().await
    })
}

#[test]
fn pid_namespaces_are_the_containers_the_pods_or_the_nodes() -> Result {
    run(async {
        let node = Node::start().await?;
        let shared = node.run_pod(&node.pod("shared").shared_pid()).await?;
        node.start_container(&shared, &container("first").shell("exec sleep 4242")).await?;
        let seen = node.output(&shared, &container("second").shell("ps; echo pid $$")).await?;
        assert!(seen.contains("sleep 4242"), "a pod's containers see each other: {seen}");
        assert!(!seen.contains("pid 1\n"), "PID 1 is the pod's: {seen}");

        let own = node.run_pod(&node.pod("own")).await?;
        node.start_container(&own, &container("first").shell("exec sleep 4243")).await?;
        let seen = node.output(&own, &container("second").shell("ps; echo pid $$")).await?;
        assert!(!seen.contains("sleep 4243") && seen.contains("pid 1\n"), "{seen}");

        let host = container("host").namespaces(NamespaceMode::Pod, NamespaceMode::Node, NamespaceMode::Pod);
        let seen = node.output(&own, &host.shell("ps | wc -l; readlink /proc/self/ns/pid")).await?;
        let ours = std::fs::read_link("/proc/self/ns/pid")?;
        assert!(seen.contains(&*ours.to_string_lossy()), "the node's: {seen}");
        node.finish().await
    })
}

#[test]
fn orphans_of_a_shared_pid_namespace_are_reaped() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("shared").shared_pid()).await?;
        let id = node.start_container(&pod, &container("c").shell("exec sleep 1000")).await?;
        node.cri.shell(&id, "for i in 1 2 3 4 5; do (setsid sh -c 'exit 0' &) ; done; sleep 0.3").await?;
        let zombies =
            node.cri.shell(&id, "grep -l 'State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l").await?;
        assert_eq!(zombies.trim(), "0");
        node.finish().await
    })
}
