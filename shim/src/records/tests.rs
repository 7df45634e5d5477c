use proto::record::Pod;

use super::*;

fn pod() -> Pod {
    Pod { version: VERSION, id: "a".repeat(64), ..Pod::default() }
}

#[test]
fn a_record_reads_back_and_replaces_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("record");
    assert!(read::<Pod>(&path).unwrap().is_none());
    write(&path, &pod()).unwrap();
    write(&path, &Pod { owner: "kubernetes".into(), ..pod() }).unwrap();
    assert_eq!(read::<Pod>(&path).unwrap().unwrap().owner, "kubernetes");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn every_truncation_and_every_flipped_bit_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("record");
    write(&path, &pod()).unwrap();
    let good = fs::read(&path).unwrap();
    for length in 0..good.len() {
        fs::write(&path, &good[..length]).unwrap();
        assert_eq!(read::<Pod>(&path).unwrap_err().kind(), Kind::Corrupt, "{length} bytes");
    }
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bad).unwrap();
        assert_eq!(read::<Pod>(&path).unwrap_err().kind(), Kind::Corrupt, "bit {bit}");
    }
}

#[test]
fn the_sum_is_the_ieee_one() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}
