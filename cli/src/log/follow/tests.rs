//! Growing, rotated and emptied files, and the search for the last lines.

use std::{fs::OpenOptions, io::Write};

use super::*;

fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("berth-cli-{name}-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn all(tail: &mut Tail) -> Vec<String> {
    let mut lines = Vec::new();
    let mut keep = |line: &[u8]| {
        lines.push(String::from_utf8_lossy(line).into_owned());
        Ok(())
    };
    while tail.read(&mut keep).unwrap() {}
    lines
}

#[test]
fn lines_come_whole_through_growth_rotation_and_emptying() {
    let directory = directory("follow");
    let path = directory.join("0.log");
    append(&path, "a\nb");
    let mut tail = Tail::open(&path, None).unwrap();
    assert_eq!(all(&mut tail), ["a"]);
    append(&path, "c\n");
    assert_eq!(all(&mut tail), ["bc"]);

    let old = directory.join("0.log.1");
    fs::rename(&path, &old).unwrap();
    append(&old, "last\n");
    assert_eq!(all(&mut tail), ["last"], "the old file is read to its end, though it has lost its name");
    append(&path, "new\n");
    assert_eq!(all(&mut tail), ["new"]);

    fs::write(&path, "x\n").unwrap();
    assert_eq!(all(&mut tail), ["x"], "emptied and written again");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_last_lines_are_found_in_any_block() {
    let directory = directory("tail");
    let path = directory.join("0.log");
    for n in 0..20_000 {
        append(&path, &format!("T stdout F {n}\n"));
    }
    for lines in [0, 1, 10, 5_000, 19_999, 20_000, 30_000] {
        let mut tail = Tail::open(&path, Some(lines)).unwrap();
        assert_eq!(all(&mut tail).len(), lines.min(20_000), "{lines}");
    }
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_line_of_several_records_counts_once() {
    let text = b"T stdout F 1\nT stdout P 2a\nT stdout F 2b\nT stdout F 3\n";
    assert_eq!(nth_from_end(text, 0), Some(text.len()));
    assert_eq!(nth_from_end(text, 1), Some(text.len() - 13));
    assert_eq!(nth_from_end(text, 2), Some(13));
    assert_eq!(nth_from_end(text, 3), None);
}
