//! An evening with everything that rules can wait for gives the same however often it is
//! replayed, and however its time is cut.

use super::*;
use crate::home::Thing;
use crate::rules::rule::{KeepSettings, Mode, OnTimeout};
use crate::rules::schedule::Cron;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn acts(name: &str, topic: &str, test: Test, then: Vec<ActionSettings>) -> RuleSettings {
    RuleSettings {
        then,
        ..rule(name, topic, test, 0, ActionSettings::Stop)
    }
}

fn house() -> Vec<RuleSettings> {
    let said = |name: &str| publish(&format!("act/{name}"), "{{ topic }} {{ payload }}");
    let wait = ActionSettings::WaitFor {
        condition: "value('home/hall/door') == 'open'".to_owned(),
        timeout: secs(90),
        on_timeout: OnTimeout::GoOn,
    };
    let blink = ActionSettings::Repeat {
        times: 3,
        condition: None,
        body: vec![
            publish("act/blink", "{{ round }}"),
            ActionSettings::Delay(secs(7)),
        ],
    };
    let cron = ClockSettings {
        schedule: Schedule::Cron(Cron::parse("*/20 * * * *").unwrap()),
        text: "*/20 * * * *".to_owned(),
    };
    vec![
        hot(120),
        acts(
            "Delay",
            "home/hall/motion",
            Test::Is(Value::Switch(true)),
            vec![
                said("delay"),
                ActionSettings::Delay(secs(45)),
                said("delay"),
            ],
        ),
        RuleSettings {
            mode: Mode::Restart,
            ..acts(
                "Restart",
                "home/hall/motion",
                Test::Changes,
                vec![wait, said("restart")],
            )
        },
        RuleSettings {
            mode: Mode::Queued { max: 4 },
            ..acts("Queue", "home/hall/door", Test::Comes, vec![blink])
        },
        RuleSettings {
            mode: Mode::Parallel { max: 3 },
            cooldown: secs(20),
            ..acts(
                "Parallel",
                "home/hall/door",
                Test::Changes,
                vec![ActionSettings::Delay(secs(100)), said("parallel")],
            )
        },
        RuleSettings {
            condition: Some(format!("avg('{T}', '10m') > 22 && age('{T}') < 300")),
            clocks: vec![cron],
            then: vec![publish("act/cron", &format!("{{{{ max('{T}', '1h') }}}}"))],
            ..RuleSettings::new("Cron")
        },
        acts(
            "Quiet",
            "home/hall/motion",
            Test::Quiet,
            vec![publish("act/quiet", "x")],
        ),
        RuleSettings {
            keep: Some(KeepSettings {
                thing: Thing::new("hall", "fan"),
                at: "on".to_owned(),
                condition: Some(format!(
                    "avg('{T}', '5m') > 25 && between('06:00', '23:00')"
                )),
                inverted: false,
                otherwise: Some("off".to_owned()),
            }),
            ..RuleSettings::new("Keep")
        },
    ]
    .into_iter()
    .map(|mut rule| {
        if rule.name == "Quiet" {
            rule.when[0].hold = secs(200);
        }
        rule
    })
    .collect()
}

/// Numbers that look like chance, and are the same each time.
fn chance() -> impl FnMut(u64) -> u64 {
    let mut state = 5_u64;
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

fn evening() -> Vec<Reading> {
    let (mut next, mut second, mut all) = (chance(), 0, Vec::new());
    while second < 21_600 {
        second += i64::try_from(next(60)).unwrap();
        let kind = next(5);
        let second_one = next(2) == 1;
        let pick = |two: [&str; 2]| two[usize::from(second_one)].to_owned();
        let (topic, payload) = match kind {
            0 => ("home/hall/door", pick(["open", "shut"])),
            1 => ("home/hall/motion", pick(["on", "off"])),
            2 => ("home/hall/fan", pick(["on", "off"])),
            _ => (T, format!("{}.{}", 15 + next(18), next(10))),
        };
        // Nobody moves for a while each hour.
        if topic != "home/hall/motion" || second % 3600 > 600 {
            all.push(reading(topic, second, &payload));
        }
    }
    all
}

fn replayed(readings: &[Reading], mut cut: impl FnMut() -> Option<i64>) -> Vec<Taken> {
    let mut replay = compiled(&house());
    let mut taken = replay.begin(&[], at(0));
    let mut now = at(0);
    for reading in readings {
        while let Some(pause) = cut() {
            let then = UtcMillis(now.0 + pause);
            if then >= reading.at {
                break;
            }
            now = then;
            taken.extend(replay.until(now));
        }
        taken.extend(replay.take(reading));
        now = reading.at;
    }
    taken.extend(replay.until(at(25_000)));
    taken
}

#[test]
fn an_evening_of_all_kinds_of_rules_is_the_same_to_the_bit() {
    let evening = evening();
    let first = replayed(&evening, || None);
    assert_eq!(replayed(&evening, || None), first);
    let mut next = chance();
    let cut = || Some(i64::try_from(next(9000)).unwrap()).filter(|pause| *pause > 1000);
    assert_eq!(replayed(&evening, cut), first);
    // It was worth replaying: each rule has said something, and often.
    let topics = [
        "home/greenhouse/fan/set",
        "act/delay",
        "act/restart",
        "act/blink",
        "act/parallel",
        "act/cron",
        "act/quiet",
        "home/hall/fan/set",
    ];
    for topic in topics {
        let often = first.iter().filter(|taken| &*taken.topic == topic).count();
        assert!(often >= 5, "{topic} came {often} times");
    }
}
