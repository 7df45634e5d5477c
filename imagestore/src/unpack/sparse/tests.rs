//! Maps of sparse files, sound and unsound.

use super::{Map, MapText, PIECES_MAX, PaxMap, Piece, Records};

#[test]
fn a_map_is_in_order_without_overlap_and_fits() {
    let map = |pieces: &[(u64, u64)]| {
        let mut map = Map::default();
        pieces.iter().try_for_each(|(offset, len)| map.push(*offset, *len)).map(|()| map)
    };
    let good = map(&[(0, 512), (4096, 10), (8192, 0)]).unwrap();
    assert_eq!(good.clone().seal(8192, 522).unwrap().len(), 3);
    assert!(good.clone().seal(8191, 522).is_err());
    assert!(good.clone().seal(8192, 521).is_err());
    assert!(map(&[(10, 5), (14, 1)]).is_err());
    assert!(map(&[(10, 5), (0, 1)]).is_err());
    assert!(map(&[(u64::MAX, 1)]).is_err());
    assert!(map(&[(1, i64::MAX as u64)]).is_err());
    assert_eq!(map(&[]).unwrap().seal(1 << 40, 0).unwrap(), []);
}

#[test]
fn img_10_a_map_has_a_last_piece() {
    let mut map = Map::default();
    for at in 0..PIECES_MAX as u64 {
        map.push(at * 2, 1).unwrap();
    }
    assert!(map.push(1 << 40, 1).is_err());
    assert!(MapText::default().feed(b"100000000\n").is_err());
}

#[test]
fn version_0_0_pairs_offsets_with_lengths() {
    let mut records = Records::default();
    for (key, value) in [("size", "100"), ("numblocks", "2"), ("offset", "1"), ("numbytes", "2")] {
        records.take(key.as_bytes(), value.as_bytes()).unwrap();
    }
    let sparse = records.finish().unwrap().unwrap();
    let PaxMap::Here(map) = sparse.map else { panic!("a map in the records") };
    assert_eq!(map.seal(100, 2).unwrap(), [Piece { offset: 1, len: 2 }]);
    let mut records = Records::default();
    records.take(b"offset", b"1").unwrap();
    assert!(records.take(b"offset", b"2").is_err());
    let mut records = Records::default();
    records.take(b"size", b"1").unwrap();
    records.take(b"offset", b"2").unwrap();
    assert!(records.finish().is_err());
}

#[test]
fn version_1_0_is_read_across_blocks() {
    let mut text = MapText::default();
    assert_eq!(text.feed(b"2\n0\n51"), Ok(None));
    let map = text.feed(b"2\n4096\n1\n\0\0\0").unwrap().unwrap();
    let expected = [Piece { offset: 0, len: 512 }, Piece { offset: 4096, len: 1 }];
    assert_eq!(map.seal(4097, 513).unwrap(), expected);
    assert_eq!(MapText::default().feed(b"0\n"), Ok(Some(Map::default())));
    assert!(MapText::default().feed(&[0; 512]).is_err());
    assert!(MapText::default().feed(b"x\n").is_err());
    assert!(MapText::default().feed(b"\n").is_err());
}

#[test]
fn an_unknown_version_is_refused() {
    for (major, minor) in [("1", "1"), ("2", "0")] {
        let mut records = Records::default();
        for (key, value) in [("size", "1"), ("major", major), ("minor", minor)] {
            records.take(key.as_bytes(), value.as_bytes()).unwrap();
        }
        assert!(records.finish().is_err());
    }
}
