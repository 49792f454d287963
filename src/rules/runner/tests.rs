//! The runner at a real broker.

use super::*;
use crate::broker::{self, Broker, Qos};
use crate::home::{Thing, Value, topic};
use crate::rules::rule::{ActionSettings, ClockSettings, Subject, Test, TriggerSettings};
use crate::rules::schedule::{At, Schedule};
use crate::rules::trace::Trace;

/// Much longer than any of this takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct House {
    broker: Broker,
    clock: Clock,
    supervisor: Supervisor,
    client: Client,
}

impl House {
    async fn build() -> House {
        House::with_clock(Clock::start()).await
    }

    async fn with_clock(clock: Clock) -> House {
        let supervisor = Supervisor::new();
        let settings = broker::Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            ..broker::Settings::default()
        };
        let broker = broker::start(settings, None, clock, &supervisor)
            .await
            .unwrap();
        let client = broker.handle.connect("test").await.unwrap();
        House {
            broker,
            clock,
            supervisor,
            client,
        }
    }

    async fn run(&self, rules: Vec<RuleSettings>) {
        let handle = self.broker.handle.clone();
        let means = Means {
            clock: self.clock,
            handle,
            state: None,
            past: None,
            new_rules: crate::rules::handover().1,
        };
        start(rules, means, &self.supervisor).await.unwrap();
    }

    async fn say(&self, topic: &str, payload: &str) {
        let publication = Publication::new(topic, payload.to_owned()).retained();
        self.client.publish(publication).await.unwrap();
    }

    async fn listen(&mut self, filter: &str) {
        self.client
            .subscribe(filter, Qos::AtLeastOnce)
            .await
            .unwrap();
    }

    /// The next message, as `topic payload`.
    async fn hear(&mut self) -> String {
        let message = tokio::time::timeout(PATIENCE, self.client.next()).await;
        let message = message.expect("nothing came").unwrap();
        format!("{} {}", message.topic, message.text().unwrap())
    }

    /// The trace now retained for a rule, once its outcome is `outcome`.
    async fn trace(&self, rule: &str, outcome: Verdict) -> Trace {
        let topic = topic::rule_last(rule);
        let look = async {
            loop {
                let found = self.broker.handle.retained(&topic).await.unwrap();
                let trace = found
                    .first()
                    .map(|m| serde_json::from_slice::<Trace>(&m.payload));
                match trace {
                    Some(Ok(trace)) if trace.outcome == outcome => return trace,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let trace = tokio::time::timeout(PATIENCE, look).await;
        trace.unwrap_or_else(|_| panic!("no trace with {outcome:?}"))
    }
}

fn when(topic: &str, test: Test, hold: Duration) -> TriggerSettings {
    TriggerSettings {
        subject: Subject::Topic(topic.to_owned()),
        test,
        hold,
    }
}

fn rule(name: &str, when: TriggerSettings, condition: Option<&str>, thing: &str) -> RuleSettings {
    RuleSettings {
        when: vec![when],
        condition: condition.map(str::to_owned),
        then: vec![ActionSettings::Set {
            thing: Thing::new("room", thing).topic(),
            to: "on".to_owned(),
        }],
        ..RuleSettings::new(name)
    }
}

fn hot() -> Test {
    Test::Above {
        limit: 28.0,
        until_below: 26.0,
    }
}

#[tokio::test]
async fn a_reading_becomes_a_command_and_a_trace() {
    let mut house = House::build().await;
    let hold = Duration::from_millis(50);
    let shut = Some("value('home/room/window') != 'open'");
    house
        .run(vec![rule(
            "Fan on",
            when("home/room/t", hot(), hold),
            shut,
            "fan",
        )])
        .await;
    house.trace("Fan on", Verdict::Waiting).await;
    house.listen("home/room/fan/set").await;
    house.say("home/room/window", "shut").await;
    house.say("home/room/t", "29").await;
    assert_eq!(house.hear().await, "home/room/fan/set on");
    let trace = house.trace("Fan on", Verdict::Fired).await;
    assert_eq!(
        trace.because,
        "home/room/t rose above 28 (29) and stayed there for 50ms; condition was true"
    );
    assert_eq!(trace.values["home/room/window"], "shut");
    assert!(house.supervisor.stop().await);
}

#[tokio::test]
async fn the_state_found_at_the_start_counts_once_and_as_a_whole() {
    let mut house = House::build().await;
    house.say("home/room/t", "29").await;
    house.say("home/room/window", "open").await;
    house.listen("home/room/+/set").await;
    let shut = Some("value('home/room/window') != 'open'");
    house
        .run(vec![
            rule(
                "fan",
                when("home/room/t", hot(), Duration::ZERO),
                shut,
                "fan",
            ),
            rule(
                "alarm",
                when("home/room/t", hot(), Duration::ZERO),
                None,
                "alarm",
            ),
        ])
        .await;
    house.trace("fan", Verdict::ConditionFalse).await;
    assert_eq!(house.hear().await, "home/room/alarm/set on");
    // Nothing else came in between: the next message is the one said now.
    house.say("home/room/x/set", "end").await;
    assert_eq!(house.hear().await, "home/room/x/set end");
    assert!(house.supervisor.stop().await);
}

#[tokio::test]
async fn two_rules_that_feed_each_other_do_not_stall_the_others() {
    let mut house = House::build().await;
    let changes = |topic: &str| when(topic, Test::Changes, Duration::ZERO);
    let publish = |name: &str, on: &str, to: &str| RuleSettings {
        then: ["1", "2"]
            .map(|payload| ActionSettings::Publish {
                topic: to.to_owned(),
                payload: payload.to_owned(),
                qos: Qos::AtLeastOnce,
                retain: false,
            })
            .to_vec(),
        ..rule(name, changes(on), None, "none")
    };
    let lamp = when(
        "home/room/door",
        Test::Is(Value::Switch(true)),
        Duration::ZERO,
    );
    house
        .run(vec![
            publish("ping", "loop/a", "loop/b"),
            publish("pong", "loop/b", "loop/a"),
            rule("lamp", lamp, None, "lamp"),
        ])
        .await;
    house.listen("home/room/lamp/set").await;
    house.say("loop/a", "1").await;
    house.say("loop/a", "2").await;
    let trace = house.trace("ping", Verdict::Error).await;
    assert!(
        trace.because.contains("this rule triggers itself"),
        "{}",
        trace.because
    );
    house.say("home/room/door", "on").await;
    assert_eq!(house.hear().await, "home/room/lamp/set on");
    assert!(house.supervisor.stop().await);
}

#[tokio::test]
async fn times_wait_for_a_clock_that_somebody_has_set() {
    let mut house = House::with_clock(Clock::never_set()).await;
    // Each second of the next minute, in UTC.
    let of_day = house.clock.now().utc.0 / 1000 % 86_400;
    let clocks = (1..60).map(|seconds| {
        let due = (of_day + seconds) % 86_400;
        let text = format!("{:02}:{:02}:{:02}", due / 3600, due / 60 % 60, due % 60);
        ClockSettings {
            schedule: Schedule::At(At::parse(&text).unwrap()),
            text,
        }
    });
    let settings = RuleSettings {
        clocks: clocks.collect(),
        ..rule(
            "bell",
            when("home/room/x", Test::Changes, Duration::ZERO),
            None,
            "bell",
        )
    };
    house.run(vec![settings]).await;
    let trace = house.trace("bell", Verdict::Waiting).await;
    assert!(
        trace.because.starts_with("nobody knows what time it is"),
        "{}",
        trace.because
    );
    house.listen("home/room/bell/set").await;
    let early = tokio::time::timeout(Duration::from_millis(2500), house.client.next()).await;
    assert!(early.is_err(), "{early:?} while nobody knew the time");
    house.clock.is_set();
    assert_eq!(house.hear().await, "home/room/bell/set on");
    assert!(house.supervisor.stop().await);
}
