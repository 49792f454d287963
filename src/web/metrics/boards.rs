//! Figures of the boards: how they are, and how long their commands took. All is read
//! from what the boards part retains.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{Text, label};
use crate::broker::Message;
use crate::clock::UtcMillis;
use crate::home::command::{HOP_BOUNDS, Hop};
use crate::home::{Obedience, Vitals};

/// What [`Boards::read`] needs to know.
pub const FILTERS: [&str; 3] = [
    "hearth/board/+/status",
    "hearth/board/+/vitals",
    "hearth/board/+/obedience",
];
/// A flood of invented boards stays bounded.
const MAX_BOARDS: usize = 200;

const HOPS: &str = "hearth_command_hop_seconds";

/// A counter: name, help, and where it is in the vitals.
type Counter = (&'static str, &'static str, fn(&Vitals) -> u64);

const COUNTERS: [Counter; 4] = [
    (
        "hearth_board_frames_total",
        "Frames that arrived whole, either way.",
        |vitals| vitals.frames,
    ),
    (
        "hearth_board_damaged_frames_total",
        "Frames that were damaged on their way.",
        |vitals| vitals.damaged,
    ),
    (
        "hearth_board_overruns_total",
        "Bytes that the board lost because it had no time for them.",
        |vitals| vitals.overruns,
    ),
    (
        "hearth_board_restarts_total",
        "Starts of the board since the gateway knows it.",
        |vitals| vitals.restarts,
    ),
];

/// What is known of each board, by its name.
#[derive(Debug, Default)]
pub struct Boards(BTreeMap<String, Board>);

#[derive(Debug, Default)]
struct Board {
    online: bool,
    vitals: Option<Vitals>,
    obedience: Option<Obedience>,
}

impl Boards {
    /// Takes in retained messages; what cannot be read is left out.
    pub fn read(&mut self, messages: &[Message], now: UtcMillis) {
        for message in messages {
            self.read_one(message, now);
        }
    }

    fn read_one(&mut self, message: &Message, now: UtcMillis) {
        let rest = message.topic.strip_prefix("hearth/board/");
        let Some((name, leaf)) = rest.and_then(|rest| rest.split_once('/')) else {
            return;
        };
        if self.0.len() >= MAX_BOARDS && !self.0.contains_key(name) {
            return;
        }
        let board = self.0.entry(name.to_owned()).or_default();
        match leaf {
            "status" => board.online = message.text() == Some("online"),
            "vitals" => {
                board.vitals = parse::<Vitals>(message).map(|said| said.counted_to(now));
            }
            "obedience" => board.obedience = parse(message),
            _ => {}
        }
    }

    pub fn write(&self, text: &mut Text) {
        self.write_vitals(text);
        self.write_outcomes(text);
        self.write_hops(text);
    }

    fn write_vitals(&self, text: &mut Text) {
        // What an absent board once said of now holds no longer.
        self.family(
            text,
            "hearth_board_uptime_seconds",
            "Time since the board started.",
            |board, vitals| board.online.then(|| vitals.uptime.to_string()),
        );
        self.family(
            text,
            "hearth_board_link_quality_ratio",
            "How many of the board's last frames arrived whole.",
            |board, vitals| {
                board
                    .online
                    .then(|| thousandths(u64::from(vitals.link_quality) * 10))
            },
        );
        for (name, help, value) in COUNTERS {
            self.family(text, name, help, |_, vitals| {
                Some(value(vitals).to_string())
            });
        }
    }

    /// One sample for each board that has vitals and a value.
    fn family(
        &self,
        text: &mut Text,
        name: &str,
        help: &str,
        value: impl Fn(&Board, &Vitals) -> Option<String>,
    ) {
        let samples: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, board)| {
                let value = value(board, board.vitals.as_ref()?)?;
                Some((label("board", name), value))
            })
            .collect();
        if samples.is_empty() {
            return;
        }
        let kind = match name.ends_with("_total") {
            true => "counter",
            false => "gauge",
        };
        text.family(name, kind, help, &samples);
    }

    fn obediences(&self) -> impl Iterator<Item = (String, &Obedience)> {
        self.0
            .iter()
            .filter_map(|(name, board)| Some((label("board", name), board.obedience.as_ref()?)))
    }

    fn write_outcomes(&self, text: &mut Text) {
        let outcomes: Vec<_> = self
            .obediences()
            .flat_map(|(board, obedience)| {
                [("obeyed", obedience.obeyed), ("ignored", obedience.ignored)].map(
                    |(outcome, count)| (format!("{board},{}", label("outcome", outcome)), count),
                )
            })
            .collect();
        if !outcomes.is_empty() {
            let help = "Commands that reached their state, and those that did not.";
            text.family("hearth_commands_total", "counter", help, &outcomes);
        }
    }

    fn write_hops(&self, text: &mut Text) {
        let mut is_begun = false;
        for (board, obedience) in self.obediences() {
            for (name, hop) in &obedience.hops {
                if !is_begun {
                    let help = "How long commands took from the stage before to this one.";
                    text.head(HOPS, "histogram", help);
                    is_begun = true;
                }
                write_hop(text, &format!("{board},{}", label("hop", name)), hop);
            }
        }
    }
}

