//! A house whose history is killed again and again: what was said, and what is in the file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hearth::clock::UtcMillis;
use hearth::history::Archive;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::{Builder, Runtime};

use crate::PATIENCE;
use crate::chance::Chance;
use crate::line::{Heard, Line};
use crate::program::Site;
use crate::wire::{PINGREQ, PINGRESP, PUBACK, V5, connect, publish};

/// One topic of each class, and the longest that a sample of it may wait for the disk.
pub const TOPICS: [(&str, Duration); 3] = [
    ("home/door/contact", Duration::from_secs(1)),
    ("home/hall/temperature", Duration::from_secs(2)),
    ("home/attic/humidity", Duration::from_secs(12)),
];

pub const CONFIG: &str = r#"
[history]
lose_at_most = "2s"

[[history.series]]
topic = "home/door/#"
class = "critical"

[[history.series]]
topic = "home/attic/+"
class = "lazy"
"#;

/// Messages that the broker has not acknowledged.
const UNACKNOWLEDGED: usize = 400;

const FLOOD: usize = 135_000;

/// What was said of one topic, by the number that was its payload.
#[derive(Debug, Default)]
struct Said {
    /// Numbers that the broker has acknowledged, and when; those that it has not may be in
    /// the file or not.
    acknowledged: BTreeMap<u64, Instant>,
    next: u64,
    /// Numbers that were in the file once, and must be there for ever.
    there: Vec<u64>,
}

/// A house with its writer.
pub struct Life {
    pub site: Site,
    at: Option<SocketAddr>,
    runtime: Runtime,
    said: [Said; 3],
    /// The first topic that is spoken of: a commit for a quick class takes lazier ones along.
    quickest: usize,
    /// The most that an acknowledgement took since the last kill, and that the disk took for a
    /// few bytes of our own: so slow is this computer.
    pub stalled: Duration,
    pub synced: Duration,
}

/// What one kill has cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Acknowledged samples that are gone, and how old the oldest of them was, by class.
    pub gone: [usize; 3],
    pub oldest: [Duration; 3],
    /// Samples in the file.
    pub kept: usize,
}

impl Life {
    pub fn begin(config: &str, quickest: usize) -> Life {
        Life {
            site: Site::with(config),
            at: None,
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            said: Default::default(),
            quickest,
            stalled: Duration::ZERO,
            synced: Duration::ZERO,
        }
    }

