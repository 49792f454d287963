//! Any bytes, as the start of a connection and in both versions: no panic, what is
//! accepted can be written again, and then means the same.

use bytes::BytesMut;
use hearth::broker::codec::{Decoder, Version, encode, encoded_len};

const LIMIT: usize = 1 << 20;

pub fn hold(bytes: &[u8]) {
    let _ = Decoder::new(LIMIT).decode(&mut BytesMut::from(bytes));
    for version in [Version::V311, Version::V5] {
        drain(bytes, version);
    }
}

fn drain(bytes: &[u8], version: Version) {
    let mut buffer = BytesMut::from(bytes);
    let mut decoder = Decoder::with_version(version, LIMIT);
    while let Ok(Some(packet)) = decoder.decode(&mut buffer) {
        let mut written = BytesMut::new();
        encode(&packet, version, &mut written);
        assert_eq!(written.len(), encoded_len(&packet, version));
        assert_eq!(decoder.decode(&mut written), Ok(Some(packet)));
    }
}
