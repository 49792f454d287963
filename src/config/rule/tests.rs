//! What a rule file means, and where its parts stand.

use std::path::Path;
use std::time::Duration;

use crate::broker::Qos;
use crate::config::check::{self, Places};
use crate::config::problem::{File, Findings};
use crate::config::{Config, read_files};
use crate::home::{Thing, Value};
use crate::rules::pattern::Pattern;
use crate::rules::{
    ActionSettings, AfterDowntime, Arm, Channel, Expectation, Expected, Given, Happening,
    KeepSettings, Mode, NotifySettings, OnTimeout, Rate, RuleProblem, RuleSettings, Subject, Test,
    TriggerSettings, Where, Within,
};

mod endless;

const TEXT: &str = include_str!("../../../tests/config_rules/every_rule.toml");

fn files(text: &str) -> [File; 1] {
    [File {
        name: "hearth.toml".to_owned(),
        text: text.to_owned(),
    }]
}

fn read(text: &str) -> (Config, Places) {
    let (files, findings) = (files(text), Findings::default());
    let (config, places) = read_files(&files, Path::new("/"), &findings);
    check::whole(&config, &places, &files, &findings);
    let warnings = findings.into_result(files.to_vec()).unwrap();
    assert!(warnings.is_empty(), "{warnings}");
    (config, places)
}

