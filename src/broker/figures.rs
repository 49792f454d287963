//! The broker's figures as topics: `$SYS/broker/…`, with mosquitto's names.
//!
//! A figure is published when it has changed. Loads are per minute, averaged
//! over the last 1, 5 and 15 minutes with old traffic fading out exponentially,
//! as `uptime` does it.

use std::time::Duration;

use rustc_hash::FxHashMap;

use super::router::{Counters, Holdings};
use super::traffic::Crossed;
use crate::clock::{Moment, Now};

/// Topic prefix of all figures.
const PREFIX: &str = "$SYS/broker/";
/// Names of the loads, in the order of [`Figures::totals`].
const LOADS: [&str; LOAD_COUNT] = [
    "messages/received",
    "messages/sent",
    "publish/received",
    "publish/sent",
    "publish/dropped",
    "bytes/received",
    "bytes/sent",
    "sockets",
    "connections",
];
const LOAD_COUNT: usize = 9;
const MINUTES: [u32; 3] = [1, 5, 15];

/// Everything that the broker counts and holds, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    pub uptime: Duration,
    pub counters: Counters,
    pub holdings: Holdings,
    pub crossed: Crossed,
}

impl Figures {
    /// What the loads are made of, counted since the start.
    fn totals(&self) -> [u64; LOAD_COUNT] {
        let (counters, crossed) = (&self.counters, &self.crossed);
        [
            counters.packets_received,
            counters.packets_sent,
            counters.received,
            counters.sent,
            counters.dropped(),
            crossed.bytes_received,
            crossed.bytes_sent,
            crossed.sockets,
            counters.connects,
        ]
    }

    /// The figures that are plain numbers, by topic.
    fn numbers(&self) -> [(&'static str, u64); 25] {
        let (counters, held, crossed) = (&self.counters, &self.holdings, &self.crossed);
        [
            ("clients/connected", held.connected),
            ("clients/disconnected", held.sessions - held.connected),
            ("clients/total", held.sessions),
            ("clients/maximum", counters.most_connected),
            ("clients/expired", counters.expired_sessions),
            ("messages/received", counters.packets_received),
            ("messages/sent", counters.packets_sent),
            ("messages/stored", held.stored_messages),
            ("publish/messages/received", counters.received),
            ("publish/messages/sent", counters.sent),
            ("publish/messages/dropped", counters.dropped()),
            ("publish/bytes/received", counters.received_bytes),
            ("publish/bytes/sent", counters.sent_bytes),
            ("bytes/received", crossed.bytes_received),
            ("bytes/sent", crossed.bytes_sent),
            ("subscriptions/count", held.subscriptions),
            ("shared_subscriptions/count", held.shared_subscriptions),
            ("retained messages/count", held.retained_messages),
            ("store/messages/count", held.stored_messages),
            ("store/messages/bytes", held.stored_bytes),
            // Not mosquitto's: what has gone wrong, for people who look here.
            ("hearth/clients/refused", crossed.refused()),
            ("hearth/clients/stalled", counters.stalled),
            ("hearth/state/writes", counters.writes),
            ("hearth/state/rows", counters.written_rows),
            ("hearth/state/failures", counters.failed_writes),
        ]
    }
}

/// Knows what was published, and when the next time is.
#[derive(Debug)]
pub struct Report {
    every: Duration,
    next: Moment,
    last: Moment,
    totals: [u64; LOAD_COUNT],
    loads: [[f64; MINUTES.len()]; LOAD_COUNT],
    told: FxHashMap<String, String>,
}

impl Report {
    /// Due at once, and then `every` so often; never if that is zero.
    pub fn new(every: Duration) -> Report {
        Report {
            every,
            next: Moment::default(),
            last: Moment::default(),
            totals: [0; LOAD_COUNT],
            loads: Default::default(),
            told: FxHashMap::default(),
        }
    }

    /// When [`Report::changes`] is next due.
    pub fn next_wake(&self) -> Option<Moment> {
        (!self.every.is_zero()).then_some(self.next)
    }

    /// Whether it is due.
    pub fn is_due(&self, now: Now) -> bool {
        self.next_wake().is_some_and(|next| next <= now.moment)
    }

