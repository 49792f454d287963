//! The engine against a second one written another way: it looks at the whole
//! history of each trigger at once, with neither states nor timers.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Said {
    at: u64,
    topic: usize,
    payload: &'static str,
}

const TOPICS: [&str; 3] = ["t/0", "t/1", "t/2"];
const PAYLOADS: [&str; 10] = [
    "on",
    "off",
    "19",
    "20",
    "21",
    "22",
    "25",
    "open",
    "",
    "unavailable",
];

fn history() -> impl Strategy<Value = Vec<Said>> {
    let said = (
        0..3_usize,
        1..2000_u64,
        prop::sample::select(PAYLOADS.to_vec()),
    );
    prop::collection::vec(said, 0..60).prop_map(|steps| {
        let mut at = 0;
        let step = |(topic, pause, payload)| {
            // Multiples of 100 ms make messages meet the ends of hold times.
            at += pause / 100 * 100;
            Said { at, topic, payload }
        };
        steps.into_iter().map(step).collect()
    })
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        prop::sample::select(PAYLOADS[..8].to_vec()).prop_map(|p| Test::Is(Value::parse(p))),
        prop::sample::select(vec![20.0, 21.0]).prop_map(|below| above(21.0, below)),
        prop::sample::select(vec![20.0, 22.0]).prop_map(|until_above| Test::Below {
            limit: 20.0,
            until_above
        }),
        prop::sample::select(PAYLOADS[..8].to_vec()).prop_map(|p| Test::IsNot(Value::parse(p))),
        Just(Test::Changes),
        Just(Test::Quiet),
    ]
}

fn rules() -> impl Strategy<Value = Vec<RuleSettings>> {
    let hold = prop::sample::select(vec![0_u64, 500, 3000]);
    let one = (0..3_usize, test(), hold, 0..4_usize);
    prop::collection::vec(one, 1..5).prop_map(|rules| {
        let make = |(n, (topic, test, hold, asked)): (usize, (usize, Test, u64, usize))| {
            let hold = if test == Test::Quiet {
                hold.max(500)
            } else {
                hold
            };
            let when = vec![trigger(TOPICS[topic], test, hold)];
            let condition = TOPICS
                .get(asked)
                .map(|topic| format!("value('{topic}') != 'off'"));
            rule(&format!("r{n}"), when, condition.as_deref())
        };
        rules.into_iter().enumerate().map(make).collect()
    })
}

/// The times at which a trigger fires, from all that its topic said.
fn firings(trigger: &TriggerSettings, said: &[(u64, Option<Value>)]) -> Vec<u64> {
    let hold = u64::try_from(trigger.hold.as_millis()).unwrap();
    let number = |value: &Option<Value>| value.as_ref().and_then(Value::as_number);
    let judged: Vec<(u64, bool, bool)> = match &trigger.test {
        Test::Changes => return changes(hold, said),
        Test::Comes => return said.iter().map(|(at, _)| at + hold).collect(),
        Test::Quiet => return quiet(hold, said),
        Test::IsNot(unwanted) => {
            let same = |value: &Value| {
                matches!(
                    (value, unwanted),
                    (Value::Switch(_), Value::Switch(_))
                        | (Value::Number(_), Value::Number(_))
                        | (Value::Text(_), Value::Text(_))
                )
            };
            said.iter()
                .filter_map(|(at, value)| Some((*at, value.as_ref().filter(|v| same(v))?)))
                .map(|(at, value)| (at, value != unwanted, value == unwanted))
                .collect()
        }
        Test::Is(wanted) => said
            .iter()
            .map(|(at, value)| {
                (
                    *at,
                    value.as_ref() == Some(wanted),
                    value.as_ref() != Some(wanted),
                )
            })
            .collect(),
        Test::Above { limit, until_below } => said
            .iter()
            .filter_map(|(at, value)| Some((*at, number(value)?)))
            .map(|(at, n)| {
                (
                    at,
                    n > *limit,
                    if until_below == limit {
                        n <= *limit
                    } else {
                        n < *until_below
                    },
                )
            })
            .collect(),
        Test::Below { limit, until_above } => said
            .iter()
            .filter_map(|(at, value)| Some((*at, number(value)?)))
            .map(|(at, n)| {
                (
                    at,
                    n < *limit,
                    if until_above == limit {
                        n >= *limit
                    } else {
                        n > *until_above
                    },
                )
            })
            .collect(),
    };
    let mut fired = Vec::new();
    let mut rest = judged.as_slice();
    while let Some(start) = rest.iter().position(|(_, holds, _)| *holds) {
        let over = rest[start].0 + hold;
        let broken = rest[start..].iter().position(|(_, holds, _)| !holds);
        match broken.map(|n| start + n) {
            Some(broken) if rest[broken].0 < over => rest = &rest[broken..],
            _ => {
                fired.push(over);
                let back = rest
                    .iter()
                    .enumerate()
                    .position(|(n, (at, _, back))| n > start && *at >= over && *back);
                rest = back.map_or(&[], |back| &rest[back..]);
            }
        }
    }
    fired
}

