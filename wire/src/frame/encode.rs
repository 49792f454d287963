//! From a packet to its frame: at once into a buffer, or octet by octet for a UART that
//! has no second buffer.

use super::{DEFRAMER_SIZE, DELIMITER, FCS_SIZE, MAX_RUN, fcs};

/// Where the sending of one packet's frame stands. It does not hold the packet, so that
/// a board may keep both beside each other.
#[derive(Clone, Debug)]
pub struct Framer {
    fcs: [u8; FCS_SIZE],
    /// The next octet of packet and checksum.
    at: usize,
    /// How many octets are left until the next code octet.
    run: u8,
    /// A run that ended with a zero, which the code octet says; or the start.
    zero: bool,
    over: bool,
}

impl Framer {
    /// At the start of the frame of `packet`.
    #[must_use]
    pub fn new(packet: &[u8]) -> Self {
        Self {
            fcs: fcs::of(packet),
            at: 0,
            run: 0,
            zero: true,
            over: false,
        }
    }

    /// The next octet of the frame, its end included; then `None`. `packet` is the same
    /// at every call.
    pub fn next(&mut self, packet: &[u8]) -> Option<u8> {
        if self.over {
            None
        } else if self.run > 0 {
            self.run = self.run.saturating_sub(1);
            self.take(packet)
        } else if self.zero || self.peek(packet, self.at).is_some() {
            Some(self.code(packet))
        } else {
            self.over = true;
            Some(DELIMITER)
        }
    }

    /// Begins the next run, and steps over the zero behind the one before.
    fn code(&mut self, packet: &[u8]) -> u8 {
        let run = self.run_from(packet, self.at);
        let full = usize::from(run) == MAX_RUN;
        let next = self.at.saturating_add(usize::from(run));
        self.zero = !full && self.peek(packet, next).is_some();
        self.run = run;
        if run == 0 {
            self.skip_zero();
        }
        run.saturating_add(1)
    }

    fn take(&mut self, packet: &[u8]) -> Option<u8> {
        let octet = self.peek(packet, self.at);
        self.at = self.at.saturating_add(1);
        if self.run == 0 {
            self.skip_zero();
        }
        octet
    }

    fn skip_zero(&mut self) {
        if self.zero {
            self.at = self.at.saturating_add(1);
        }
    }

    /// How many octets from `at` on are not zero, at most `MAX_RUN`.
    fn run_from(&self, packet: &[u8], at: usize) -> u8 {
        let mut run = 0_u8;
        while usize::from(run) < MAX_RUN {
            match self.peek(packet, at.saturating_add(usize::from(run))) {
                None | Some(0) => break,
                Some(_) => run = run.saturating_add(1),
            }
        }
        run
    }

    fn peek(&self, packet: &[u8], at: usize) -> Option<u8> {
        let octet = packet
            .get(at)
            .or_else(|| self.fcs.get(at.checked_sub(packet.len())?));
        octet.copied()
    }
}

/// The frame of a packet, octet by octet.
#[derive(Clone, Debug)]
pub struct FrameBytes<'a> {
    packet: &'a [u8],
    framer: Framer,
}

impl Iterator for FrameBytes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.framer.next(self.packet)
    }
}

/// The octets of the frame of `packet`, its end included.
#[must_use]
pub fn frame_bytes(packet: &[u8]) -> FrameBytes<'_> {
    FrameBytes {
        packet,
        framer: Framer::new(packet),
    }
}

/// Sends the frame of a packet of at most [`MAX_PACKET`](super::MAX_PACKET) octets, its end
/// included, to something that waits by itself; nothing of a longer one. The least code
/// for a board: below 254 octets COBS puts a length in the place of each zero.
pub fn send_frame(packet: &[u8], mut put: impl FnMut(u8)) {
    let mut content = [0; DEFRAMER_SIZE];
    let end = packet.len().wrapping_add(FCS_SIZE);
    let Some(content) = content.get_mut(..end) else {
        return;
    };
    let fcs = fcs::of(packet);
    let octets = packet.iter().chain(&fcs);
    content
        .iter_mut()
        .zip(octets)
        .for_each(|(place, octet)| *place = *octet);
    for run in content.split(|octet| *octet == 0) {
        put(run.len().wrapping_add(1).to_le_bytes()[0]);
        run.iter().for_each(|octet| put(*octet));
    }
    put(DELIMITER);
}

/// Writes the frame of `packet` to the start of `buffer`; how many octets it has, or
/// `None` if the buffer is too short. [`frame_room`](super::frame_room) octets are enough.
#[must_use]
pub fn encode_frame(packet: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let mut room = buffer.iter_mut();
    let mut length = 0_usize;
    for octet in frame_bytes(packet) {
        *room.next()? = octet;
        length = length.saturating_add(1);
    }
    Some(length)
}
