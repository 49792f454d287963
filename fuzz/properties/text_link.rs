//! Any bytes, cut anywhere, go through the text link. The first byte says how long
//! the pieces are.

use std::time::Duration;

use hearth::boards::text::Link;
use hearth::clock::Moment;

pub fn hold(bytes: &[u8]) {
    let Some((&chunk, bytes)) = bytes.split_first() else {
        return;
    };
    let mut link = Link::default();
    let mut now = Moment(0);
    link.opened(now);
    for piece in bytes.chunks(usize::from(chunk) + 1) {
        now = now + Duration::from_millis(u64::from(chunk) * 4);
        link.receive(piece, now);
    }
}