/// Prometheus counts in each class what is in the smaller ones too.
fn write_hop(text: &mut Text, labels: &str, hop: &Hop) {
    let bounds = HOP_BOUNDS.iter().map(|bound| thousandths(*bound));
    let bounds = bounds.chain(["+Inf".to_owned()]);
    let mut so_far: u64 = 0;
    for (bound, count) in bounds.zip(hop.counts) {
        so_far = so_far.saturating_add(count);
        let labels = format!("{labels},{}", label("le", &bound));
        text.sample(&format!("{HOPS}_bucket"), &labels, so_far);
    }
    text.sample(&format!("{HOPS}_sum"), labels, thousandths(hop.sum));
    text.sample(&format!("{HOPS}_count"), labels, so_far);
}

fn parse<T: DeserializeOwned>(message: &Message) -> Option<T> {
    serde_json::from_slice(&message.payload).ok()
}

/// `1`, `0.05`: exactly, which a float is not.
fn thousandths(number: u64) -> String {
    let (whole, rest) = (number / 1000, number % 1000);
    let text = format!("{whole}.{rest:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::home::{Stage, Step};
    use crate::web::house::tests::message;

    /// A board that is here, one that is away, and one with a name of its own kind.
    pub fn messages() -> Vec<Message> {
        let vitals = Vitals {
            uptime: 93_784,
            frames: 12_034,
            damaged: 3,
            overruns: 1,
            restarts: 2,
            link_quality: 97,
            ..Vitals::default()
        };
        let mut obedience = Obedience::default();
        for (sent, acknowledged) in [(1, 8), (0, 3), (2, 2_000)] {
            let step = |stage, ms| Step { stage, ms };
            let steps = [
                step(Stage::Sent, sent),
                step(Stage::Acknowledged, acknowledged),
            ];
            obedience.count(&steps, acknowledged < 1000);
        }
        let vitals = serde_json::to_vec(&vitals).unwrap();
        let said =
            |topic: &str, payload: Vec<u8>| message(&format!("hearth/board/{topic}"), payload, 0);
        vec![
            said("shed/status", b"online".to_vec()),
            said("shed/vitals", vitals.clone()),
            said("shed/obedience", serde_json::to_vec(&obedience).unwrap()),
            said("attic/status", b"offline".to_vec()),
            said("attic/vitals", vitals),
            said(
                "a\"b\\/obedience",
                br#"{"hops":{},"obeyed":0,"ignored":0}"#.to_vec(),
            ),
            said("odd/vitals", b"nonsense".to_vec()),
        ]
    }

    fn text(messages: &[Message]) -> String {
        let (mut boards, mut text) = (Boards::default(), Text::default());
        boards.read(messages, UtcMillis::default());
        boards.write(&mut text);
        text.0
    }

    #[test]
    fn boards_tell_how_they_are() {
        let text = text(&messages());
        for line in [
            "hearth_board_uptime_seconds{board=\"shed\"} 93784",
            "hearth_board_link_quality_ratio{board=\"shed\"} 0.97",
            "hearth_board_frames_total{board=\"shed\"} 12034",
            "hearth_board_damaged_frames_total{board=\"attic\"} 3",
            "hearth_board_overruns_total{board=\"shed\"} 1",
            "hearth_board_restarts_total{board=\"shed\"} 2",
            "hearth_commands_total{board=\"shed\",outcome=\"obeyed\"} 2",
            "hearth_commands_total{board=\"shed\",outcome=\"ignored\"} 1",
            "hearth_commands_total{board=\"a\\\"b\\\\\",outcome=\"obeyed\"} 0",
        ] {
            assert!(text.lines().any(|one| one == line), "no {line} in {text}");
        }
        assert!(!text.contains("uptime_seconds{board=\"attic\"}"), "{text}");
        assert!(!text.contains("odd"), "{text}");
        assert_eq!(self::text(&[]), "", "no family without a sample");
    }

    #[test]
    fn hops_are_a_cumulative_histogram() {
        let text = text(&messages());
        let of = |hop: &str| -> Vec<String> {
            let start = format!("{HOPS}_");
            let lines = text.lines().filter(|line| line.starts_with(&start));
            let lines = lines.filter(|line| line.contains(&format!("hop=\"{hop}\"")));
            lines.map(str::to_owned).collect()
        };
        let bucket = |le: &str, count: u64| {
            format!("{HOPS}_bucket{{board=\"shed\",hop=\"acknowledged\",le=\"{le}\"}} {count}")
        };
        // 7 ms, 3 ms and 1998 ms.
        let counts = [0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 3];
        let bounds = [
            "0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "+Inf",
        ];
        let mut lines: Vec<_> = bounds
            .iter()
            .zip(counts)
            .map(|(le, count)| bucket(le, count))
            .collect();
        let labels = "{board=\"shed\",hop=\"acknowledged\"}";
        lines.push(format!("{HOPS}_sum{labels} 2.008"));
        lines.push(format!("{HOPS}_count{labels} 3"));
        assert_eq!(of("acknowledged"), lines);
        assert_eq!(of("sent").len(), 13);
        assert_eq!(text.matches("# TYPE hearth_command_hop_seconds").count(), 1);
    }
}