    /// The topics whose text has changed, with their text.
    pub fn changes(&mut self, figures: &Figures, now: Now) -> Vec<(String, String)> {
        let past = now.moment.since(self.last);
        (self.last, self.next) = (now.moment, now.moment + self.every);
        self.average(figures.totals(), past);
        let mut all = self.texts(figures);
        all.retain(|(topic, text)| self.told.get(topic) != Some(text));
        self.told.extend(all.iter().cloned());
        all
    }

    fn average(&mut self, totals: [u64; LOAD_COUNT], past: Duration) {
        if past.is_zero() {
            return;
        }
        for (index, total) in totals.into_iter().enumerate() {
            let added = total.saturating_sub(self.totals[index]);
            #[expect(clippy::cast_precision_loss, reason = "a rate of two decimals")]
            let per_minute = added as f64 * 60.0 / past.as_secs_f64();
            for (load, minutes) in self.loads[index].iter_mut().zip(MINUTES) {
                let fade = (-past.as_secs_f64() / (60.0 * f64::from(minutes))).exp();
                *load = per_minute + fade * (*load - per_minute);
            }
        }
        self.totals = totals;
    }

    fn texts(&self, figures: &Figures) -> Vec<(String, String)> {
        let topic = |name: &str| format!("{PREFIX}{name}");
        let mut texts = vec![
            (topic("version"), version().to_owned()),
            (
                topic("uptime"),
                format!("{} seconds", figures.uptime.as_secs()),
            ),
        ];
        for (name, number) in figures.numbers() {
            texts.push((topic(name), number.to_string()));
        }
        for (name, loads) in LOADS.iter().zip(&self.loads) {
            for (load, minutes) in loads.iter().zip(MINUTES) {
                let name = format!("load/{name}/{minutes}min");
                texts.push((topic(&name), format!("{load:.2}")));
            }
        }
        texts
    }
}

/// What `$SYS/broker/version` says.
pub fn version() -> &'static str {
    concat!("hearth version ", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        Now::default() + Duration::from_secs(seconds)
    }

    fn text<'a>(changes: &'a [(String, String)], name: &str) -> Option<&'a str> {
        let found = changes.iter().find(|(topic, _)| topic.ends_with(name));
        found.map(|(_, text)| text.as_str())
    }

    #[test]
    fn only_what_has_changed_is_told_again() {
        let mut report = Report::new(Duration::from_secs(10));
        let mut figures = Figures::default();
        let first = report.changes(&figures, at(0));
        assert_eq!(first.len(), 2 + 25 + 27);
        assert_eq!(text(&first, "broker/uptime"), Some("0 seconds"));
        assert!(text(&first, "broker/version").is_some());
        figures.holdings.retained_messages = 3;
        figures.holdings.stored_messages = 3;
        let second = report.changes(&figures, at(10));
        assert_eq!(text(&second, "retained messages/count"), Some("3"));
        assert_eq!(second.len(), 3, "{second:?}");
    }

    #[test]
    fn loads_settle_at_the_rate_and_fade() {
        let mut report = Report::new(Duration::from_secs(10));
        let mut figures = Figures::default();
        let mut told = FxHashMap::default();
        for step in 0..=600 {
            figures.counters.received = step * 50;
            told.extend(report.changes(&figures, at(step * 10)));
        }
        let load = |told: &FxHashMap<String, String>, minutes| {
            told[&format!("$SYS/broker/load/publish/received/{minutes}min")].clone()
        };
        assert_eq!(load(&told, 1), "300.00");
        assert!(load(&told, 15).starts_with("299.") || load(&told, 15) == "300.00");
        told.extend(report.changes(&figures, at(6060)));
        // A minute without traffic leaves 1/e of a minute's load.
        assert_eq!(load(&told, 1), "110.36");
        assert!(load(&told, 5).starts_with("245."));
    }

    #[test]
    fn an_interval_of_zero_is_never_due() {
        assert_eq!(Report::new(Duration::ZERO).next_wake(), None);
        assert!(!Report::new(Duration::ZERO).is_due(at(100)));
        let mut report = Report::new(Duration::from_secs(10));
        assert!(report.is_due(at(0)));
        report.changes(&Figures::default(), at(0));
        assert!(!report.is_due(at(9)) && report.is_due(at(10)));
    }
}
