//! ExecSync: what probes and hooks use.

use std::time::{Duration, Instant};

use e2e::refused;
use harness::{Node, Result, container, run, until};
use tonic::Code;

#[test]
fn output_streams_and_exit_code_are_exact() -> Result {
    run(async {
        let node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        let done = node.cri.exec(&id, ["sh", "-c", "printf out; printf err >&2; exit 9"]).await?;
        assert_eq!(
            (done.stdout.as_slice(), done.stderr.as_slice(), done.exit_code),
            (&b"out"[..], &b"err"[..], 9)
        );
        let done = node.cri.exec(&id, ["sh", "-c", "printf '\\377\\000'"]).await?;
        assert_eq!((done.stdout.as_slice(), done.exit_code), (&b"\xff\0"[..], 0));
        let done = node.cri.exec(&id, ["sh", "-c", "kill -9 $$"]).await?;
        assert_eq!(done.exit_code, 137);
        node.finish().await
    })
}

#[test]
fn it_runs_where_and_as_the_container_runs() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p").hostname("inside")).await?;
        let mut sleeper = container("c").shell("sleep 1000").env("COLOUR", "blue").user(1000, Some(1000));
        sleeper.config.working_dir = "/srv".to_owned();
        let id = node.start_container(&pod, &sleeper).await?;
        let text = node
            .cri
            .shell(&id, "hostname; pwd; id -u; id -g; echo $COLOUR; grep CapEff /proc/self/status")
            .await?;
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            ["inside", "/srv", "1000", "1000", "blue", "CapEff:\t0000000000000000"]
        );
        let descriptors = node.cri.shell(&id, "ls -1 /proc/self/fd | wc -l").await?;
        // 0, 1, 2, and the directory ls itself has open.
        assert_eq!(descriptors.trim(), "4", "nothing of the daemon's leaks into it");
        node.finish().await
    })
}

#[test]
fn a_timeout_kills_the_tree_and_says_so() -> Result {
    run(async {
        let node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        let before = node.cri.shell(&id, "ps | grep -c 'sleep 777' || true").await?;
        let begun = Instant::now();
        let line = "trap '' TERM; setsid sleep 777 & sleep 777";
        let answer = node.cri.exec_within(&id, ["sh", "-c", line], Duration::from_secs(1)).await;
        refused(answer, &[Code::DeadlineExceeded], &["1"])?;
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        until("the command's processes are gone", Duration::from_secs(30), async || {
            node.cri.shell(&id, "ps | grep -c 'sleep 777' || true").await.ok() == Some(before.clone())
        })
        .await?;
        assert_eq!(node.cri.status(&id).await?.finished_at, 0, "the container itself goes on");
        node.finish().await
    })
}

#[test]
fn a_child_that_keeps_the_output_open_does_not_hold_the_call() -> Result {
    run(async {
        let node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        let begun = Instant::now();
        let done =
            node.cri.exec_within(&id, ["sh", "-c", "echo now; sleep 60 &"], Duration::from_secs(20)).await?;
        assert_eq!((done.stdout.as_slice(), done.exit_code), (&b"now\n"[..], 0));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        node.finish().await
    })
}

#[test]
fn output_is_capped_and_the_command_still_ends() -> Result {
    run(async {
        let node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        // Just over the cap of 16 MiB per stream; the client's own limit for a message is raised for this.
        let mut runtime = node.cri.runtime().max_decoding_message_size(64 << 20);
        let request = proto::cri::ExecSyncRequest {
            container_id: id.clone(),
            cmd: ["sh", "-c", "head -c 20000000 /dev/zero; exit 6"].map(str::to_owned).to_vec(),
            timeout: 60,
        };
        match runtime.exec_sync(request).await {
            Ok(done) => {
                let done = done.into_inner();
                assert!(done.stdout.len() <= 16 << 20, "{} bytes", done.stdout.len());
                assert_eq!(done.exit_code, 6);
            }
            // The answer with all 16 MiB may exceed what the server sends: a clear refusal will do as well.
            Err(status) => assert_eq!(status.code(), Code::OutOfRange, "{status}"),
        }
        node.finish().await
    })
}

#[test]
fn what_cannot_be_run_is_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        let never = "0".repeat(64);
        refused(node.cri.exec(&never, ["true"]).await, &[Code::NotFound], &[&never])?;
        refused(node.cri.exec(&id, []).await, &[Code::InvalidArgument], &["command"])?;
        let missing = node.cri.exec(&id, ["/no/such/program"]).await;
        // kubelet takes either for a failed probe; the text must name the program.
        match missing {
            Ok(done) => assert!([126, 127].contains(&done.exit_code), "{done:?}"),
            Err(status) => assert!(status.message().contains("/no/such/program"), "{status}"),
        }
        node.cri.stop(&id, 5).await?;
        refused(node.cri.exec(&id, ["true"]).await, &[Code::FailedPrecondition], &[&id])?;
        node.finish().await
    })
}

#[test]
fn many_at_once_leave_nothing() -> Result {
    run(async {
        let node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        let before = node.leftovers()?;
        let calls: Vec<_> = (0..32)
            .map(|number| {
                let (cri, id) = (node.cri.clone(), id.clone());
                tokio::spawn(async move { cri.shell(&id, &format!("echo {number}")).await })
            })
            .collect();
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(call.await??.trim(), number.to_string());
        }
        node.settle(&before).await?;
        node.finish().await
    })
}
