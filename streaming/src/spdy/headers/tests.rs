//! Header blocks against a real deflate with the dictionary, against bombs, and against random bytes.

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

use super::*;

fn sample(n: usize) -> Headers {
    Headers::default().with("streamType", "data").with("port", "8080").with("requestID", n.to_string())
}

/// What other implementations send: deflate that refers to the dictionary and to earlier blocks.
struct RealDeflate(Compress);

impl RealDeflate {
    fn new() -> Self {
        let mut compress = Compress::new(Compression::best(), true);
        compress.set_dictionary(&DICTIONARY).unwrap();
        Self(compress)
    }

    fn block(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(plain.len() + 1024);
        let before = self.0.total_in();
        self.0.compress_vec(plain, &mut out, FlushCompress::Sync).unwrap();
        assert_eq!(self.0.total_in() - before, plain.len() as u64);
        out
    }
}

#[test]
fn many_blocks_share_one_stream() {
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    for n in 0..1000 {
        assert_eq!(decoder.decode(&encoder.encode(&sample(n))).unwrap(), sample(n));
    }
}

#[test]
fn compressed_blocks_of_others_are_understood() {
    let (mut theirs, mut decoder) = (RealDeflate::new(), Decoder::default());
    for n in 0..1000 {
        let block = theirs.block(&sample(n).to_bytes());
        assert!(block.len() < 60, "the peer really compresses: {}", block.len());
        assert_eq!(decoder.decode(&block).unwrap(), sample(n));
    }
}

#[test]
fn our_zlib_header_names_the_dictionary() {
    let block = Encoder::default().encode(&Headers::default());
    assert_eq!(u16::from_be_bytes([block[0], block[1]]) % 31, 0);
    assert_eq!(block[2..6], ID.to_be_bytes());
    assert_eq!(block[block.len() - 5..], [0, 0, 0, 0xff, 0xff]);
}

#[test]
fn names_have_no_case_and_the_first_of_several_values_counts() {
    let headers = Headers::default().with("streamType", "error\0data");
    assert_eq!(headers.get("Streamtype"), Some("error"));
    assert_eq!(headers.get("port"), None);
}

#[test]
fn a_bomb_is_refused_while_it_inflates() {
    let mut block = (1u32).to_be_bytes().to_vec();
    block.extend_from_slice(&(64_000_000u32).to_be_bytes());
    block.extend(std::iter::repeat_n(b'a', 64_000_000));
    let mut compress = RealDeflate::new();
    let mut bomb = Vec::with_capacity(1 << 20);
    compress.0.compress_vec(&block, &mut bomb, FlushCompress::Sync).unwrap();
    assert!(bomb.len() < 100_000);
    assert!(Decoder::default().decode(&bomb).is_err());
}

#[test]
fn counts_and_lengths_that_lie_are_refused() {
    for plain in [
        &[0xff, 0xff, 0xff, 0xff][..],
        &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0, 1],
        &[0, 0, 0],
        &[0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0, 0, 0, 0],
    ] {
        assert!(Decoder::default().decode(&RealDeflate::new().block(plain)).is_err(), "{plain:?}");
    }
}

proptest! {
    #[test]
    fn random_blocks_never_panic(blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..4)) {
        let mut decoder = Decoder::default();
        for block in blocks {
            let _ = decoder.decode(&block);
        }
    }

    #[test]
    fn random_plain_blocks_never_panic(plain in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Headers::parse(&plain);
    }

    #[test]
    fn flipped_bits_never_panic(at in 0usize..40, bit in 0u8..8) {
        let mut block = RealDeflate::new().block(&sample(7).to_bytes());
        if let Some(byte) = block.get_mut(at) {
            *byte ^= 1 << bit;
        }
        let _ = Decoder::default().decode(&block);
    }
}
