//! How the board and its line are.

use std::time::Duration;

use hearth_wire::board::{ResetCause, Vitals as Said};

use super::Station;
use crate::boards::fault::Fault;
use crate::boards::frames::Count;
use crate::broker::Qos;
use crate::clock::{Moment, Now, UtcMillis};
use crate::home::{Vitals, topic};

/// Trouble of the line is told within this time, for the board speaks of itself but twice a
/// minute.
const TELL_WITHIN: Duration = Duration::from_secs(3);

/// Counters of the board wrap; a difference is what happened since the last word.
#[derive(Debug)]
pub(super) struct Health {
    last: Option<Said>,
    last_at: UtcMillis,
    restarts: u64,
    /// Of both directions, as far as this side knows.
    line: Count,
    board: Count,
    overruns: u64,
    repeated: u64,
    /// At the last word, of both directions.
    then: Count,
    quality: u8,
    /// Damaged frames since the last whole one.
    disturbed: u64,
    /// When there was trouble that was not told; that it was.
    trouble: Option<Moment>,
}

impl Default for Health {
    fn default() -> Health {
        Health {
            last: None,
            last_at: UtcMillis::default(),
            restarts: 0,
            line: Count::default(),
            board: Count::default(),
            overruns: 0,
            repeated: 0,
            then: Count::default(),
            quality: 100,
            disturbed: 0,
            trouble: None,
        }
    }
}

impl Health {
    /// What has arrived here.
    pub fn line(&mut self, count: Count, now: Now) {
        if count.damaged > self.line.damaged {
            self.trouble.get_or_insert(now.moment);
        }
        self.line = count;
    }

    pub fn repeated(&mut self, now: Now) {
        self.repeated += 1;
        self.trouble.get_or_insert(now.moment);
    }

    /// When trouble is told, if the board says nothing earlier.
    pub fn trouble_at(&self) -> Option<Moment> {
        self.trouble.map(|since| since + TELL_WITHIN)
    }

    pub fn undisturbed(&mut self) {
        self.disturbed = 0;
    }

    /// So many more frames were damaged; how many in a row.
    pub fn disturbed(&mut self, more: u64) -> u64 {
        self.disturbed += more;
        match more {
            0 => 0,
            _ => self.disturbed,
        }
    }

    /// Takes the board's word; whether it has started anew since the last one.
    fn take(&mut self, said: Said) -> bool {
        let before = self.last.replace(said);
        // Between two words of one run it has received something.
        let is_new = before.is_some_and(|before| said.frames <= before.frames);
        self.restarts += u64::from(is_new);
        let since = before.filter(|_| !is_new);
        let since = |of: fn(&Said) -> u32| since.as_ref().map_or(0, of);
        self.board.frames += u64::from(said.frames.wrapping_sub(since(|said| said.frames)));
        let damaged = said
            .bad_frames
            .wrapping_sub(low(since(|said| said.bad_frames.into())));
        self.board.damaged += u64::from(damaged);
        let overruns = said
            .overruns
            .wrapping_sub(low(since(|said| said.overruns.into())));
        self.overruns += u64::from(overruns);
        self.rate();
        is_new
    }

    /// How many of the frames since the last word arrived whole.
    fn rate(&mut self) {
        let all = Count {
            frames: self.line.frames + self.board.frames,
            damaged: self.line.damaged + self.board.damaged,
        };
        let whole = all.frames.saturating_sub(self.then.frames);
        let damaged = all.damaged.saturating_sub(self.then.damaged);
        let percent = (whole * 100).checked_div(whole + damaged);
        self.quality = percent
            .and_then(|percent| u8::try_from(percent).ok())
            .unwrap_or(100);
        self.then = all;
    }
}

/// A counter of sixteen bits, which was widened.
fn low(count: u32) -> u16 {
    let [low, high, ..] = count.to_le_bytes();
    u16::from_le_bytes([low, high])
}

impl Station {
    /// Takes the board's word on how it is.
    pub(super) fn vitals(&mut self, payload: &[u8], now: Now) {
        let Some(said) = Said::decode(payload) else {
            return;
        };
        let is_first = self.health.last.is_none();
        self.health.last_at = now.utc;
        let is_new = self.health.take(said);
        if is_new || is_first && said.uptime < 5 {
            self.restarted(said.cause, now);
        }
        self.tell_vitals();
    }

    /// Tells of trouble before the board's next word.
    pub(super) fn tell_trouble(&mut self, now: Now) {
        if self.health.trouble_at().is_some_and(|at| at <= now.moment) {
            self.health.rate();
            self.tell_vitals();
        }
    }

    fn tell_vitals(&mut self) {
        self.health.trouble = None;
        let health = &self.health;
        let Some(said) = health.last else {
            return;
        };
        let vitals = Vitals {
            client: self.client.clone(),
            firmware: format!(
                "{}.{}.{}",
                said.firmware.major, said.firmware.minor, said.firmware.patch
            ),
            uptime: said.uptime.into(),
            at: self.health.last_at,
            reset: cause(said.cause).to_owned(),
            restarts: health.restarts,
            frames: health.then.frames,
            damaged: health.then.damaged,
            overruns: health.overruns,
            repeated: health.repeated,
            link_quality: health.quality,
        };
        let topic = topic::board_vitals(self.voice.name());
        self.voice.note_json(topic, &vitals, Qos::AtMostOnce);
    }

    fn restarted(&mut self, cause: ResetCause, now: Now) {
        let sentence = match cause {
            ResetCause::Watchdog => "its program hung, and its watchdog started it anew",
            ResetCause::BrownOut => {
                "its supply was too weak, and it started anew: give it another power supply"
            }
            ResetCause::PowerOn | ResetCause::External | ResetCause::Unknown => return,
        };
        self.voice.fault(Fault::Restarted, 1, sentence, now);
    }
}

fn cause(cause: ResetCause) -> &'static str {
    match cause {
        ResetCause::Unknown => "unknown",
        ResetCause::PowerOn => "power-on",
        ResetCause::External => "external",
        ResetCause::BrownOut => "brown-out",
        ResetCause::Watchdog => "watchdog",
    }
}
