//! Logs: partial lines, bytes, floods, rotation, and disks that take nothing.
use std::{fs, path::Path};

use sys::mount::{self, FsContext};

use crate::fixture::{eventually, pod, sandbox_plan};

#[test]
fn lines_are_whole_however_they_were_written() {
    let mut pod = pod("lines", &sandbox_plan());
    let script = "printf 'a'; usleep 20000; printf 'b\\n\\n'; printf 'err' >&2; usleep 20000; printf 'or\\n' >&2; printf 'no end'";
    let plan = pod.shell("c1", script);
    assert_eq!(pod.run(&plan).0, 0);
    let mut records = pod.records("c1");
    records.sort();
    let expected = [("stderr F", "error"), ("stdout F", ""), ("stdout F", "ab"), ("stdout P", "no end")];
    assert_eq!(records, expected.map(|(head, text)| (head.to_owned(), text.to_owned())));
    pod.finish();
}

#[test]
fn long_lines_and_odd_bytes_survive() {
    let mut pod = pod("long", &sandbox_plan());
    let plan = pod.shell("c1", "head -c 40000 /dev/zero | tr '\\0' x; echo; printf 'a\\000b\\377c\\r\\n'");
    pod.run(&plan);
    let bytes = fs::read(pod.dir.join("logs/c1.log")).unwrap();
    let records: Vec<&[u8]> =
        bytes.split(|byte| *byte == b'\n').filter(|record| !record.is_empty()).collect();
    let heads: Vec<(u8, usize)> = records.iter().map(|record| (record[38], record.len() - 40)).collect();
    assert_eq!(heads, [(b'P', 16384), (b'P', 16384), (b'F', 40000 - 2 * 16384), (b'F', 6)]);
    assert_eq!(&records[3][40..], b"a\0b\xffc\r");
    pod.finish();
}

#[test]
fn a_flood_on_both_streams_is_complete() {
    let mut pod = pod("flood", &sandbox_plan());
    let plan = pod.shell("c1", "seq 1 200000 & seq 1 200000 >&2; wait");
    pod.run(&plan);
    let records = pod.records("c1");
    for stream in ["stdout F", "stderr F"] {
        let numbers: Vec<usize> = records
            .iter()
            .filter(|(head, _)| head == stream)
            .map(|(_, text)| text.parse().unwrap())
            .collect();
        assert!(numbers.iter().copied().eq(1..=200_000), "{stream}: {}", numbers.len());
    }
    pod.finish();
}

#[test]
fn rotation_loses_nothing() {
    let mut pod = pod("rotate", &sandbox_plan());
    let client = pod.client();
    client.start(
        &pod.shell(
            "c1",
            "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i; done; while :; do sleep 1; done",
        ),
    );
    let log = pod.dir.join("logs/c1.log");
    let mut rotated = Vec::new();
    for round in 0..20 {
        let old = pod.dir.join(format!("logs/old.{round}"));
        fs::rename(&log, &old).unwrap();
        client.reopen_log("c1").unwrap();
        rotated.push(old);
    }
    rotated.push(log);
    eventually("the last line", || {
        fs::read_to_string(rotated.last().unwrap()).unwrap().ends_with(" 20000\n")
    });
    client.kill_all("c1");
    pod.client().wait_exit("c1");
    let text: String = rotated.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert!(text.lines().map(|line| line[40..].parse::<usize>().unwrap()).eq(1..=20_000));
    assert_eq!(client.reopen_log("c1").unwrap_err().stage, "not-running");
    pod.finish();
}

#[test]
fn a_log_that_cannot_be_opened_fails_the_start_and_keeps_the_old_on_reopen() {
    let mut pod = pod("nolog", &sandbox_plan());
    let client = pod.client();
    let plan = pod.shell("c1", "echo one; trap 'echo two; exit' TERM; while :; do sleep 0.01; done");
    let log = pod.dir.join("logs/c1.log");
    fs::create_dir(&log).unwrap();
    assert_eq!(client.try_start(&plan).unwrap_err().stage, "log");
    fs::remove_dir(&log).unwrap();
    client.start(&plan);
    eventually("output", || pod.output("c1") == "one\n");
    let old = pod.dir.join("logs/old");
    fs::rename(&log, &old).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &log).unwrap();
    assert_eq!(client.reopen_log("c1").unwrap_err().stage, "log");
    client.signal("c1", 15).unwrap();
    pod.client().wait_exit("c1");
    assert!(fs::read_to_string(&old).unwrap().ends_with("two\n"));
    pod.finish();
}

/// A tmpfs over `dir` in the host's namespace, taken off at the end.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let context = FsContext::open("tmpfs").unwrap();
        context.set("size", "64k").unwrap();
        mount::attach_at(context.mount(0).unwrap(), dir).unwrap();
        Self(dir.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        mount::detach(&self.0).unwrap();
    }
}

#[test]
fn a_full_disk_never_blocks_and_is_told_once() {
    let mut pod = pod("full", &sandbox_plan());
    let disk = SmallDisk::new(&pod.dir.join("logs"));
    let client = pod.client();
    let script =
        "seq 1 100000; echo done >/tmp/done; trap 'echo after; exit' TERM; while :; do sleep 0.01; done";
    client.start(&pod.shell("c1", script));
    let done = pod.dir.join("c1/upper/tmp/done");
    eventually("the container went on", || done.exists());
    let log = pod.dir.join("logs/c1.log");
    // A record that did not fit is there for a moment, before it is taken back.
    let read = || fs::read_to_string(&log).unwrap();
    eventually("no torn record", || read().ends_with('\n'));
    let full = std::iter::repeat_with(read).find(|text| text.ends_with('\n')).unwrap();
    let kept = full.lines().count();
    assert!(full.lines().map(|line| line[40..].parse::<usize>().unwrap()).eq(1..=kept));
    fs::rename(&log, pod.dir.join("logs/old")).unwrap();
    fs::remove_file(pod.dir.join("logs/old")).unwrap();
    client.reopen_log("c1").unwrap();
    client.signal("c1", 15).unwrap();
    let exited = pod.client().wait_exit("c1");
    let total: usize = (1..=100_000_usize).map(|number| number.to_string().len() + 1).sum();
    let written: usize = (1..=kept).map(|number| number.to_string().len() + 1).sum();
    assert_eq!(exited.log_dropped_bytes, (total - written) as u64);
    let records = pod.records("c1");
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[0].0, "stderr F");
    assert!(records[0].1.contains(&format!("{} bytes", total - written)), "{records:?}");
    assert_eq!(records[1].1, "after");
    drop(disk);
    pod.finish();
}

#[test]
fn without_a_log_output_is_read_and_dropped() {
    let mut pod = pod("none", &sandbox_plan());
    let mut plan = pod.shell("c1", "seq 1 100000; exit 5");
    plan.stdio = None;
    pod.client().start(&plan);
    assert_eq!(pod.client().wait_exit("c1").exit_code, 5);
    pod.finish();
}
