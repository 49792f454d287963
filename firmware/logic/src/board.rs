//! What a board is made of, and in which order it does things.

use hearth_wire::board::{CLIENT_ID, MAX_MAP, MAX_THINGS, Map, ResetCause, client_id};
use hearth_wire::client::{Client, Profile};
use hearth_wire::frame::{DELIMITER, send_frame};

use crate::hardware::Hardware;
use crate::reports::Said;
use crate::slot::Slot;
use crate::station::Line;
use crate::store::Store;
use crate::thermometer::Thermometer;

/// The longest packet that a board sends: its map.
const ROOM: usize = 7 + 2 + MAX_MAP;

#[derive(Clone, Debug)]
pub(crate) struct Identity([u8; CLIENT_ID]);

impl Profile for Identity {
    const KEEP_ALIVE: u16 = 10;
    // Much earlier than the keep-alive asks for, so that a short silence can be told from
    // a gateway that has nothing to say.
    const PING_AFTER: u32 = 1000;

    fn client_id(&self) -> &[u8] {
        &self.0
    }
}

/// A board without its line, and all that it remembers.
// In this order: an Uno reaches the first 64 octets with the shortest instructions.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Board {
    pub(crate) time: Time,
    /// Of the second that goes on.
    tenth: u8,
    /// Seconds, and tenths of the next one, since the gateway was heard in a session.
    pub(crate) quiet: u16,
    quiet_tenths: u8,
    /// Which rules hold, a bit for each.
    pub(crate) holding: u8,
    /// Whose turn it is to be looked at and to report, from 0 on.
    pub(crate) turn: u8,
    /// What of the greeting after a CONNECT is next.
    pub(crate) greeting: u8,
    /// The verdict on the wanted map, to be said.
    pub(crate) answer: Option<(u8, u8)>,
    /// What is on its way at QoS 1.
    pub(crate) under_way: Option<Said>,
    /// Tenths of a second until the vitals are said.
    pub(crate) vitals_in: u16,
    pub(crate) cause: ResetCause,
    pub(crate) map_length: u8,
    pub(crate) store: Store,
    pub(crate) thermometer: Thermometer,
    pub(crate) client: Client<Identity, ROOM>,
    pub(crate) slots: [Slot; MAX_THINGS],
    pub(crate) map: [u8; MAX_MAP],
}

/// The board's clocks; small ones, for an Uno counts with eight bits at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(crate) milliseconds: u16,
    /// When the tenth of a second began that goes on.
    began: u16,
    pub(crate) tenths: u16,
    /// Seconds.
    pub(crate) uptime: u32,
}

/// The client's packets go out as frames. One function, so that there is one type of
/// closure, and the client's code is there once.
pub(crate) fn frames<H: Hardware>(hardware: &mut H) -> impl FnMut(&[u8]) {
    |packet| {
        // Ends whatever garbage lies on the line.
        hardware.send(DELIMITER);
        send_frame(packet, |octet| hardware.send(octet));
    }
}

impl Board {
    pub(crate) fn new(id: u32, cause: ResetCause, now: u32, hardware: &mut impl Hardware) -> Self {
        let mut board = Self {
            time: Time::new(now),
            tenth: 0,
            quiet: 0,
            quiet_tenths: 0,
            holding: 0,
            turn: 0,
            greeting: 0,
            answer: None,
            under_way: None,
            vitals_in: 0,
            cause,
            map_length: 0,
            store: Store::new(),
            thermometer: Thermometer::new(),
            client: Client::new(Identity(client_id(id)), now),
            slots: [const { Slot::EMPTY }; MAX_THINGS],
            map: [0; MAX_MAP],
        };
        board.map_length = board.store.load(&mut board.map, hardware);
        board.set_up(hardware);
        board
    }

    pub(crate) fn receive(&mut self, packet: &[u8], now: u32, hardware: &mut impl Hardware) {
        let event = self.client.receive(packet, now, &mut frames(hardware));
        if self.client.heard() == now {
            self.quiet = 0;
            self.quiet_tenths = 0;
        }
        self.take(event, hardware);
    }

    #[inline(never)]
    pub(crate) fn poll(&mut self, now: u32, line: Line, hardware: &mut impl Hardware) {
        // It may have lost the session, which shows when it has a new one.
        let _ = self.client.poll(now, &mut frames(hardware));
        if self.time.pass(now) {
            self.count_tenth();
        }
        self.look(hardware);
        self.keep_map(hardware);
        self.watch_gateway(hardware);
        if self.client.is_connected() {
            self.speak(line, hardware);
        }
        self.turn = self.turn.wrapping_add(1) & 7;
    }

    pub(crate) fn map_octets(&self) -> &[u8] {
        self.map
            .get(..usize::from(self.map_length))
            .unwrap_or_default()
    }

    /// Takes the things of the map into use, where they are other than before.
    #[inline(never)]
    pub(crate) fn set_up(&mut self, hardware: &mut impl Hardware) {
        let octets = self
            .map
            .get(..usize::from(self.map_length))
            .unwrap_or_default();
        let mut things = Map::read(octets).into_iter().flat_map(|map| map.things());
        for slot in &mut self.slots {
            let thing = things.next();
            if thing != slot.thing {
                slot.set_up(thing, self.time, hardware);
            }
        }
    }

    fn look(&mut self, hardware: &mut impl Hardware) {
        for slot in &mut self.slots {
            slot.look(self.time, hardware);
        }
        if let Some(slot) = self.slots.get_mut(usize::from(self.turn)) {
            slot.look_closely(hardware);
        }
        self.thermometer.poll(&mut self.slots, self.time, hardware);
    }

    /// Goes on writing a new map to the EEPROM, and says when it is there.
    fn keep_map(&mut self, hardware: &mut impl Hardware) {
        let map = self
            .map
            .get(..usize::from(self.map_length))
            .unwrap_or_default();
        if let Some(status) = self.store.write(map, hardware) {
            self.answer = Some((status as u8, 0));
        }
    }

    fn count_tenth(&mut self) {
        self.vitals_in = self.vitals_in.saturating_sub(1);
        self.tenth = self.tenth.wrapping_add(1);
        if self.tenth >= 10 {
            self.tenth = 0;
            self.time.uptime = self.time.uptime.wrapping_add(1);
        }
        self.quiet_tenths = self.quiet_tenths.wrapping_add(1);
        if self.quiet_tenths >= 10 {
            self.quiet_tenths = 0;
            self.quiet = self.quiet.saturating_add(1);
        }
    }
}

impl Time {
    fn new(now: u32) -> Self {
        let [.., high, low] = now.to_be_bytes();
        let milliseconds = u16::from_be_bytes([high, low]);
        Self {
            milliseconds,
            began: milliseconds,
            tenths: 0,
            uptime: 0,
        }
    }

    /// True: a tenth of a second is over.
    fn pass(&mut self, now: u32) -> bool {
        self.milliseconds = Self::new(now).milliseconds;
        let is_over = self.milliseconds.wrapping_sub(self.began) >= 100;
        if is_over {
            self.began = self.began.wrapping_add(100);
            self.tenths = self.tenths.wrapping_add(1);
        }
        is_over
    }
}