    /// Starts the house, tells it numbers for so long, and kills it while they come. Now and
    /// then thousands come at once.
    pub fn live_and_die(&mut self, length: Duration, chance: &mut Chance) -> Instant {
        let mut line = self.connect();
        if self.said[self.quickest].next == 0 {
            self.flood(&mut line);
        }
        let end = Instant::now() + length;
        let mut probed = Instant::now();
        let mut bursts: Vec<Instant> = (0..4)
            .map(|_| Instant::now() + length.mul_f64(chance.below(1000) as f64 / 1000.0))
            .collect();
        while Instant::now() < end {
            let now = Instant::now();
            let due = bursts.iter().position(|at| *at <= now);
            let count = if due.is_some() { 8000 } else { 6 };
            if let Some(nth) = due {
                bursts.remove(nth);
            }
            self.say(&mut line, count, end);
            if probed.elapsed() > Duration::from_millis(50) {
                self.probe();
                probed = Instant::now();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let killed = Instant::now();
        self.site.kill();
        killed
    }

    /// More than the log takes before it is sealed. Nobody has acknowledged these.
    fn flood(&mut self, line: &mut Line) {
        for nth in 0..FLOOD {
            let topic = self.quickest + nth % (TOPICS.len() - self.quickest);
            let number = self.said[topic].next;
            self.said[topic].next += 1;
            line.send(&publish(TOPICS[topic].0, &number.to_string()).bytes(V5));
        }
        line.send(&PINGREQ);
        assert!(
            matches!(line.hear(PATIENCE), Heard::Packet(packet) if packet.first == PINGRESP[0])
        );
    }

    pub fn connect(&mut self) -> Line {
        let at = self.site.start();
        self.at = Some(at);
        let mut line = Line::open(at).unwrap();
        (self.stalled, self.synced) = (Duration::ZERO, Duration::ZERO);
        line.send(&connect(V5, "writer").bytes());
        assert!(matches!(line.hear(PATIENCE), Heard::Packet(packet) if packet.body[1] == 0));
        line
    }

    fn probe(&mut self) {
        let begun = Instant::now();
        let mut file = File::create(self.site.folder().join("probe")).unwrap();
        file.write_all(&[0; 64]).unwrap();
        file.sync_data().unwrap();
        self.synced = self.synced.max(begun.elapsed());
    }

    /// Where the broker listens.
    pub fn address(&self) -> SocketAddr {
        self.at.expect("a house that was started")
    }

    /// Says the next numbers of all topics in turn, and waits until each is acknowledged, or
    /// until `end`.
    pub fn say(&mut self, line: &mut Line, count: usize, end: Instant) {
        let mut sent: HashMap<u16, (usize, u64, Instant)> = HashMap::new();
        let (mut next, mut id) = (0, 0_u16);
        while next < count || !sent.is_empty() {
            while next < count && sent.len() < UNACKNOWLEDGED {
                let topic = self.quickest + next % (TOPICS.len() - self.quickest);
                let number = self.said[topic].next;
                self.said[topic].next += 1;
                id = id % u16::MAX + 1;
                let message = publish(TOPICS[topic].0, &number.to_string()).qos(1, id);
                line.send(&message.bytes(V5));
                sent.insert(id, (topic, number, Instant::now()));
                next += 1;
            }
            match line.hear(Duration::from_millis(1)) {
                Heard::Packet(packet) if packet.first == PUBACK => {
                    let id = u16::from_be_bytes([packet.body[0], packet.body[1]]);
                    let (topic, number, when) = sent.remove(&id).unwrap();
                    self.stalled = self.stalled.max(when.elapsed());
                    self.said[topic].acknowledged.insert(number, Instant::now());
                }
                Heard::Packet(packet) => panic!("nobody asked for {packet:?}"),
                Heard::Nothing => {}
                Heard::Closed => panic!("the line is cut"),
            }
            if Instant::now() >= end {
                let waited = sent.values().map(|(_, _, when)| when.elapsed()).max();
                self.stalled = self.stalled.max(waited.unwrap_or_default());
                break;
            }
        }
    }

    /// Reads the file, and holds it against what was said.
    ///
    /// # Errors
    /// A sentence if something is there that should not be, or is not there any more.
    pub fn look(&mut self, killed: Instant) -> Result<Cost, String> {
        let file = self.site.folder().join("data/history.db");
        let read = self.runtime.block_on(async {
            let mut topics = BTreeMap::<String, Vec<(UtcMillis, u64)>>::new();
            let archive = Archive::open(&file).await.map_err(|e| e.to_string())?;
            let names = TOPICS.map(|(topic, _)| topic.to_owned());
            let all = archive.samples(names, UtcMillis(0), UtcMillis(i64::MAX));
            let mut all = all.await.map_err(|e| e.to_string())?;
            while let Some(said) = all.next().await.map_err(|e| e.to_string())? {
                let value = said.sample.value.to_string();
                let number: Result<u64, _> = value.parse();
                let number = number.map_err(|_| format!("{value:?} was never said"))?;
                let of_topic = topics.entry(said.topic.to_string()).or_default();
                of_topic.push((said.sample.at, number));
            }
            drop(all);
            archive.close().await;
            Ok(topics)
        });
        let read = read.map_err(|error: String| format!("the file cannot be read: {error}"))?;
        let mut cost = Cost::default();
        for (nth, (topic, _)) in TOPICS.into_iter().enumerate() {
            let samples = read.get(topic).map(Vec::as_slice).unwrap_or_default();
            cost.kept += samples.len();
            let said = &mut self.said[nth];
            let numbers: Vec<u64> = samples.iter().map(|(_, number)| *number).collect();
            if let Some(two) = numbers.windows(2).find(|two| two[0] >= two[1]) {
                return Err(format!("{topic}: {two:?} follow each other in the file"));
            }
            if let Some(last) = numbers.last().filter(|last| **last >= said.next) {
                return Err(format!("{topic}: nobody said {last}"));
            }
            let is_there = |number: &u64| numbers.binary_search(number).is_ok();
            if let Some(number) = said.there.iter().find(|number| !is_there(number)) {
                return Err(format!("{topic}: {number} was in the file, and is gone"));
            }
            let gone = said
                .acknowledged
                .iter()
                .filter(|(number, _)| !is_there(number));
            for (_, when) in gone {
                cost.gone[nth] += 1;
                cost.oldest[nth] = cost.oldest[nth].max(killed.saturating_duration_since(*when));
            }
            // What is gone now was judged now; from here on only what is there counts.
            said.acknowledged.clear();
            said.there = numbers;
        }
        Ok(cost)
    }

    /// What SQLite says of its file, and how many chunks there are.
    pub fn inspect(&self) -> (String, i64) {
        let file = self.site.folder().join("data/history.db");
        self.runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(file);
            let mut connection: SqliteConnection = options.connect().await.unwrap();
            let check = sqlx::query_scalar("PRAGMA integrity_check");
            let check: String = check.fetch_one(&mut connection).await.unwrap();
            let chunks = sqlx::query_scalar("SELECT count(*) FROM chunks");
            let chunks: i64 = chunks.fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            (check, chunks)
        })
    }
}
