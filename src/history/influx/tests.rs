//! A push from real files to a server that takes lines, refuses them, or is away.

mod db;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::clock::{ClockQuality, Moment, Now};
use crate::history::commit::commit;
use crate::history::sealer::{self, Present, forget};
use crate::history::waiting::{Batch, Item, Read};
use crate::history::{Policy, Settings as History};
use crate::home::Value;
use crate::post::Address;
use db::{Db, SECRET};

const SOON: Duration = Duration::from_secs(20);

/// A history, and where it is pushed.
struct House {
    folder: tempfile::TempDir,
    store: Store,
    address: SocketAddr,
    settings: Settings,
    figures: Shared,
}

impl House {
    async fn new(listener: &TcpListener) -> House {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("history.db"))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, SECRET).unwrap();
        let to = Address::parse(&format!("http://{address}/write?db=house")).unwrap();
        let settings = Settings {
            login: Some(Login::Token(secret)),
            timeout: Duration::from_millis(500),
            ..Settings::new(to)
        };
        House {
            folder,
            store,
            address,
            settings,
            figures: Shared::default(),
        }
    }

    /// A push that goes on until it is stopped.
    fn push(&self) -> Push {
        let stop = Stop::new();
        let (sender, state) = watch::channel(State::Open(self.store.clone()));
        let settings = Some(self.settings.clone());
        let run = run(
            settings,
            Clock::start(),
            state,
            self.figures.clone(),
            stop.clone(),
        );
        let mut task = JoinSet::new();
        task.spawn(run);
        Push {
            stop,
            task,
            _sender: sender,
        }
    }

    /// It is known from now on that it is pushed.
    async fn join(&self) {
        let push = self.push();
        self.wait_for("a push", |told| !told.to.is_empty()).await;
        push.stop().await;
        self.figures.tell(|figures| figures.pushing = None);
    }

    async fn say(&self, items: Vec<Item>) {
        let batch = Batch {
            portions: vec![items],
            ..Batch::default()
        };
        commit(&self.store, &batch, &Present::any()).await.unwrap();
    }

    async fn seal(&self, present: &Present) {
        let sealed = sealer::seal(&self.store, &Policy::default(), present).await;
        assert_eq!(sealed.unwrap().left.samples, 0);
    }

    async fn held(&self) -> i64 {
        let mut whole = self.store.read().await.unwrap();
        queue::held(&mut whole, 0).await.unwrap().samples
    }

    fn told(&self) -> Pushing {
        self.figures.get().pushing.unwrap_or_default()
    }

    async fn wait_for(&self, what: &str, is_so: impl Fn(&Pushing) -> bool) -> Pushing {
        for _ in 0..1000 {
            if is_so(&self.told()) {
                return self.told();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("waited in vain for {what}: {:?}", self.told());
    }
}

struct Push {
    stop: Stop,
    task: JoinSet<anyhow::Result<()>>,
    _sender: watch::Sender<State>,
}

impl Push {
    async fn stop(mut self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(SOON, self.task.join_next()).await;
        ended.unwrap().unwrap().unwrap().unwrap();
    }

    /// As `kill -9` does: it cannot write down how far it came.
    async fn kill(mut self) {
        self.task.shutdown().await;
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn number(at: i64, number: f64) -> Item {
    Item {
        at: UtcMillis(at),
        value: Value::Number(number),
        ..Item::any()
    }
}

fn values(taken: &[(String, String)]) -> Vec<&str> {
    taken.iter().map(|(value, _)| value.as_str()).collect()
}

#[tokio::test]
async fn what_was_committed_is_pushed_and_it_goes_on_where_it_stopped() {
    let listener = listener().await;
    let (house, db) = (House::new(&listener).await, Db::default());
    let _server = db.start(listener).await;
    house.say(vec![number(1, 1.0), number(1, 2.0)]).await;
    let push = house.push();
    let taken = db.wait(2).await;
    // Two of one millisecond do not take each other's place.
    assert_eq!(taken[0], ("value=1".into(), "1000000".into()));
    assert_eq!(taken[1], ("value=2".into(), "1000001".into()));
    house.say(vec![number(1, 3.0), number(2, 4.0)]).await;
    let taken = db.wait(4).await;
    assert_eq!(taken[2], ("value=3".into(), "1000002".into()));
    push.stop().await;
    house.say(vec![number(2, 5.0)]).await;
    let push = house.push();
    let taken = db.wait(5).await;
    assert_eq!(taken[4], ("value=5".into(), "2000001".into()));
    let told = house.wait_for("all", |told| told.pushed == 1).await;
    assert_eq!((told.waiting, told.refused, &told.trouble), (0, 0, &None));
    assert_eq!(told.to, format!("http://{}", house.address));
    push.stop().await;
}

#[tokio::test]
async fn what_is_pushed_again_after_a_crash_is_the_same() {
    let listener = listener().await;
    let (house, db) = (House::new(&listener).await, Db::default());
    let _server = db.start(listener).await;
    for nth in 0..3 {
        house.say(vec![number(1, f64::from(nth))]).await;
    }
    let push = house.push();
    let first = db.wait(3).await;
    push.kill().await;
    let push = house.push();
    let both = db.wait(6).await;
    assert_eq!(both[..3], both[3..]);
    assert_eq!(both[..3], first);
    push.stop().await;
}

#[tokio::test]
async fn an_outage_loses_nothing_although_the_log_is_sealed() {
    let listener = listener().await;
    let (house, db) = (House::new(&listener).await, Db::default());
    house.say(vec![number(1, 1.0)]).await;
    // It listens, and answers nothing.
    let push = house.push();
    house
        .wait_for("something to wait", |told| told.waiting == 1)
        .await;
    house.say(vec![number(2, 2.0)]).await;
    house.seal(&Present::any()).await;
    assert_eq!(house.held().await, 2);
    house.say(vec![number(3, 3.0)]).await;
    push.kill().await;
    let server = db.start(listener).await;
    db.answer(Some(503));
    let push = house.push();
    let told = house
        .wait_for("an answer", |told| {
            told.trouble.is_some() && told.waiting == 3
        })
        .await;
    assert!(
        told.trouble
            .unwrap()
            .contains("answers 503 Service Unavailable")
    );
    db.answer(None);
    let taken = db.wait(3).await;
    assert_eq!(values(&taken), ["value=1", "value=2", "value=3"]);
    house
        .wait_for("the end of it", |told| {
            told.waiting == 0 && told.trouble.is_none()
        })
        .await;
    push.stop().await;
    assert_eq!(house.held().await, 0);
    // What is pushed before it is sealed is never written again.
    house.seal(&Present::any()).await;
    assert_eq!(house.held().await, 0);
    drop(server);
}

#[tokio::test]
async fn a_reading_that_is_refused_stands_in_nobodys_way() {
    let listener = listener().await;
    let (house, db) = (House::new(&listener).await, Db::default());
    let _server = db.start(listener).await;
    let mut items: Vec<Item> = (0..100).map(|at| number(at, 1.0)).collect();
    items[40].value = Value::Text("bad".to_owned());
    house.say(items).await;
    let push = house.push();
    let taken = db.wait(99).await;
    let times: Vec<&str> = taken.iter().map(|(_, time)| time.as_str()).collect();
    assert!(times.is_sorted_by_key(|time| time.parse::<i64>().unwrap()));
    let told = house
        .wait_for("it to be told", |told| told.refused == 1)
        .await;
    assert_eq!((told.pushed, told.waiting), (99, 0));
    assert!(
        told.refusal
            .unwrap()
            .ends_with("400 Bad Request: cannot parse")
    );
    let requests = db.requests();
    push.stop().await;
    let push = house.push();
    house.say(vec![number(200, 1.0)]).await;
    db.wait(100).await;
    assert_eq!(db.requests(), requests + 1, "and is not tried again");
    push.stop().await;
}

#[tokio::test]
async fn a_wrong_token_is_told_without_it_and_read_again() {
    let listener = listener().await;
    let (mut house, db) = (House::new(&listener).await, Db::default());
    let _server = db.start(listener).await;
    let secret = house.folder.path().join("another");
    std::fs::write(&secret, "wr0ng").unwrap();
    house.settings.login = Some(Login::Token(secret.clone()));
    house.say(vec![number(1, 1.0)]).await;
    let push = house.push();
    let told = house
        .wait_for("an answer", |told| told.trouble.is_some())
        .await;
    let trouble = told.trouble.unwrap();
    assert!(trouble.contains("401 Unauthorized: not with"), "{trouble}");
    assert!(trouble.contains("is the right token"), "{trouble}");
    assert!(!trouble.contains("wr0ng"), "{trouble}");
    std::fs::write(&secret, SECRET).unwrap();
    db.wait(1).await;
    push.stop().await;
}

#[tokio::test]
async fn who_refuses_everything_from_the_start_is_the_wrong_one() {
    let listener = listener().await;
    let (house, db) = (House::new(&listener).await, Db::default());
    let _server = db.start(listener).await;
    db.answer(Some(400));
    house.say((0..10).map(|at| number(at, 1.0)).collect()).await;
    let push = house.push();
    let told = house
        .wait_for("an answer", |told| told.trouble.is_some())
        .await;
    let trouble = told.trouble.unwrap();
    assert!(
        trouble.ends_with("has taken nothing yet: is `url` the right one?"),
        "{trouble}"
    );
    assert_eq!((told.refused, told.waiting), (0, 10));
    db.answer(None);
    db.wait(10).await;
    push.stop().await;
}

#[tokio::test]
async fn when_more_waits_than_may_the_oldest_is_given_up() {
    let listener = listener().await;
    let (mut house, db) = (House::new(&listener).await, Db::default());
    house.settings.queue = 500;
    // Known, and away.
    house.join().await;
    for block in 0..20 {
        house
            .say((0..10).map(|at| number(block * 10 + at, 0.5)).collect())
            .await;
    }
    house.seal(&Present::any()).await;
    let held = house.held().await;
    assert!(held > 0 && held < 200 && held % 10 == 0, "{held}");
    let _server = db.start(listener).await;
    let push = house.push();
    let held = usize::try_from(held).unwrap();
    let taken = db.wait(held).await;
    assert_eq!(taken.last().unwrap().1, "199000000");
    let told = house.wait_for("the end", |told| told.waiting == 0).await;
    assert_eq!(told.given_up, 200 - held as u64);
    push.stop().await;
}

#[tokio::test]
async fn readings_of_an_unset_clock_wait_until_it_is_put_right() {
    let listener = listener().await;
    let (house, db) = (House::new(&listener).await, Db::default());
    let _server = db.start(listener).await;
    let boot = crate::clock::boot();
    let present = |moment: u64, utc: i64, clock| Present {
        boot,
        now: Now {
            moment: Moment(moment),
            utc: UtcMillis(utc),
        },
        clock,
    };
    let wrong = present(5000, 5000, ClockQuality::Unknown);
    let mut item = number(4000, 1.0);
    item.read = Read::new(Moment(0), wrong.now, ClockQuality::Unknown);
    let batch = Batch {
        portions: vec![vec![item]],
        ..Batch::default()
    };
    commit(&house.store, &batch, &wrong).await.unwrap();
    let push = house.push();
    house.say(vec![number(1_000_001_000, 2.0)]).await;
    house
        .wait_for("both to wait", |told| told.waiting == 2)
        .await;
    assert_eq!(db.requests(), 0);
    house
        .seal(&present(8000, 1_000_003_000, ClockQuality::Synchronised))
        .await;
    house.say(vec![number(1_000_004_000, 3.0)]).await;
    let taken = db.wait(3).await;
    let expected = [
        ("value=1", 999_999_000),
        ("value=2", 1_000_001_000),
        ("value=3", 1_000_004_000),
    ];
    for ((value, time), (said, at)) in taken.iter().zip(expected) {
        assert_eq!(
            (value.as_str(), time.as_str()),
            (said, &*format!("{at}000000"))
        );
    }
    push.stop().await;
}

#[tokio::test]
async fn what_is_forgotten_is_not_pushed_any_more_and_other_topics_never() {
    let listener = listener().await;
    let (house, db) = (House::new(&listener).await, Db::default());
    house.join().await;
    let of = |topic: &str, item: Item| Item {
        topic: topic.into(),
        ..item
    };
    let all = ["home/lab/temperature", "home/lab/door", "hearth/hook/bell"];
    house
        .say(all.map(|topic| of(topic, number(1, 1.0))).to_vec())
        .await;
    house.say(vec![of("home/lab/door", number(2, 2.0))]).await;
    house.seal(&Present::any()).await;
    assert_eq!(house.held().await, 4);
    forget(&house.store, "home/lab/door").await.unwrap();
    assert_eq!(house.held().await, 2);
    let _server = db.start(listener).await;
    let push = house.push();
    let lines = db.wait(1).await;
    assert_eq!(values(&lines), ["value=1"]);
    assert!(db.lines()[0].starts_with("temperature,room=lab,topic=home/lab/temperature,unit=°C "));
    house.wait_for("the end", |told| told.waiting == 0).await;
    push.stop().await;
}

#[tokio::test]
async fn who_pushes_no_more_keeps_nothing_for_it() {
    let listener = listener().await;
    let house = House::new(&listener).await;
    house.join().await;
    house.say(vec![number(1, 1.0)]).await;
    house.seal(&Present::any()).await;
    assert_eq!(house.held().await, 1);
    let (_sender, state) = watch::channel(State::Open(house.store.clone()));
    let stop = Stop::new();
    let gone = run(
        None,
        Clock::start(),
        state,
        house.figures.clone(),
        stop.clone(),
    );
    let (ended, ()) = tokio::join!(gone, async {
        for _ in 0..500 {
            if house.held().await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
    });
    ended.unwrap();
    house.say(vec![number(2, 1.0)]).await;
    house.seal(&Present::any()).await;
    assert_eq!(house.held().await, 0);
    assert_eq!(house.told(), Pushing::default());
    assert_eq!(History::new("x").influx, None);
}
