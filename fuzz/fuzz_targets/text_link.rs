//! Any bytes, cut anywhere, go through the text link.
#![no_main]

use std::time::Duration;

use hearth::boards::text::Link;
use hearth::clock::Moment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (chunk, bytes) = input;
    let mut link = Link::default();
    let mut now = Moment(0);
    link.opened(now);
    for piece in bytes.chunks(usize::from(chunk) + 1) {
        now = now + Duration::from_millis(u64::from(chunk) * 4);
        link.receive(piece, now);
    }
});
