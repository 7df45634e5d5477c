//! Container logs, byte for byte what kubelet reads, through rotation and floods.

use std::fs;

use harness::{Node, Result, Stream, container, read_log, run};

#[test]
fn both_streams_partial_lines_and_any_bytes() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        // printf, not echo: bytes that are no text, a line without end, an empty line.
        let line =
            r"printf 'one\n\ntwo\377\000bytes\n'; printf 'to stderr\n' >&2; sleep 0.2; printf 'no end'";
        let id = node.start_container(&pod, &container("c").shell(line)).await?;
        node.wait_exit(&id).await?;
        let log = node.log(&pod, "c")?;
        let of = |stream| -> Vec<Vec<u8>> {
            log.iter().filter(|line| line.stream == stream).map(|line| line.content.clone()).collect()
        };
        assert_eq!(of(Stream::Stdout), [&b"one"[..], b"", b"two\xff\0bytes", b"no end"]);
        assert_eq!(of(Stream::Stderr), [b"to stderr"]);
        let last = log.iter().rfind(|line| line.stream == Stream::Stdout);
        assert!(last.is_some_and(|line| line.text() == "no end"), "{log:?}");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(node.cri.status(&id).await?.log_path)?.permissions(),
        );
        assert_eq!(mode & 0o777, 0o640, "as containerd's: readable for the log reader's group, not for all");
        node.finish().await
    })
}

#[test]
fn a_long_line_is_split_and_can_be_put_together() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        // 100,000 bytes in one line: not a multiple of any buffer.
        let line = "head -c 100000 /dev/zero | tr '\\0' x; echo; echo after";
        let id = node.start_container(&pod, &container("c").shell(line)).await?;
        node.wait_exit(&id).await?;
        let log = node.log(&pod, "c")?;
        let (parts, rest): (Vec<_>, Vec<_>) = log.iter().partition(|line| line.content.starts_with(b"x"));
        assert!(parts.len() > 1, "split");
        assert!(parts[..parts.len() - 1].iter().all(|line| line.partial), "all but the last are partial");
        assert!(!parts[parts.len() - 1].partial, "the last is not");
        assert!(parts.iter().all(|line| line.content.len() <= 16 * 1024), "no part is over 16 KiB");
        assert_eq!(parts.iter().map(|line| line.content.len()).sum::<usize>(), 100_000);
        assert_eq!(rest[0].text(), "after");
        node.finish().await
    })
}

#[test]
fn rotation_under_load_loses_no_line() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; echo done";
        let id = node.start_container(&pod, &container("c").shell(line)).await?;
        let path = node.log_directory("p").join("c.log");
        let mut rotated = Vec::new();
        while node.cri.status(&id).await?.exit_code == 0
            && node.cri.status(&id).await?.finished_at == 0
            && rotated.len() < 10
        {
            let old = node.log_directory("p").join(format!("c.log.{}", rotated.len()));
            fs::rename(&path, &old)?;
            node.cri.reopen_log(&id).await?;
            assert!(path.exists(), "the new file is there when the call returns");
            rotated.push(old);
        }
        node.wait_exit(&id).await?;
        rotated.push(path);
        let mut numbers = Vec::new();
        for file in &rotated {
            numbers.extend(read_log(file)?.iter().map(harness::Line::text));
        }
        assert_eq!(numbers.len(), 20_001);
        assert!(
            numbers[..20_000].iter().enumerate().all(|(number, text)| *text == number.to_string()),
            "in order, none twice"
        );
        node.finish().await
    })
}

#[test]
fn the_log_of_an_exited_container_can_be_reopened_or_is_refused_without_a_file() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let id = node.start_container(&pod, &container("c").shell("echo hello")).await?;
        node.wait_exit(&id).await?;
        let path = node.log_directory("p").join("c.log");
        fs::remove_file(&path)?;
        let answer = node.cri.reopen_log(&id).await;
        assert_eq!(path.exists(), answer.is_ok(), "{answer:?}");
        node.finish().await
    })
}

#[test]
fn a_container_may_have_no_log() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mut quiet = container("c").shell("head -c 1000000 /dev/zero; exit 4");
        quiet.config.log_path.clear();
        let id = node.start_container(&pod, &quiet).await?;
        assert_eq!(node.wait_exit(&id).await?.exit_code, 4, "output that nobody keeps does not block");
        assert!(node.cri.status(&id).await?.log_path.is_empty());
        node.finish().await
    })
}

#[test]
fn a_log_in_a_directory_of_its_own_is_made() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mut deep = container("c").shell("echo deep");
        deep.config.log_path = "c/0.log".to_owned();
        fs::create_dir_all(node.log_directory("p").join("c"))?;
        let id = node.start_container(&pod, &deep).await?;
        node.wait_exit(&id).await?;
        assert_eq!(read_log(&node.log_directory("p").join("c/0.log"))?[0].text(), "deep");
        node.finish().await
    })
}
