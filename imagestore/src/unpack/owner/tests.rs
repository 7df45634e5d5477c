//! Which xattrs a layer may bring, and file capabilities of every revision.

use super::{Policy, capability, policy};

#[test]
fn img_08_only_harmless_xattrs_are_kept() {
    let cases: &[(&[u8], Policy)] = &[
        (b"user.mime_type", Policy::Keep),
        (b"system.posix_acl_default", Policy::Keep),
        (b"security.capability", Policy::Capability),
        (b"security.selinux", Policy::Drop),
        (b"security.ima", Policy::Drop),
        (b"security.evm", Policy::Drop),
        (b"trusted.foo", Policy::Drop),
        (b"trusted.overlay.opaque", Policy::Refuse),
        (b"trusted.overlay.redirect", Policy::Refuse),
        (b"trusted.overlay.", Policy::Refuse),
        (b"user.overlay.whiteout", Policy::Refuse),
    ];
    for (name, expected) in cases {
        assert_eq!(policy(name), *expected, "{}", name.escape_ascii());
    }
}

#[test]
fn img_07_capabilities_become_revision_2() {
    let v1 = [&[1, 0, 0, 1][..], &[0x11; 4], &[0x22; 4]].concat();
    let v2 = [&[1, 0, 0, 2][..], &[0x11; 4], &[0x22; 4], &[0x33; 4], &[0x44; 4]].concat();
    let v3 = [&[1, 0, 0, 3][..], &v2[4..], &[0xe8, 3, 0, 0]].concat();
    assert_eq!(capability(&v1).unwrap(), [&[1, 0, 0, 2][..], &[0x11; 4], &[0x22; 4], &[0; 8]].concat());
    assert_eq!(capability(&v2).unwrap(), v2);
    assert_eq!(capability(&v3).unwrap(), v2);
    for bad in
        [&b""[..], b"\x01\0\0", &v1[..11], &v2[..19], &v3[..23], &[&v2[..], &[0]].concat(), &[0, 0, 0, 9]]
    {
        assert!(capability(bad).is_none(), "{bad:?}");
    }
}
