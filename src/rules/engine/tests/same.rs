//! The same happenings give the same outcomes, whole and in order; and rules that were
//! torn down and took up what they had written down go on as if nothing had been.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::rules::pattern::Pattern;
use crate::rules::rule::Channel;
use crate::rules::rule::{Arm, KeepSettings, Mode, NotifySettings, OnTimeout};

type Said = (u64, &'static str, &'static str);

const TOPICS: [&str; 7] = [
    "t/a",
    "t/b",
    "room/hall/window",
    "room/bath/window",
    "home/r/pump",
    "t/gate",
    "hearth/rule/queue/set",
];
const PAYLOADS: [&str; 8] = ["on", "off", "5", "15", "25", "open", "", "disabled"];
const ENABLED: &str = "enabled";

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn publish(topic: &str, payload: &str) -> ActionSettings {
    ActionSettings::Publish {
        topic: format!("act/{topic}"),
        payload: payload.to_owned(),
        qos: Qos::AtLeastOnce,
        retain: false,
    }
}

fn acts(name: &str, when: Vec<TriggerSettings>, then: Vec<ActionSettings>) -> RuleSettings {
    RuleSettings {
        when,
        then,
        ..RuleSettings::new(name)
    }
}

/// One rule for each thing that takes time or is remembered.
fn house() -> Vec<RuleSettings> {
    let a = |test, hold| trigger("t/a", test, hold);
    let b = |test, hold| trigger("t/b", test, hold);
    let on = || Test::Is(Value::Switch(true));
    let delay = |seconds| ActionSettings::Delay(secs(seconds));
    let windows = TriggerSettings {
        subject: Subject::Matches(Pattern::parse("room/{room}/window").unwrap()),
        test: Test::Is(Value::parse("open")),
        hold: Duration::from_millis(300),
    };
    vec![
        acts(
            "hold",
            vec![a(above(10.0, 10.0), 1500), b(Test::Changes, 400)],
            vec![publish("hold", "{{ topic }} {{ payload }}")],
        ),
        acts(
            "single",
            vec![a(on(), 0)],
            vec![
                publish("single", "on"),
                delay(1.0),
                publish("single", "off"),
            ],
        ),
        RuleSettings {
            mode: Mode::Restart,
            ..acts(
                "restart",
                vec![b(Test::Changes, 0)],
                vec![delay(0.7), publish("restart", "{{ payload }}")],
            )
        },
        RuleSettings {
            mode: Mode::Queued { max: 3 },
            ..acts(
                "queue",
                vec![b(Test::Comes, 0)],
                vec![ActionSettings::Repeat {
                    times: 3,
                    condition: Some("value('t/a') != 'off'".to_owned()),
                    body: vec![publish("queue", "{{ payload }} {{ round }}"), delay(0.2)],
                }],
            )
        },
        RuleSettings {
            mode: Mode::Parallel { max: 2 },
            ..acts(
                "parallel",
                vec![windows],
                vec![delay(0.9), publish("parallel/{{ room }}", "open")],
            )
        },
        RuleSettings {
            cooldown: secs(2.0),
            ..acts(
                "cooldown",
                vec![trigger("t/gate", Test::Changes, 0)],
                vec![publish("cooldown", "{{ payload }}")],
            )
        },
        acts(
            "wait",
            vec![a(Test::Changes, 0)],
            vec![
                ActionSettings::WaitFor {
                    condition: "value('t/b') == 'on'".to_owned(),
                    timeout: secs(1.2),
                    on_timeout: OnTimeout::GoOn,
                },
                ActionSettings::Choose {
                    arms: vec![Arm {
                        condition: "value('t/b') == 'on'".to_owned(),
                        then: vec![publish("wait", "came")],
                    }],
                    otherwise: vec![publish("wait", "in vain")],
                },
            ],
        ),
        acts(
            "notify",
            vec![a(Test::IsNot(Value::Switch(true)), 500)],
            vec![ActionSettings::Notify(NotifySettings {
                message: "a is {{ payload }}".to_owned(),
                title: None,
                to: Channel::Ntfy("https://ntfy.sh/x".to_owned()),
                timeout: secs(10.0),
                retries: 3,
            })],
        ),
        acts(
            "switches",
            vec![trigger("t/gate", Test::Is(Value::parse("open")), 0)],
            vec![
                ActionSettings::Disable("single".to_owned()),
                delay(1.1),
                ActionSettings::Enable("single".to_owned()),
            ],
        ),
        acts(
            "quiet",
            vec![b(Test::Quiet, 2500)],
            vec![publish("quiet", "{{ payload }}")],
        ),
        rule("sets", vec![a(above(10.0, 6.0), 0)], None),
        RuleSettings {
            keep: Some(KeepSettings {
                thing: Thing::new("r", "pump"),
                at: "on".to_owned(),
                condition: Some("value('t/b') == 'off'".to_owned()),
                inverted: true,
                otherwise: Some("off".to_owned()),
            }),
            ..RuleSettings::new("keep")
        },
    ]
}

