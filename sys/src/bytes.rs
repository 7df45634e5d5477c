#![expect(unsafe_code, reason = "memchr(3)")]
//! Searching bytes with the C library's vector code.

/// Position of the first `byte`, tens of bytes a cycle where a plain loop does one.
pub fn find(haystack: &[u8], byte: u8) -> Option<usize> {
    // SAFETY: reads at most `len` bytes of a live slice.
    let found = unsafe { libc::memchr(haystack.as_ptr().cast(), i32::from(byte), haystack.len()) };
    if found.is_null() { None } else { Some(found.addr() - haystack.as_ptr().addr()) }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_first_is_found() {
        assert_eq!(find(b"abcb", b'b'), Some(1));
        assert_eq!(find(b"abc", b'\n'), None);
        assert_eq!(find(b"", b'\n'), None);
    }
}
