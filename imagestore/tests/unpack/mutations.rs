//! Archives from a random generator, and sound ones with random damage: no panic, nothing outside changes.

use proptest::prelude::*;

use crate::{
    archive::{Header, Tar, seal},
    scene::Scene,
};

/// Few names, so that they meet each other; some lead outside.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => Just("a"), 4 => Just("b"), 2 => Just("c"), 2 => Just(".."), 1 => Just("."), 1 => Just(""),
        1 => Just("outside"), 1 => Just("etc"), 1 => Just("shadow"), 1 => Just(".wh.a"), 1 => Just(".wh.b"),
        1 => Just(".wh..wh..opq"), 1 => Just(".wh.."), 1 => Just("\u{1}\n"),
    ];
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/").into_bytes())
}

fn entry() -> impl Strategy<Value = Vec<u8>> {
    let flag = prop_oneof![
        4 => Just(b'0'), 4 => Just(b'5'), 3 => Just(b'2'), 3 => Just(b'1'), 1 => Just(b'6'), 1 => Just(b'3'),
        1 => Just(0), 1 => Just(b'x'), 1 => Just(b'L'), 1 => Just(b'K'), 1 => Just(b'S'), 1 => Just(b'g'),
    ];
    (flag, name(), name(), any::<bool>(), 0..4096u32, prop::collection::vec(any::<u8>(), 0..40)).prop_map(
        |(flag, name, mut link, absolute, mode, data)| {
            if absolute {
                link.insert(0, b'/');
            }
            let has_data = matches!(flag, b'0' | b'x' | b'g' | b'L' | b'K');
            let data = match flag {
                b'L' | b'K' => &link,
                _ => &data,
            };
            let size = if has_data { data.len() as u64 } else { 0 };
            let header = Header { link: &link, mode, size, device: (1, 3), ..Header::new(flag, &name) };
            Tar::new().entry(&header, if has_data { data } else { b"" }).0
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_archives_stay_inside(entries in prop::collection::vec(entry(), 1..30)) {
        let scene = Scene::in_memory();
        scene.apply(&[entries.concat(), vec![0; 1024]].concat()).ok();
        // Entry by entry, so that one that is refused does not hide those after it.
        for entry in entries {
            scene.apply(&entry).ok();
        }
    }

    #[test]
    fn damaged_archives_stay_inside(
        entries in prop::collection::vec(entry(), 1..12),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        mend in any::<bool>(),
    ) {
        let mut tar = [entries.concat(), vec![0; 1024]].concat();
        for (at, byte) in damage {
            let at = at.index(tar.len());
            tar[at] = byte;
            if mend {
                // With a right checksum the damage gets past the first gate.
                let block = at / 512 * 512;
                let mut header: [u8; 512] = tar[block..block + 512].try_into().unwrap();
                seal(&mut header);
                tar[block..block + 512].copy_from_slice(&header);
            }
        }
        Scene::in_memory().apply(&tar).ok();
    }

    #[test]
    fn random_bytes_are_refused_or_empty(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let scene = Scene::in_memory();
        scene.apply(&bytes).ok();
        prop_assert!(scene.paths().is_empty());
    }
}