fn happenings() -> impl Strategy<Value = Vec<Said>> {
    let said = (
        1..900_u64,
        prop::sample::select(TOPICS.to_vec()),
        prop::sample::select(PAYLOADS.to_vec()),
    );
    prop::collection::vec(said, 1..60).prop_map(|steps| {
        let mut at = 0;
        let step = |(pause, topic, payload): (u64, &'static str, &'static str)| {
            at += pause / 100 * 100;
            let switch = topic.starts_with("hearth/") && payload != "disabled";
            (at, topic, if switch { ENABLED } else { payload })
        };
        steps.into_iter().map(step).collect()
    })
}

/// Rules at work, and what they have said.
struct Life {
    engine: Engine,
    /// What the house has said last, and when.
    found: BTreeMap<&'static str, (u64, &'static str)>,
    outcomes: Vec<(u64, Outcome)>,
}

impl Life {
    fn begin() -> Life {
        let mut engine = engine(&house());
        let outcome = engine.start([], now(0));
        let mut life = Life {
            engine,
            found: BTreeMap::new(),
            outcomes: Vec::new(),
        };
        life.note(0, outcome);
        life
    }

    fn note(&mut self, at: u64, outcome: Outcome) {
        for action in &outcome.actions {
            self.engine.said(action, now(at));
        }
        self.outcomes.push((at, outcome));
    }

    fn until(&mut self, at: u64) {
        while let Some(due) = self.engine.next_wake().filter(|due| due.0 <= at) {
            let outcome = self.engine.wake(now(due.0));
            self.note(due.0, outcome);
        }
    }

    fn hear(&mut self, (at, topic, payload): Said) {
        self.until(at);
        if !topic.starts_with("hearth/") {
            self.found.insert(topic, (at, payload));
        }
        let outcome = say(&mut self.engine, at, topic, payload);
        self.note(at, outcome);
    }

    /// Only what is written down goes on, in another engine.
    fn tear_down(&mut self, at: u64) {
        self.until(at);
        let text = serde_json::to_string(&self.engine.memories(now(at))).unwrap();
        self.engine = engine(&house());
        let memories = serde_json::from_str(&text).unwrap();
        let resumed = self.engine.resume(memories, Gap::None, now(at));
        assert!(resumed.actions.is_empty());
        let found: Vec<_> = self
            .found
            .iter()
            .map(|(topic, said)| (*topic, *said))
            .collect();
        let found = found.iter().map(|(topic, (at, payload))| Event {
            topic,
            payload: payload.as_bytes(),
            received: now(*at).utc,
        });
        let outcome = self.engine.start(found, now(at));
        self.note(at, outcome);
    }

    /// What was done, in order. A `keep` may say its level again after a start.
    fn deeds(&self) -> Vec<String> {
        let mut deeds = Vec::new();
        for (at, outcome) in &self.outcomes {
            let actions = outcome
                .actions
                .iter()
                .filter(|action| &*action.rule != "keep");
            deeds.extend(actions.map(|a| format!("{at} {} {}", a.topic, a.payload)));
            deeds.extend(
                outcome
                    .notices
                    .iter()
                    .map(|n| format!("{at} {}", n.message)),
            );
        }
        deeds
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_same_happenings_give_the_same_outcomes(said in happenings()) {
        let live = || {
            let mut life = Life::begin();
            said.iter().for_each(|said| life.hear(*said));
            life.until(100_000);
            life.outcomes
        };
        prop_assert_eq!(live(), live());
    }

    #[test]
    fn rules_that_are_torn_down_go_on(said in happenings(), cut in 0..60_usize, later in 0..600_u64) {
        let end = said.last().map_or(0, |(at, ..)| *at) + 10_000;
        let mut undisturbed = Life::begin();
        said.iter().for_each(|said| undisturbed.hear(*said));
        undisturbed.until(end);
        let mut torn = Life::begin();
        let cut = cut.min(said.len());
        said[..cut].iter().for_each(|said| torn.hear(*said));
        let next = said.get(cut).map_or(end, |(at, ..)| *at);
        let last = cut.checked_sub(1).map_or(0, |last| said[last].0);
        torn.tear_down((last + later / 50 * 50).min(next));
        said[cut..].iter().for_each(|said| torn.hear(*said));
        torn.until(end);
        prop_assert_eq!(undisturbed.deeds(), torn.deeds());
    }
}

/// The happenings of the tests above do make every rule act.
#[test]
fn every_rule_of_this_house_acts() {
    let mut life = Life::begin();
    let said = [
        "t/a 5",
        "t/a 25",
        "t/b 5",
        "t/b on",
        "t/gate 5",
        "t/gate open",
        "t/a on",
        "t/a off",
        "room/hall/window open",
        "t/b off",
        "t/b on",
    ];
    for (nth, said) in (1..).zip(said) {
        let (topic, payload) = said.split_once(' ').unwrap();
        let topic = TOPICS.iter().find(|known| **known == topic).unwrap();
        let payload = PAYLOADS.iter().find(|known| **known == payload).unwrap();
        life.hear((nth * 2000, topic, payload));
    }
    life.until(60_000);
    let outcomes = life
        .outcomes
        .iter()
        .flat_map(|(_, outcome)| &outcome.traces);
    let fired = outcomes.filter(|trace| trace.outcome == Verdict::Fired);
    let fired: std::collections::BTreeSet<_> = fired.map(|trace| trace.rule.clone()).collect();
    let all: std::collections::BTreeSet<_> = house().into_iter().map(|rule| rule.name).collect();
    assert_eq!(fired, all);
}
