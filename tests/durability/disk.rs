//! A disk that does not take what it is given: promises wait, the house does not.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Executor};
use tokio::runtime::{Builder, Runtime};

use super::PATIENCE;
use super::house::{House, take};
use super::rounds::End;
use super::wire::{PINGREQ, PINGRESP, PUBACK, V5, ack, lasting, publish};

/// Keeps everybody else from writing to a database, until it is dropped.
struct Lock {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Lock {
    fn on(file: &Path) -> Lock {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let options = SqliteConnectOptions::new().filename(file);
        let connection = runtime.block_on(async {
            let mut connection = options.connect().await.unwrap();
            connection.execute("BEGIN IMMEDIATE").await.unwrap();
            connection
        });
        Lock {
            runtime,
            connection,
        }
    }

    fn release(mut self) {
        let end = self.connection.execute("ROLLBACK");
        self.runtime.block_on(end).unwrap();
    }
}

fn wait_for_log(house: &House, text: &str) {
    let began = Instant::now();
    while !house.log().contains(text) {
        assert!(began.elapsed() < PATIENCE, "the log does not say {text:?}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn while_the_disk_fails_only_promises_wait() {
    let mut house = House::new();
    let mut absent = house.begin(&lasting(V5, "absent"));
    absent.subscribe("t", 1);
    absent.leave();
    let mut listener = house.client(V5, "listener");
    listener.subscribe("t", 0);
    listener.subscribe("u", 0);
    let mut publisher = house.client(V5, "publisher");

    let lock = Lock::on(&house.folder().join("data/state.db"));
    publisher.publish(&publish("t", "kept").qos(1, 7));
    assert_eq!(listener.payload(), "kept", "who is there gets it");
    publisher.send(&PINGREQ);
    publisher.expect(&PINGRESP);
    wait_for_log(&house, "state.db cannot be written");

    // Coming, going and messages at QoS 0 go on.
    let newcomer = house.begin(&lasting(V5, "newcomer"));
    publisher.publish(&publish("u", "switched"));
    assert_eq!(listener.payload(), "switched");
    newcomer.leave();

    lock.release();
    publisher.expect(&ack(PUBACK, 7));
    house.restart(End::Kill);
    let mut absent = house.resume(&lasting(V5, "absent"));
    let message = absent.message();
    assert_eq!(message.payload, b"kept");
    take(&mut absent, &message);
}

const RULES: &str = r#"
[[rule]]
name = "Lamp"
when = { topic = "door", is = "open" }
then = [
    { publish = "lamp", payload = "on" },
    { delay = "200ms" },
    { publish = "lamp", payload = "off" },
    { delay = "15s" },
    { publish = "lamp", payload = "much later" },
]
"#;

#[test]
fn while_the_disk_fails_rules_act_and_afterwards_they_remember() {
    let mut house = House::with_rules(RULES);
    let mut listener = house.client(V5, "listener");
    listener.subscribe("lamp", 0);
    let mut board = house.client(V5, "board");

    let lock = Lock::on(&house.folder().join("data/state.db"));
    board.publish(&publish("door", "open"));
    assert_eq!(listener.payload(), "on");
    assert_eq!(listener.payload(), "off");
    wait_for_log(&house, "state.db does not take what the rules remember");
    lock.release();
    wait_for_log(&house, "state.db takes what the rules remember again");

    // What was pending all that time is on the disk now.
    house.restart(End::Kill);
    let mut listener = house.client(V5, "listener");
    listener.subscribe("lamp", 0);
    assert_eq!(listener.payload(), "much later");
}
