//! Who shares a sync of the disk with whom, and what goes there only now and then.

use super::*;
use crate::broker::client::Publication;
use crate::broker::journal::Journal;
use crate::broker::router::State;

/// More than may follow each other at once.
const MANY: u32 = 20_000;

fn on_a_disk() -> Bench {
    let mut bench = Bench::new();
    let journal = Journal::new(Duration::from_secs(60));
    bench.router.restore(State::default(), journal, bench.now);
    bench
}

impl Bench {
    fn wait(&mut self, milliseconds: u64) {
        self.router.wake(self.now);
        self.now = self.now + Duration::from_millis(milliseconds);
        self.router.wake(self.now);
        self.collect();
    }

    /// Writes what is due now: the topics that are retained from now on, or not any more.
    fn written(&mut self) -> Vec<String> {
        self.router.wake(self.now);
        let Some(batch) = self.router.take_batch(self.now) else {
            return Vec::new();
        };
        let topic = |(topic, message): (&std::sync::Arc<str>, &Option<_>)| match message {
            Some(_) => topic.to_string(),
            None => format!("{topic} is gone"),
        };
        let mut topics: Vec<String> = batch.retained.iter().map(topic).collect();
        topics.sort();
        self.router.written(batch.generation, 0);
        self.collect();
        topics
    }

    fn is_acknowledged(&mut self, link: Link) -> bool {
        let acks = self.acks(link).len();
        assert!(acks <= 1);
        acks == 1
    }

    /// Somebody publishes until it is not answered at once any more.
    fn wear_out(&mut self, link: Link) {
        for nth in 0..MANY {
            self.wait(10);
            self.retain(link, "a", &nth.to_string());
            if self.written().is_empty() {
                return;
            }
            assert!(self.is_acknowledged(link));
        }
        panic!("everything was written at once");
    }

    fn note(&mut self, link: Link, payload: &str) {
        let note = Publication::new("hearth/rule/a/last", payload.to_owned()).note();
        self.router.publish_inside(link, note, self.now);
    }
}

#[test]
fn who_publishes_now_and_then_is_answered_at_once() {
    let mut bench = on_a_disk();
    let link = bench.connect(v5("sensor"));
    for nth in 0..MANY {
        bench.wait(1000);
        bench.retain(link, "a", &nth.to_string());
        assert_eq!(bench.acks(link), []);
        assert_eq!(bench.written(), ["a"]);
        assert!(bench.is_acknowledged(link));
    }
}

#[test]
fn who_never_ends_shares_a_sync_and_is_answered_within_a_second() {
    let mut bench = on_a_disk();
    let (one, other) = (bench.connect(v5("one")), bench.connect(v5("other")));
    bench.wear_out(one);
    bench.wait(500);
    bench.retain(other, "b", "1");
    assert!(bench.written().is_empty());
    assert_eq!(
        bench.router.next_batch(),
        Some(bench.now.moment).map(|now| now + Duration::from_millis(490))
    );
    bench.wait(490);
    assert_eq!(bench.written(), ["a", "b"]);
    assert!(bench.is_acknowledged(one));
    assert!(bench.is_acknowledged(other));
}

#[test]
fn a_command_does_not_wait_behind_the_answer_to_a_publisher() {
    let mut bench = on_a_disk();
    let (bridge, person) = (bench.connect(v5("bridge")), bench.connect(v5("person")));
    bench.subscribe(bridge, "lamp/set", Qos::AtLeastOnce);
    bench.sent(bridge);
    bench.wear_out(bridge);
    bench.publish(person, "lamp/set", "on", Qos::AtLeastOnce);
    // Acknowledgements and messages at QoS 1 keep their order.
    assert_eq!(bench.written(), ["a"]);
    let sent = bench.sent(bridge);
    assert!(matches!(
        sent[..],
        [Out::Packet(Packet::PubAck(_)), Out::Publish(_)]
    ));
}

#[test]
fn many_who_wait_are_worth_a_sync() {
    let mut bench = on_a_disk();
    let link = bench.connect(v5("importer"));
    bench.wear_out(link);
    for nth in 1..16 {
        assert!(bench.written().is_empty(), "{nth}");
        bench.retain(link, "b", "1");
    }
    assert_eq!(bench.written(), ["a", "b"]);
    assert_eq!(bench.acks(link).len(), 16);
}

#[test]
fn notes_go_to_the_disk_now_and_then_and_leave_it_sooner() {
    let mut bench = on_a_disk();
    let inside = bench
        .router
        .connect(v5("\0rules"), Origin::Inside, bench.now)
        .unwrap();
    let reading = bench.connect(v5("sensor"));
    for nth in 0..14 {
        bench.note(inside, &nth.to_string());
        let message = bench.message("home/a/t", &nth.to_string(), Qos::AtMostOnce);
        let message = Publish {
            retain: true,
            ..message
        };
        bench.receive(reading, Packet::Publish(message));
        bench.wait(59_999);
        assert!(bench.written().is_empty());
        bench.wait(1);
        assert_eq!(bench.written(), ["home/a/t"]);
    }
    bench.note(inside, "14");
    bench.wait(60_000);
    assert_eq!(bench.written(), ["hearth/rule/a/last"]);
    bench.note(inside, "15");
    bench.note(inside, "");
    bench.wait(60_000);
    assert_eq!(bench.written(), ["hearth/rule/a/last is gone"]);
    bench.note(inside, "16");
    assert!(bench.router.has_unwritten());
    let last = bench.router.take_last_batch().unwrap();
    assert_eq!(last.retained.len(), 1, "an orderly stop keeps everything");
}
