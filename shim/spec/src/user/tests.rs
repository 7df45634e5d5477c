//! Users as images and requests write them, the strange ones above all.
use proptest::prelude::*;

use super::*;
use crate::Kind;

const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
    # a comment\n\
    +nis\n\
    nobody:x:65534:65534::/:/bin/false\n\
    web:x:33:33:web:/var/www:/bin/sh\n\
    far:x:2147483648:1::/far:/bin/sh\n\
    short:x:7:8\n\
    00:x:0:0::/root:/bin/sh\n\
    +0:x:0:0::/root:/bin/sh\n\
    0x0:x:0:0::/root:/bin/sh\n\
    2147483648:x:0:0::/root:/bin/sh\n\
    twin:x:100:101::/first:/bin/sh\n\
    twin:x:200:201::/second:/bin/sh\n\
    evil:x:300:300::/a\rb:/bin/sh\n\
    relative:x:301:301::home:/bin/sh\n\
    last:x:302:302::/last:/bin/sh";
const GROUP: &[u8] =
    b"root:x:0:\nweb:x:33:\nlogs:x:50:web,root\nbig:x:4294967296:web\ndup:x:33:web\nalso:x:51:nobody,web\n";
const FILES: UserFiles<'_> = UserFiles { passwd: Some(PASSWD), group: Some(GROUP) };

type Security = cri::LinuxContainerSecurityContext;

fn image(user: &str) -> Result<Account> {
    resolve(None, user, "img", FILES)
}

fn request(security: &Security) -> Result<Account> {
    resolve(Some(security), "web", "img", FILES)
}

fn int(value: i64) -> Option<cri::Int64Value> {
    Some(cri::Int64Value { value })
}

#[test]
fn every_form_of_an_images_user() {
    for (user, uid, gid) in [
        ("", 0, 0),
        ("0", 0, 0),
        ("root", 0, 0),
        ("root:root", 0, 0),
        ("web", 33, 33),
        ("web:", 33, 33),
        (":50", 0, 50),
        (":logs", 0, 50),
        ("web:logs", 33, 50),
        ("web:0", 33, 0),
        ("33", 33, 33),
        ("33:logs", 33, 50),
        ("1234", 1234, 0),
        ("1234:5678", 1234, 5678),
        ("2147483647", 2_147_483_647, 0),
        ("1:2147483647", 1, 2_147_483_647),
        ("65534", 65534, 65534),
        ("short", 7, 8),
        ("twin", 100, 101),
        ("last", 302, 302),
    ] {
        let account = image(user).unwrap_or_else(|error| panic!("{user:?}: {error}"));
        assert_eq!((account.uid, account.gid), (uid, gid), "{user:?}");
        assert_eq!(account.additional_gids[0], gid, "{user:?}");
    }
}

/// SEC-16, SEC-33, IMG-30: each of these has a line in passwd that would make it root.
#[test]
fn nothing_odd_is_ever_a_number_or_a_name() {
    for user in [
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775808",
        "18446744073709551616",
        "99999999999999999999999999999999",
        "00",
        "000",
        "01",
        "0x0",
        "0X1",
        "0b1",
        "0o7",
        "0_0",
        "1_000",
        "1e3",
        "1.0",
        "0.0",
        "+0",
        "-0",
        "-1",
        "+1",
        " 0",
        "0 ",
        "\t0",
        "0\n",
        "\n0",
        "0\0",
        "\u{660}",
        "٠",
        "０",
        "¹",
        "1a",
        "0root",
        "1000user",
        "root ",
        " root",
        "root\n",
        "root\0",
        "ro ot",
        "root,web",
        "root/..",
        "..",
        ".",
        "-",
        "+",
        "#",
        "*",
        "@root",
        "\\",
        "root:00",
        "root:+0",
        "root:0x0",
        "root: 0",
        "root:4294967296",
        "root:-1",
        "root:root:root",
        "0:0:0",
        "::",
        ":::",
        "root::root",
        "0:", // the last two are looked at below
    ] {
        let outcome = image(user);
        match user {
            "0:" => assert_eq!(outcome.unwrap().uid, 0),
            _ => assert!(outcome.is_err(), "{user:?} became {:?}", outcome.unwrap()),
        }
    }
    assert!(image(&"a".repeat(257)).is_err());
}