fn quiet(hold: u64, said: &[(u64, Option<Value>)]) -> Vec<u64> {
    let began: Vec<u64> = [0]
        .into_iter()
        .chain(said.iter().map(|(at, _)| *at))
        .collect();
    let next = began.iter().skip(1).copied().chain([u64::MAX]);
    let silences = began.iter().zip(next);
    silences
        .filter(|(at, next)| *at + hold <= *next)
        .map(|(at, _)| at + hold)
        .collect()
}

fn changes(hold: u64, said: &[(u64, Option<Value>)]) -> Vec<u64> {
    let values: Vec<_> = said
        .iter()
        .filter_map(|(at, v)| Some((*at, v.as_ref()?)))
        .collect();
    let changed: Vec<u64> = values
        .windows(2)
        .filter(|pair| pair[0].1 != pair[1].1)
        .map(|pair| pair[1].0)
        .collect();
    let next = changed.iter().skip(1).copied().chain([u64::MAX]);
    let pairs = changed.iter().zip(next);
    pairs
        .filter(|(at, next)| *at + hold <= *next)
        .map(|(at, _)| at + hold)
        .collect()
}

/// What a topic said last before `at`; at a hold time's end, messages of
/// that very moment come after it.
fn value_at(history: &[Said], topic: &str, at: u64, hold: bool, upto: usize) -> Option<Value> {
    let before = |(n, said): &(usize, &Said)| if hold { said.at < at } else { *n <= upto };
    let mut said = history
        .iter()
        .enumerate()
        .filter(|(_, said)| TOPICS[said.topic] == topic);
    let (_, last) = said.rfind(before)?;
    (!last.payload.is_empty()).then(|| Value::parse(last.payload))
}

fn expected(rules: &[RuleSettings], history: &[Said]) -> Vec<(u64, String)> {
    let mut all = Vec::new();
    for settings in rules {
        let trigger = &settings.when[0];
        let mine: Vec<(usize, &Said)> = history
            .iter()
            .enumerate()
            .filter(|(_, said)| Subject::Topic(TOPICS[said.topic].to_owned()) == trigger.subject)
            .collect();
        let said: Vec<(u64, Option<Value>)> = mine
            .iter()
            .map(|(_, said)| {
                (
                    said.at,
                    (!said.payload.is_empty()).then(|| Value::parse(said.payload)),
                )
            })
            .collect();
        for at in firings(trigger, &said) {
            let hold = !trigger.hold.is_zero();
            let allowed = settings.condition.as_deref().is_none_or(|condition| {
                let asked = condition.split('\'').nth(1).unwrap();
                value_at(history, asked, at, hold, last_at(history, at))
                    != Some(Value::Switch(false))
            });
            if allowed {
                all.push((at, format!("home/r/{}/set", settings.name)));
            }
        }
    }
    all.sort();
    all
}

fn last_at(history: &[Said], at: u64) -> usize {
    history.iter().rposition(|said| said.at <= at).unwrap_or(0)
}

fn actual(rules: &[RuleSettings], history: &[Said]) -> Vec<(u64, String)> {
    let mut engine = engine(rules);
    engine.start([], now(0));
    let mut all = Vec::new();
    let mut note = |at, outcome: Outcome| {
        all.extend(
            outcome
                .actions
                .iter()
                .map(|action| (at, action.topic.to_string())),
        );
    };
    for said in history {
        while let Some(due) = engine.next_wake().filter(|due| due.0 <= said.at) {
            note(due.0, engine.wake(now(due.0)));
        }
        note(
            said.at,
            say(&mut engine, said.at, TOPICS[said.topic], said.payload),
        );
    }
    while let Some(due) = engine.next_wake() {
        note(due.0, engine.wake(now(due.0)));
    }
    all.sort();
    all
}

/// Distinct times: what happens at one moment is told apart by its order,
/// which the second engine does not know.
fn apart(history: Vec<Said>) -> Vec<Said> {
    let mut last = 0;
    let space = |mut said: Said| {
        said.at = said.at.max(last + 100);
        last = said.at;
        said
    };
    history.into_iter().map(space).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn both_engines_act_alike(rules in rules(), history in history()) {
        let history = apart(history);
        prop_assert_eq!(actual(&rules, &history), expected(&rules, &history));
    }
}
