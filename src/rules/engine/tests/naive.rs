//! The engine against a naive one: random rules that take time, wait, switch and start
//! each other, and random messages. Times are multiples of 250 ms, so that many meet.

mod house;

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use self::house::House;
use super::*;
use crate::rules::pattern::Pattern;
use crate::rules::rule::{self, Arm, KeepSettings, OnTimeout, Rate};

/// The thing that is kept at a level.
const MINE: &str = "home/p/q";
const TOPICS: [&str; 4] = ["t/x", "t/y", MINE, "home/p/q/set"];
const VALUES: [&str; 3] = ["a", "b", "c"];
/// So many messages of rules come back.
const MOST_ECHOES: usize = 400;

#[derive(Clone, Debug, PartialEq)]
enum When {
    Start,
    Comes(&'static str),
    Changes(&'static str),
    Is(&'static str, &'static str),
    /// `t/{room}`
    Matches,
}

#[derive(Clone, Debug)]
enum Cond {
    Is(&'static str, &'static str),
    IsNot(&'static str, &'static str),
    /// In seconds.
    Age(&'static str, u64),
    Payload(&'static str),
    Room(&'static str),
}

#[derive(Clone, Debug)]
enum Act {
    Say(&'static str, &'static str),
    /// Tells payload and room there.
    Tell(&'static str),
    Delay(u64),
    Wait(Cond, u64, bool),
    Choose(Cond, Vec<Act>, Vec<Act>),
    Repeat(u32, Option<Cond>, Vec<Act>),
    Switch(usize, bool),
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Single,
    Restart,
    Queued(usize),
    Parallel(usize),
}

#[derive(Clone, Debug)]
struct Keep {
    cond: Option<Cond>,
    unless: bool,
    otherwise: bool,
}

#[derive(Clone, Debug)]
struct Spec {
    when: When,
    hold: u64,
    cond: Option<Cond>,
    then: Vec<Act>,
    keep: Option<Keep>,
    mode: Mode,
    cooldown: u64,
    /// So often within so many milliseconds.
    rate: (usize, u64),
    allow_cycle: usize,
}

#[derive(Clone, Debug)]
struct Script {
    specs: Vec<Spec>,
    /// How long after the one before, where, what.
    messages: Vec<(u64, String, &'static str)>,
    /// Whether the thing does as it is told.
    obeys: bool,
}

type Said = Vec<(u64, String, String)>;

impl Cond {
    fn topic(&self) -> Option<&str> {
        match self {
            Cond::Is(topic, _) | Cond::IsNot(topic, _) | Cond::Age(topic, _) => Some(topic),
            Cond::Payload(_) | Cond::Room(_) => None,
        }
    }

    /// As it is written; `room` is no name where nothing matches.
    fn text(&self, spec: &Spec) -> String {
        match self {
            Cond::Is(topic, value) => format!("value('{topic}') == '{value}'"),
            Cond::IsNot(topic, value) => format!("value('{topic}') != '{value}'"),
            Cond::Age(topic, seconds) => format!("age('{topic}') > {seconds}"),
            Cond::Payload(value) => format!("payload == '{value}'"),
            Cond::Room(room) if spec.when == When::Matches => format!("room == '{room}'"),
            Cond::Room(_) => "payload == 'nowhere'".to_owned(),
        }
    }
}

impl Spec {
    fn keeps_by_age(&self) -> bool {
        let keep = self.keep.as_ref();
        matches!(
            keep.and_then(|keep| keep.cond.as_ref()),
            Some(Cond::Age(..))
        )
    }

    /// Whether anything waits for this topic.
    fn asks(&self, topic: &str) -> bool {
        let keep = self.keep.iter();
        let mut kept = keep.flat_map(|keep| keep.cond.iter().filter_map(Cond::topic).chain([MINE]));
        kept.any(|asked| asked == topic) || waits_for(&self.then, topic)
    }

    fn settings(&self, index: usize, count: usize) -> RuleSettings {
        let event = |test, topic: &str| trigger(topic, test, self.hold);
        let when = match &self.when {
            When::Start => Vec::new(),
            When::Comes(topic) => vec![event(Test::Comes, topic)],
            When::Changes(topic) => vec![event(Test::Changes, topic)],
            When::Is(topic, value) => vec![event(Test::Is(Value::parse(value)), topic)],
            When::Matches => vec![TriggerSettings {
                subject: Subject::Matches(Pattern::parse("t/{room}").unwrap()),
                test: Test::Comes,
                hold: Duration::ZERO,
            }],
        };
        RuleSettings {
            when: if self.keep.is_some() {
                Vec::new()
            } else {
                when
            },
            at_start: self.when == When::Start && self.keep.is_none(),
            condition: self.cond.as_ref().map(|cond| cond.text(self)),
            then: self.actions(&self.then, count),
            keep: self.keep.as_ref().map(|keep| KeepSettings {
                thing: Thing::new("p", "q"),
                at: "a".to_owned(),
                condition: keep.cond.as_ref().map(|cond| cond.text(self)),
                inverted: keep.unless,
                otherwise: keep.otherwise.then(|| "b".to_owned()),
            }),
            mode: match self.mode {
                Mode::Single => rule::Mode::Single,
                Mode::Restart => rule::Mode::Restart,
                Mode::Queued(max) => rule::Mode::Queued { max },
                Mode::Parallel(max) => rule::Mode::Parallel { max },
            },
            cooldown: Duration::from_millis(self.cooldown),
            rate: Rate {
                times: u32::try_from(self.rate.0).unwrap(),
                per: Duration::from_millis(self.rate.1),
            },
            allow_cycle: u32::try_from(self.allow_cycle).unwrap(),
            ..RuleSettings::new(format!("r{index}"))
        }
    }

    fn actions(&self, acts: &[Act], count: usize) -> Vec<ActionSettings> {
        let make = |act: &Act| match act {
            Act::Say(topic, payload) => publish(topic, payload),
            Act::Tell(topic) => {
                let room = if self.when == When::Matches {
                    "room"
                } else {
                    "value('never')"
                };
                let tell = |what: &str| format!("{{{{ {what} == null ? 'none' : {what} }}}}");
                publish(topic, &format!("{}/{}", tell("payload"), tell(room)))
            }
            Act::Delay(time) => ActionSettings::Delay(Duration::from_millis(*time)),
            Act::Wait(cond, timeout, go_on) => ActionSettings::WaitFor {
                condition: cond.text(self),
                timeout: Duration::from_millis(*timeout),
                on_timeout: if *go_on {
                    OnTimeout::GoOn
                } else {
                    OnTimeout::Stop
                },
            },
            Act::Choose(cond, yes, no) => ActionSettings::Choose {
                arms: vec![Arm {
                    condition: cond.text(self),
                    then: self.actions(yes, count),
                }],
                otherwise: self.actions(no, count),
            },
            Act::Repeat(times, cond, body) => ActionSettings::Repeat {
                times: *times,
                condition: cond.as_ref().map(|cond| cond.text(self)),
                body: self.actions(body, count),
            },
            Act::Switch(other, true) => ActionSettings::Enable(format!("r{}", other % count)),
            Act::Switch(other, false) => ActionSettings::Disable(format!("r{}", other % count)),
            Act::Stop => ActionSettings::Stop,
        };
        acts.iter().map(make).collect()
    }
}

fn publish(topic: &str, payload: &str) -> ActionSettings {
    ActionSettings::Publish {
        topic: topic.to_owned(),
        payload: payload.to_owned(),
        qos: Qos::AtMostOnce,
        retain: false,
    }
}

fn waits_for(acts: &[Act], topic: &str) -> bool {
    acts.iter().any(|act| match act {
        Act::Wait(cond, ..) => cond.topic() == Some(topic),
        Act::Choose(_, yes, no) => waits_for(yes, topic) || waits_for(no, topic),
        Act::Repeat(_, _, body) => waits_for(body, topic),
        _ => false,
    })
}

fn topic() -> impl Strategy<Value = &'static str> {
    select(TOPICS.to_vec())
}

fn cond() -> impl Strategy<Value = Cond> {
    let value = || select(VALUES.to_vec());
    prop_oneof![
        (topic(), value()).prop_map(|(t, v)| Cond::Is(t, v)),
        (topic(), value()).prop_map(|(t, v)| Cond::IsNot(t, v)),
        (topic(), 1..4_u64).prop_map(|(t, s)| Cond::Age(t, s)),
        value().prop_map(Cond::Payload),
        select(vec!["x", "y"]).prop_map(Cond::Room),
    ]
}

fn pause() -> impl Strategy<Value = u64> {
    select(vec![250_u64, 500, 1000, 2250, 5000])
}

fn act() -> impl Strategy<Value = Act> {
    let targets = || select(vec!["t/x", "t/y", "home/p/q/set", "out"]);
    let leaf = prop_oneof![
        4 => (targets(), select(VALUES.to_vec())).prop_map(|(t, v)| Act::Say(t, v)),
        1 => Just(Act::Say("t/x", "")),
        2 => Just(Act::Tell("out")),
        3 => pause().prop_map(Act::Delay),
        3 => (cond(), pause(), any::<bool>()).prop_map(|(c, t, g)| Act::Wait(c, t, g)),
        1 => (0..4_usize, any::<bool>()).prop_map(|(n, on)| Act::Switch(n, on)),
        1 => Just(Act::Stop),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let acts = || vec(inner.clone(), 1..3);
        prop_oneof![
            (cond(), acts(), acts()).prop_map(|(c, y, n)| Act::Choose(c, y, n)),
            (1..4_u32, option::of(cond()), acts()).prop_map(|(n, c, b)| Act::Repeat(n, c, b)),
        ]
    })
}

fn spec() -> impl Strategy<Value = Spec> {
    let value = || select(VALUES.to_vec());
    let when = prop_oneof![
        1 => Just(When::Start),
        3 => topic().prop_map(When::Comes),
        2 => topic().prop_map(When::Changes),
        3 => (topic(), value()).prop_map(|(t, v)| When::Is(t, v)),
        2 => Just(When::Matches),
    ];
    let mode = prop_oneof![
        Just(Mode::Single),
        Just(Mode::Restart),
        (1..3_usize).prop_map(Mode::Queued),
        (1..3_usize).prop_map(Mode::Parallel),
    ];
    let house = prop_oneof![
        Just(Cond::Is("t/x", "a")),
        Just(Cond::Age("t/y", 2)),
        Just(Cond::IsNot("t/y", "b"))
    ];
    let keep = (option::of(house), any::<bool>(), any::<bool>());
    let keep = prop::option::weighted(0.25, keep);
    let cooldown = prop_oneof![3 => Just(0_u64), 1 => pause()];
    let rate = prop_oneof![2 => Just((50_usize, 1000_u64)), 1 => (1..4_usize, pause())];
    let how = (mode, cooldown, rate, 0..3_usize);
    let hold = select(vec![0_u64, 0, 500, 2000]);
    let what = (when, hold, option::weighted(0.3, cond()), vec(act(), 1..5));
    (what, keep, how).prop_map(|((when, hold, cond, then), keep, how)| {
        let (mode, cooldown, rate, allow_cycle) = how;
        let keep = keep.map(|(cond, unless, otherwise)| Keep {
            unless: unless && cond.is_some(),
            cond,
            otherwise,
        });
        let reacts = keep.is_none();
        Spec {
            hold: if matches!(when, When::Is(..)) {
                hold
            } else {
                0
            },
            when: if reacts { when } else { When::Comes("never") },
            cond: cond.filter(|_| reacts),
            then: if reacts { then } else { Vec::new() },
            keep,
            mode: if reacts { mode } else { Mode::Single },
            cooldown: if reacts { cooldown } else { 0 },
            rate,
            allow_cycle,
        }
    })
}

fn script() -> impl Strategy<Value = Script> {
    let gap = prop_oneof![
        6 => (0..12_u64).prop_map(|n| n * 250),
        1 => select(vec![5000_u64, 10_000, 60_000]),
    ];
    let said = (topic(), select(vec!["a", "b", "c", "a", "b", ""]));
    let said = said.prop_map(|(topic, payload)| (topic.to_owned(), payload));
    let turned = (0..4_usize, select(vec!["enabled", "disabled"]));
    let turned = turned.prop_map(|(n, on)| (format!("hearth/rule/r{n}/set"), on));
    let message = prop_oneof![8 => said, 1 => turned];
    let message = (gap, message).prop_map(|(gap, (topic, payload))| (gap, topic, payload));
    (vec(spec(), 1..5), vec(message, 0..30), any::<bool>()).prop_map(|(specs, messages, obeys)| {
        Script {
            specs,
            messages,
            obeys,
        }
    })
}

/// What comes back of what was said.
fn echoes(said: &[(String, String)], obeys: bool) -> VecDeque<(String, String)> {
    let mut back = VecDeque::new();
    for (topic, payload) in said {
        back.push_back((topic.clone(), payload.clone()));
        if obeys && topic == "home/p/q/set" {
            back.push_back((MINE.to_owned(), payload.clone()));
        }
    }
    back
}

/// Runs a script in a house that is woken, hears messages, and tells its words.
fn play(
    script: &Script,
    mut next: impl FnMut(Option<(u64, Option<(&str, &str)>)>) -> (Option<u64>, Vec<(String, String)>),
) -> Said {
    let (mut all, mut left) = (Said::new(), MOST_ECHOES);
    let mut step = |at: u64, message: Option<(&str, &str)>, first: bool| {
        let (mut due, said) = next((!first).then_some((at, message)));
        all.extend(said.iter().map(|(t, p)| (at, t.clone(), p.clone())));
        let mut back = echoes(&said, script.obeys);
        while let Some((topic, payload)) = back.pop_front().filter(|_| left > 0) {
            left -= 1;
            let (then, said) = next(Some((at, Some((&topic, &payload)))));
            due = then;
            all.extend(said.iter().map(|(t, p)| (at, t.clone(), p.clone())));
            back.extend(echoes(&said, script.obeys));
        }
        due
    };
    let mut due = step(0, None, true);
    let mut at = 0;
    for (gap, topic, payload) in &script.messages {
        at += gap;
        while let Some(wake) = due.filter(|wake| *wake <= at) {
            due = step(wake, None, false);
        }
        due = step(at, Some((topic, payload)), false);
    }
    while let Some(wake) = due.filter(|wake| *wake <= at + 200_000) {
        due = step(wake, None, false);
    }
    all
}

fn by_the_engine(script: &Script) -> Said {
    let count = script.specs.len();
    let specs = script.specs.iter().enumerate();
    let settings: Vec<_> = specs.map(|(n, spec)| spec.settings(n, count)).collect();
    let mut engine = engine(&settings);
    play(script, |what| {
        let outcome = match what {
            None => engine.start([], now(0)),
            Some((at, None)) => engine.wake(now(at)),
            Some((at, Some((topic, payload)))) => say(&mut engine, at, topic, payload),
        };
        let said = outcome.actions.iter();
        let said = said.map(|a| (a.topic.to_string(), a.payload.to_string()));
        (engine.next_wake().map(|due| due.0), said.collect())
    })
}

fn by_the_model(script: &Script) -> Said {
    let mut house = House::new(&script.specs);
    play(script, |what| {
        match what {
            None => {}
            Some((at, None)) => house.wake(at),
            Some((at, Some((topic, payload)))) => {
                house.wake(at);
                house.hear(topic, payload);
            }
        }
        let said = std::mem::take(&mut house.said);
        let said = said.into_iter().map(|(_, topic, payload)| (topic, payload));
        (house.next(), said.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn both_houses_say_the_same(script in script()) {
        prop_assert_eq!(by_the_engine(&script), by_the_model(&script));
    }
}
