//! Blocks on their way to a server that is real.

#[path = "../../../tests/gateway/postgres/server.rs"]
mod machine;
mod place;
mod same;

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::clock::{Now, UtcMillis};
use crate::history::commit::commit;
use crate::history::policy::{Keep, Pattern};
use crate::history::sample::Origin;
use crate::history::sealer::Present;
use crate::history::waiting::{Batch, Item, Read};
use crate::history::{Address, Location, reader};
use crate::home::Value;

const TOPIC: &str = "home/lab/temperature";
const NOON: i64 = 1_790_000_000_000;

/// A house beside a server.
struct House {
    machine: machine::Server,
    folder: TempDir,
    server: Server,
    store: Store,
    policy: Policy,
}

impl House {
    async fn new() -> House {
        let machine = machine::Server::start();
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(&Address::parse(&machine.url()).unwrap());
        let store = Store::open(&folder.path().join("history.db"))
            .await
            .unwrap();
        House {
            machine,
            folder,
            store: store.beside(Some(server.clone())),
            server,
            policy: Policy::default(),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("history.db")
    }

    /// One that knows nothing, as after a start.
    fn forwarder(&self, store: &Store) -> Forwarder {
        let (sender, state) = watch::channel(State::Open(store.clone()));
        drop(sender);
        let ways = Ways {
            state,
            server: self.server.clone(),
            policy: self.policy.clone(),
            most_bytes: 20_000,
            figures: Shared::default(),
        };
        Forwarder::new(ways, store.clone(), Clock::start())
    }

    async fn say(&self, at: i64, number: f64) {
        say(&self.store, at, &[item(at, Value::Number(number))]).await;
    }

    fn rows(&self) -> i64 {
        self.machine.number("SELECT COUNT(*) FROM samples")
    }
}

fn item(at: i64, value: Value) -> Item {
    Item {
        topic: TOPIC.into(),
        at: UtcMillis(at),
        value,
        ..Item::any()
    }
}

/// Commits at the time `now`.
async fn say(store: &Store, now: i64, items: &[Item]) {
    let present = Present {
        now: Now {
            utc: UtcMillis(now),
            ..Now::default()
        },
        ..Present::any()
    };
    let read = Read::new(crate::clock::Moment(0), present.now, present.clock);
    let read = |item: &Item| Item {
        read,
        ..item.clone()
    };
    let batch = Batch {
        portions: vec![items.iter().map(read).collect()],
        ..Batch::default()
    };
    commit(store, &batch, &present).await.unwrap();
}

/// Until nothing waits.
async fn send_all(forwarder: &mut Forwarder) {
    while forwarder.step().await.unwrap() == Duration::ZERO {}
    assert_eq!(
        forwarder.waiting.samples,
        0,
        "{:?}",
        forwarder.ways.server.away()
    );
}

#[tokio::test]
async fn a_block_is_there_once_whatever_happened_to_the_one_who_sent_it() {
    let house = House::new().await;
    for second in 0..3 {
        house.say(NOON + second * 1000, 20.0).await;
    }
    let mut first = house.forwarder(&house.store);
    send_all(&mut first).await;
    assert_eq!((house.rows(), first.sent, first.taken), (3, 3, 3));

    // Killed: what was sent is known to the server alone, and still in the log.
    drop(first);
    house.say(NOON + 3000, 20.0).await;
    let mut second = house.forwarder(&house.store);
    send_all(&mut second).await;
    assert_eq!((house.rows(), second.sent, second.taken), (4, 1, 4));

    // A backup from before, in which other blocks get the same numbers.
    let backup = house.folder.path().join("backup.db");
    house.store.close().await;
    std::fs::copy(house.file(), &backup).unwrap();
    let store = Store::open(&house.file()).await.unwrap();
    say(
        &store,
        NOON + 4000,
        &[item(NOON + 4000, Value::Number(20.0))],
    )
    .await;
    let mut third = house.forwarder(&store);
    send_all(&mut third).await;
    assert_eq!(house.rows(), 5);
    let store = Store::open(&backup).await.unwrap();
    say(
        &store,
        NOON + 9000,
        &[item(NOON + 9000, Value::Number(20.0))],
    )
    .await;
    let mut fourth = house.forwarder(&store);
    send_all(&mut fourth).await;
    assert_eq!((house.rows(), fourth.sent), (6, 1));

    // What is there is removed here some time, all at once.
    fourth.remove_at = Moment(0);
    fourth.remove_taken(MOST_TAKEN).await.unwrap();
    let mut whole = store.read().await.unwrap();
    assert_eq!(log::ends(&mut whole).await.unwrap().last, 0);
    let kinds = "SELECT numbers, switches, texts FROM series";
    assert_eq!(house.machine.ask(kinds), ["6|0|0"]);
}

#[tokio::test]
async fn an_outage_is_queued_up_to_the_bound_and_then_loses_the_oldest() {
    let house = House::new().await;
    house.machine.cut();
    let mut forwarder = house.forwarder(&house.store);
    for second in 0..1000 {
        house.say(NOON + second * 1000, 20.0).await;
        if second % 100 == 0 {
            forwarder.step().await.unwrap();
        }
    }
    forwarder.step().await.unwrap();
    let away = house.server.away().unwrap();
    assert!(away.reason.contains("refused"), "{away:?}");
    assert!(!format!("{away:?} {house:?}", house = house.server).contains(machine::PASSWORD));
    let (lost, waiting) = (forwarder.lost, forwarder.waiting);
    assert!(
        lost > 0 && lost + waiting.samples == 1000,
        "{lost} {waiting:?}"
    );
    assert!(waiting.bytes <= 20_000, "{waiting:?}");

    house.machine.go();
    forwarder.retry_at = Moment(0);
    send_all(&mut forwarder).await;
    assert_eq!(house.server.away(), None);
    assert_eq!(house.rows(), 1000 - lost.cast_signed());
    let last = format!("SELECT MAX(EXTRACT(EPOCH FROM at) * 1000)::BIGINT - {NOON} FROM samples");
    assert_eq!(house.machine.number(&last), 999_000);
}

#[tokio::test]
async fn times_of_an_unset_clock_wait_and_a_damaged_block_does_not_hold_up_the_rest() {
    let house = House::new().await;
    house.say(NOON, 1.0).await;
    let mut whole = house.store.write().await.unwrap();
    log::append(&mut whole, b"no block").await.unwrap();
    whole.commit().await.unwrap();
    let mut forwarder = house.forwarder(&house.store);
    forwarder.clock = Clock::never_set();
    let unset = Present {
        boot: forwarder.boot,
        now: forwarder.clock.since_boot(),
        clock: ClockQuality::Unknown,
    };
    let read = Read::new(crate::clock::Moment(0), unset.now, unset.clock);
    let doubtful = Item {
        read,
        ..item(unset.now.utc.0, Value::Number(2.0))
    };
    let batch = Batch {
        portions: vec![vec![doubtful]],
        ..Batch::default()
    };
    commit(&house.store, &batch, &unset).await.unwrap();
    let pause = forwarder.step().await.unwrap();
    assert_eq!((house.rows(), forwarder.waiting.samples), (1, 1));
    assert_eq!(pause, LOOK_EVERY * 10);
    forwarder.clock.is_set();
    send_all(&mut forwarder).await;
    let clocks = "SELECT number, clock FROM samples ORDER BY number";
    assert_eq!(house.machine.ask(clocks), ["1|2", "2|2"]);
}

#[tokio::test]
async fn what_is_kept_no_longer_or_forgotten_is_gone() {
    let mut house = House::new().await;
    house.policy.patterns.push(Pattern {
        filter: "home/lab/#".to_owned(),
        keep: Keep::parse("raw 2h, minutes 5h, hours 9h").ok(),
        ..Pattern::default()
    });
    let now = Clock::start().now().utc.0;
    for hour in (0..20).rev() {
        house.say(now - hour * 3_600_000, 20.0).await;
    }
    let mut forwarder = house.forwarder(&house.store);
    send_all(&mut forwarder).await;
    forwarder.retain_at = Moment(0);
    forwarder.retain().await;
    let counts = "SELECT COUNT(*) FROM samples UNION ALL SELECT COUNT(*) FROM minutes
        UNION ALL SELECT COUNT(*) FROM hours UNION ALL SELECT numbers FROM series";
    let counts: Vec<i64> = house
        .machine
        .ask(counts)
        .iter()
        .map(|count| count.parse().unwrap())
        .collect();
    assert!(counts[0] == 2 && (4..=5).contains(&counts[1]), "{counts:?}");
    assert!((8..=9).contains(&counts[2]) && counts[3] == 2, "{counts:?}");

    // Something that waits is forgotten as well.
    house.machine.cut();
    house.say(now, 21.0).await;
    let location = Location {
        file: house.file(),
        server: Address::parse(&house.machine.url()).ok(),
    };
    let error = crate::history::forget(&location, TOPIC).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("PostgreSQL at hearth@127.0.0.1"), "{error}");
    assert!(!error.contains(machine::PASSWORD), "{error}");
    house.machine.go();
    assert_eq!(crate::history::forget(&location, TOPIC).await.unwrap(), 3);
    assert_eq!(
        (
            house.rows(),
            house.machine.number("SELECT COUNT(*) FROM series")
        ),
        (0, 0)
    );
    forwarder.failed("it was stopped");
    forwarder.retry_at = Moment(0);
    while forwarder.step().await.unwrap() == Duration::ZERO {}
    assert_eq!(house.rows(), 0);
}