fn rule(name: &str) -> RuleSettings {
    let (config, _) = read(TEXT);
    let mut rules = config.rules.into_iter();
    rules.find(|rule| rule.name == name).unwrap()
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn trigger(topic: &str, test: Test, hold: u64) -> TriggerSettings {
    TriggerSettings {
        hold: seconds(hold),
        ..TriggerSettings::topic(topic, test)
    }
}

fn matching(pattern: &str, test: Test, hold: u64) -> TriggerSettings {
    TriggerSettings {
        subject: Subject::Matches(Pattern::parse(pattern).unwrap()),
        ..trigger("", test, hold)
    }
}

#[test]
fn triggers_mean_what_they_say() {
    let rule = rule("Triggers");
    let text = |text: &str| Value::parse(text);
    let (door, lux) = ("home/hall/door", "home/hall/lux");
    let (above, below) = (
        Test::Above {
            limit: 28.0,
            until_below: 26.5,
        },
        Test::Below {
            limit: 5.0,
            until_above: 7.0,
        },
    );
    let expected = [
        trigger(door, Test::Is(text("open")), 30),
        trigger(door, Test::IsNot(text("closed")), 0),
        trigger(lux, above, 0),
        trigger(lux, below, 0),
        trigger(lux, Test::Changes, 0),
        trigger("home/hall/bell", Test::Comes, 0),
        trigger(lux, Test::Quiet, 600),
        matching("home/{room}/window", Test::Is(text("open")), 300),
        matching("home/+/temperature", Test::Quiet, 3600),
        trigger("hearth/board/shed/status", Test::Is(text("offline")), 60),
        trigger("hearth/board/shed/status", Test::Is(text("online")), 0),
        trigger("hearth/hook/doorbell", Test::Comes, 0),
        trigger("hearth/rule/triggers/press", Test::Comes, 0),
    ];
    assert_eq!(rule.when, expected);
    let clocks: Vec<&str> = rule
        .clocks
        .iter()
        .map(|clock| clock.text.as_str())
        .collect();
    let cron = "the time of cron */15 6-22 * * mon-fri";
    let sunrise = "30m before sunrise on sat,sun";
    assert_eq!(
        clocks,
        ["07:30 on mon-fri", cron, sunrise, "1h after sunset"]
    );
    assert!(rule.at_start);
    assert_eq!(rule.button.as_deref(), Some("Good night"));
}

#[test]
fn limits_and_modes_mean_what_they_say() {
    let limited = rule("Triggers");
    let condition = "value('home/hall/lux') < 20";
    assert_eq!(limited.condition.as_deref(), Some(condition));
    assert_eq!(limited.mode, Mode::Parallel { max: 3 });
    assert_eq!(limited.cooldown, seconds(600));
    let (times, per) = (10, seconds(3600));
    assert_eq!(limited.rate, Rate { times, per });
    assert_eq!(limited.after_downtime, AfterDowntime::Resume);
    assert_eq!(limited.allow_cycle, 2);

    let queued = rule("Actions");
    assert_eq!(queued.mode, Mode::Queued { max: 10 });
    assert_eq!(queued.after_downtime, AfterDowntime::Skip);

    let plain = rule("Tested");
    let bare = RuleSettings::new("Tested");
    assert_eq!((plain.mode, plain.rate), (Mode::Single, bare.rate));
    assert_eq!(plain.after_downtime, AfterDowntime::Fire);
    assert_eq!((plain.allow_cycle, plain.cooldown), (0, Duration::ZERO));
    assert_eq!((plain.keep, plain.at_start), (None, false));
}

fn set(thing: &str, to: &str) -> ActionSettings {
    ActionSettings::Set {
        thing: thing.to_owned(),
        to: to.to_owned(),
    }
}

fn delay(time: u64) -> ActionSettings {
    ActionSettings::Delay(seconds(time))
}

fn publish(topic: &str, payload: &str, qos: Qos, retain: bool) -> ActionSettings {
    ActionSettings::Publish {
        topic: topic.to_owned(),
        payload: payload.to_owned(),
        qos,
        retain,
    }
}

fn wait_for(condition: &str, minutes: u64, on_timeout: OnTimeout) -> ActionSettings {
    ActionSettings::WaitFor {
        condition: condition.to_owned(),
        timeout: seconds(minutes * 60),
        on_timeout,
    }
}

fn arm(condition: &str, then: Vec<ActionSettings>) -> Arm {
    Arm {
        condition: condition.to_owned(),
        then,
    }
}

fn repeat(times: u32, condition: Option<&str>, body: Vec<ActionSettings>) -> ActionSettings {
    ActionSettings::Repeat {
        times,
        condition: condition.map(str::to_owned),
        body,
    }
}

fn notify(message: &str, to: Channel, timeout: u64, retries: u32) -> NotifySettings {
    NotifySettings {
        message: message.to_owned(),
        title: None,
        to,
        timeout: seconds(timeout),
        retries,
    }
}

#[test]
fn actions_mean_what_they_say() {
    let lamp = "home/hall/lamp";
    let rounds = vec![set(lamp, "off"), delay(2)];
    let choose = ActionSettings::Choose {
        arms: vec![
            arm(
                "hour() < 7",
                vec![delay(1), repeat(5, Some("round < 3"), rounds)],
            ),
            arm("hour() > 21", vec![ActionSettings::Stop]),
            arm("true", Vec::new()),
        ],
        otherwise: vec![delay(3)],
    };
    let scene = vec![
        (Thing::new("hall", "lamp"), "on".to_owned()),
        (Thing::new("attic", "fan"), "30".to_owned()),
    ];
    let news = notify(
        "{{ room }} is open",
        Channel::Topic("home-news".to_owned()),
        10,
        3,
    );
    let ntfy = Channel::Ntfy("https://ntfy.sh/my-house".to_owned());
    let hook = Channel::Webhook("http://192.168.1.20:8123/api/hook?x=1".to_owned());
    let closed = "value('home/hall/door') == 'closed'";
    let expected = [
        set(lamp, "on"),
        set("home/{{ room }}/heater", "{{ 20 + 1 }}"),
        publish("log/{{ room }}", "{{ payload }}", Qos::ExactlyOnce, true),
        publish("bell", "1", Qos::AtMostOnce, false),
        ActionSettings::Scene(scene),
        delay(300),
        wait_for(closed, 10, OnTimeout::GoOn),
        wait_for("sun_up()", 720, OnTimeout::Stop),
        choose,
        repeat(1000, None, vec![delay(4)]),
        ActionSettings::Notify(news),
        ActionSettings::Notify(NotifySettings {
            title: Some("Window".to_owned()),
            ..notify("Open", ntfy, 5, 0)
        }),
        ActionSettings::Notify(notify("Open", hook, 10, 3)),
        ActionSettings::Enable("Keeps while".to_owned()),
        ActionSettings::Disable("Keeps while".to_owned()),
        ActionSettings::Stop,
    ];
    assert_eq!(rule("Actions").then, expected);
    let restarts = rule("Restarts");
    assert_eq!(restarts.then, [set(lamp, "on"), delay(60)]);
    assert_eq!(restarts.mode, Mode::Restart);
    assert!(restarts.at_start);
}

#[test]
fn what_is_kept_is_what_the_rule_says() {
    let keep = |thing: &str, at: &str| KeepSettings {
        thing: Thing::new("pond", thing),
        at: at.to_owned(),
        condition: None,
        inverted: false,
        otherwise: None,
    };
    let expected = KeepSettings {
        condition: Some("value('home/pond/level') > 20".to_owned()),
        otherwise: Some("off".to_owned()),
        ..keep("pump", "on")
    };
    let pump = rule("Keeps while");
    assert_eq!(pump.keep, Some(expected));
    let (times, per) = (1, seconds(30));
    assert_eq!(pump.rate, Rate { times, per });
    let expected = KeepSettings {
        condition: Some("sun_up()".to_owned()),
        inverted: true,
        ..keep("heater", "21.5")
    };
    assert_eq!(rule("Keeps unless").keep, Some(expected));
    assert_eq!(rule("Keeps").keep, Some(keep("lamp", "on")));
}

#[test]
fn tests_mean_what_they_say() {
    let message = |minutes: u64, topic: &str, payload: &str, retain| Given {
        at: seconds(minutes * 60),
        what: Happening::Message {
            topic: topic.to_owned(),
            payload: payload.to_owned(),
            retain,
        },
    };
    let restart = |minutes: u64, down| Given {
        at: seconds(minutes * 60),
        what: Happening::Restart(seconds(down)),
    };
    let test = rule("Tested").tests.remove(0);
    let given = [
        message(0, "home/hall/door", "closed", true),
        message(1, "home/hall/door", "open", false),
        restart(2, 0),
        restart(3, 600),
        message(4, "hearth/board/shed/status", "offline", true),
        message(5, "hearth/board/shed/status", "online", true),
        message(6, "hearth/rule/tested/press", "Good night", false),
        message(7, "hearth/hook/doorbell", "1", false),
        message(8, "hearth/hook/doorbell", "", false),
    ];
    assert_eq!(test.given, given);
    let lamp = "home/hall/lamp/set";
    let expect = [
        Expectation {
            after: seconds(60),
            before: Some(seconds(120)),
            times: Some(2),
            ..Expectation::message(lamp, Some("off"))
        },
        Expectation::message("bell", Some("1")),
        Expectation {
            what: Expected::Notice("part of it".to_owned()),
            ..Expectation::message("", None)
        },
    ];
    assert_eq!(test.expect, expect);
    assert_eq!(test.expect_not, [Expectation::message(lamp, None)]);
}

/// The text at a place of the rule with this name.
fn at(name: &str, at: Where, within: Option<(&str, &str)>) -> String {
    let (config, places) = read(TEXT);
    let rule = config.rules.iter().position(|rule| rule.name == name);
    let within = within.map(|(text, part)| {
        let start = text.find(part).unwrap();
        Within {
            text: text.to_owned(),
            range: start..start + part.len(),
        }
    });
    let problem = RuleProblem {
        rule: rule.unwrap(),
        at,
        within,
        other: None,
        message: String::new(),
        hint: None,
    };
    let spot = check::place(problem, &places, &files(TEXT)).spot().unwrap();
    TEXT[spot.span].to_owned()
}

#[test]
fn actions_are_counted_each_before_those_within_it() {
    let action = |nth| at("Actions", Where::Then(nth), None);
    assert_eq!(action(0), r#"{ set = "home/hall/lamp", to = "on" }"#);
    assert!(action(8).starts_with("{ choose = ["));
    assert_eq!(action(9), r#"{ delay = "1s" }"#);
    assert!(action(10).starts_with("{ repeat = 5"));
    assert_eq!(action(11), r#"{ set = "home/hall/lamp", to = "off" }"#);
    assert_eq!(action(12), r#"{ delay = "2s" }"#);
    assert_eq!(action(13), "{ stop = true }");
    assert_eq!(
        action(14),
        r#"{ delay = "3s" }"#,
        "else comes after the arms"
    );
    assert!(action(15).starts_with("{ repeat = 1000"));
    assert_eq!(action(16), r#"{ delay = "4s" }"#);
    assert_eq!(action(22), "{ stop = true }", "the last one");
}

#[test]
fn triggers_and_expressions_are_found_where_they_stand() {
    let when = |nth| at("Triggers", Where::When(nth), None);
    assert!(when(0).contains(r#"is = "open""#));
    assert_eq!(when(11), r#"{ webhook = "doorbell" }"#);
    assert_eq!(when(12), r#"{ button = "Good night" }"#);
    let clock = at("Triggers", Where::Clock(3), None);
    assert_eq!(clock, r#"{ sunset = "1h" }"#);
    let keep = Some(("value('home/pond/level') > 20", "level"));
    assert_eq!(at("Keeps while", Where::Keep, keep), "level");
    let below_a_header = Some(("sun_up()", "sun_up"));
    assert_eq!(at("Keeps unless", Where::Keep, below_a_header), "sun_up");
    let elsewhere = Some(("value('home/pond/level') > 20", "level"));
    assert_eq!(at("Keeps unless", Where::Keep, elsewhere), "[rule.keep]");
}
