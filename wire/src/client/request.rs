//! The one request that is under way, kept to be sent again until it is answered.

use super::codec::{compose, flag, kind};

#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Request<const N: usize> {
    /// 0: none is under way.
    length: u8,
    /// How often it was sent.
    pub(super) sent: u8,
    msg_id: u16,
    /// When it is sent again.
    pub(super) due: u32,
    octets: [u8; N],
}

impl<const N: usize> Request<N> {
    pub(super) const fn none() -> Self {
        Self {
            length: 0,
            sent: 0,
            msg_id: 0,
            due: 0,
            octets: [0; N],
        }
    }

    pub(super) const fn is_under_way(&self) -> bool {
        self.length != 0
    }

    /// False: it is too long.
    pub(super) fn begin(&mut self, kind: u8, head: &[u8], tail: &[u8]) -> bool {
        self.length = compose(kind, head, tail, &mut self.octets).unwrap_or(0);
        self.sent = 0;
        self.is_under_way()
    }

    pub(super) const fn end(&mut self) {
        self.length = 0;
    }

    /// An id that the last one was not; never 0.
    pub(super) fn new_id(&mut self) -> u16 {
        self.msg_id = self.msg_id.checked_add(1).unwrap_or(1);
        self.msg_id
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.octets
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// Marks it as sent before, where it has Flags.
    pub(super) fn mark(&mut self) {
        if let [_, asked, flags, ..] = &mut self.octets[..]
            && *asked != kind::REGISTER
        {
            *flags |= flag::DUP;
        }
    }

    /// Every acknowledgement has the MsgType after its request's.
    pub(super) fn is_answered_by(&self, acknowledgement: u8, msg_id: u16) -> bool {
        let [_, asked, ..] = self.octets[..] else {
            return false;
        };
        self.is_under_way() && asked.wrapping_add(1) == acknowledgement && msg_id == self.msg_id
    }
}