#[test]
fn digits_of_other_scripts_are_names_that_nobody_has() {
    assert_eq!(image("٠").unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn a_missing_name_is_named_with_a_way_out() {
    let error = image("ghost").unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    let text = error.to_string();
    assert!(text.contains("\"ghost\"") && text.contains("\"img\"") && text.contains("runAsUser"), "{text}");
    assert!(image("web:ghosts").unwrap_err().to_string().contains("group \"ghosts\""));
    // Without any database a name cannot be known, a number needs none.
    assert!(resolve(None, "root", "img", UserFiles::default()).is_err());
    assert_eq!(resolve(None, "5:6", "img", UserFiles::default()).unwrap().gid, 6);
}

#[test]
fn a_line_with_impossible_ids_is_refused_by_name_and_skipped_by_number() {
    assert!(image("far").unwrap_err().to_string().contains("\"far\""));
    assert_eq!(image("web:big").unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn the_request_wins_over_the_image() {
    let account = request(&Security { run_as_user: int(0), ..Default::default() }).unwrap();
    assert_eq!((account.uid, account.gid, account.home.as_deref()), (0, 0, Some("/root")));
    let account = request(&Security { run_as_username: "nobody".into(), ..Default::default() }).unwrap();
    assert_eq!((account.uid, account.gid), (65534, 65534));
    let both = Security { run_as_user: int(33), run_as_group: int(7), ..Default::default() };
    let account = request(&both).unwrap();
    assert_eq!((account.uid, account.gid), (33, 7));
}

#[test]
fn contradictory_requests_are_refused() {
    for security in [
        Security { run_as_group: int(1), ..Default::default() },
        Security { run_as_user: int(1), run_as_username: "web".into(), ..Default::default() },
        Security { run_as_user: int(-1), ..Default::default() },
        Security { run_as_user: int(1 << 31), ..Default::default() },
        Security { run_as_user: int(i64::MIN), ..Default::default() },
        Security { run_as_user: int(1 << 32), ..Default::default() },
        Security { run_as_user: int(1), run_as_group: int(-1), ..Default::default() },
        Security { run_as_username: "0".into(), ..Default::default() },
        Security { run_as_username: "web:web".into(), ..Default::default() },
        Security { supplemental_groups: vec![-1], ..Default::default() },
        Security { supplemental_groups: vec![1 << 31], ..Default::default() },
    ] {
        assert_eq!(request(&security).unwrap_err().kind(), Kind::Invalid, "{security:?}");
    }
}

#[test]
fn groups_are_those_of_a_login_plus_those_asked_for() {
    let merge = Security { supplemental_groups: vec![9, 50, 9], ..Default::default() };
    assert_eq!(request(&merge).unwrap().additional_gids, [33, 50, 51, 9]);
    let strict = Security {
        supplemental_groups_policy: cri::SupplementalGroupsPolicy::Strict.into(),
        supplemental_groups: vec![9],
        ..Default::default()
    };
    assert_eq!(request(&strict).unwrap().additional_gids, [33, 9]);
    // A number is its user as well, whatever group it is given.
    let by_number = Security { run_as_user: int(33), run_as_group: int(1), ..Default::default() };
    assert_eq!(request(&by_number).unwrap().additional_gids, [1, 50, 33, 51]);
    let stranger = Security { run_as_user: int(1234), ..Default::default() };
    assert_eq!(request(&stranger).unwrap().additional_gids, [0]);
}

#[test]
fn homes_are_absolute_and_plain() {
    assert_eq!(image("web").unwrap().home.as_deref(), Some("/var/www"));
    for user in ["evil", "relative", "short", "1234"] {
        assert_eq!(image(user).unwrap().home, None, "{user}");
    }
}

#[test]
fn hostile_databases_are_bounded() {
    let many: Vec<u8> = (0..200_000).flat_map(|n| format!("g{n}:x:{n}:web\n").into_bytes()).collect();
    let files = UserFiles { passwd: Some(PASSWD), group: Some(&many) };
    assert!(resolve(None, "web", "img", files).unwrap_err().to_string().contains("supplementary groups"));

    let huge = vec![b'a'; FILE_LIMIT + 1];
    let files = UserFiles { passwd: Some(&huge), group: None };
    assert!(resolve(None, "web", "img", files).unwrap_err().to_string().contains("/etc/passwd"));

    let mut long = b"web:x:1:1:".to_vec();
    long.resize(LINE_TOO_LONG, b'x');
    long.extend(b"\nweb:x:2:2::/:/bin/sh\n");
    let files = UserFiles { passwd: Some(&long), group: None };
    assert_eq!(resolve(None, "web", "img", files).unwrap().uid, 2);

    for bytes in [
        &b"\0\0\0"[..],
        b"web",
        b"web:",
        b"web:x",
        b"web:x:",
        b"web:x:33",
        b"web:x:\xff:1",
        b"\n\n\n:::::::\n",
    ] {
        let files = UserFiles { passwd: Some(bytes), group: Some(bytes) };
        assert!(resolve(None, "web", "img", files).is_err(), "{bytes:?}");
        assert_eq!(resolve(None, "33", "img", files).unwrap().gid, 0, "{bytes:?}");
    }
}

const LINE_TOO_LONG: usize = (1 << 20) + 1;

#[test]
fn image_status_reports_what_is_declared() {
    assert_eq!(declared(""), Declared::Nothing);
    assert_eq!(declared(":5"), Declared::Nothing);
    assert_eq!(declared("0"), Declared::Uid(0));
    assert_eq!(declared("00:1"), Declared::Name("00".into()));
}

proptest! {
    /// Whatever an image says, ids are in range, and what is neither a plain number nor a name of its own is refused.
    #[test]
    fn no_text_makes_an_unexpected_user(user in "\\PC{0,12}", passwd in prop::collection::vec(any::<u8>(), 0..400)) {
        let files = UserFiles { passwd: Some(&passwd), group: Some(&passwd) };
        let plain = |part: &str| number(part).is_some() || part.is_empty();
        match resolve(None, &user, "img", files) {
            Ok(account) => {
                prop_assert!(i32::try_from(account.uid).is_ok() && i32::try_from(account.gid).is_ok());
                let named = user.split(':').filter(|part| !plain(part));
                for name in named {
                    prop_assert!(passwd.windows(name.len()).any(|window| window == name.as_bytes()));
                }
            }
            Err(error) => prop_assert!(error.kind() != Kind::Internal),
        }
    }

    /// Lines that look right to somebody.
    #[test]
    fn no_database_makes_ids_up(lines in prop::collection::vec("[a-c]{0,2}:x?:[0-9+ -]{0,11}:[0-9]{0,11}(:[a-z,]{0,6}){0,4}", 0..20)) {
        let text = lines.join("\n");
        let files = UserFiles { passwd: Some(text.as_bytes()), group: Some(text.as_bytes()) };
        for user in ["a", "b:c", "1", "aa:0"] {
            if let Ok(account) = resolve(None, user, "img", files) {
                prop_assert!(account.additional_gids.iter().all(|gid| i32::try_from(*gid).is_ok()));
                prop_assert_eq!(account.additional_gids[0], account.gid);
            }
        }
    }
}
