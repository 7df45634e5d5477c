//! Texts as kernels print them.
use super::*;

#[test]
fn pressure_is_read() {
    let text =
        "some avg10=1.50 avg60=0.20 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=45\n";
    let read = parse_pressure(text).unwrap();
    assert_eq!(
        (read.some.avg10, read.some.avg60, read.some.total_us, read.full.total_us),
        (1.5, 0.2, 123, 45)
    );
    assert_eq!(parse_pressure("some nonsense"), None);
}

#[test]
fn io_is_summed_over_devices() {
    let text =
        "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=5 wbytes=6 rios=7 wios=8\n7:0 \n";
    let read = super::v2::io(text);
    assert_eq!((read.read_bytes, read.write_bytes, read.reads, read.writes), (15, 26, 8, 10));
    let bytes = "8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n8:16 Read 5\nTotal 35\n";
    let read = super::v1::io(bytes, "8:0 Read 1\n8:0 Write 2\nTotal 3\n");
    assert_eq!((read.read_bytes, read.write_bytes, read.reads, read.writes), (15, 20, 1, 2));
}

#[test]
fn oom_kills_are_read() {
    assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3);
    assert_eq!(oom_kills("oom_kill_disable 0\n"), 0);
}
