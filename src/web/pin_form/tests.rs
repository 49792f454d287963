//! Forms that people fill in, and maps that go through one.

use proptest::prelude::*;

use super::*;
use crate::home::DeviceClass;

const MAP: &str = r#"{"silence":20,"things":[
  {"name":"moisture","kind":"analog","pin":"A0","every":0.5,"deadband":1.5,"scale":[0.25,100.0],"unit":"%","device_class":"moisture"},
  {"name":"pump","kind":"relay","pin":"D7","room":"orchard","active_low":true,"safe":true},
  {"name":"door","kind":"digital","pin":"D2","debounce":50,"pull_up":true},
  {"name":"lamp","kind":"pwm","pin":"D3","safe":12.5}],
 "rules":["pump on while moisture < 30, until 35"]}"#;

fn map() -> PinMap {
    serde_json::from_str(MAP).unwrap()
}

/// As a browser sends the form: ticked boxes alone, everything else always.
fn sent(form: &PinForm) -> Vec<(String, String)> {
    let mut fields = vec![("silence".to_owned(), form.silence.clone())];
    for (place, row) in form.rows.iter().enumerate() {
        let mut field = |name: &str, text: &str| {
            fields.push((format!("{name}-{}", place + 1), text.to_owned()));
        };
        field("name", &row.name);
        field("kind", &row.kind);
        field("pin", &row.pin);
        field("safe", &row.safe);
        field("every", &row.every);
        field("low", &row.low);
        field("high", &row.high);
        field("unit", &row.unit);
        for (name, ticked) in [("pull_up", row.pull_up), ("active_low", row.active_low)] {
            if ticked {
                field(name, "on");
            }
        }
    }
    for (place, rule) in form.rules.iter().enumerate() {
        fields.push((format!("rule-{}", place + 1), rule.clone()));
    }
    fields
}

fn reason(change: impl Fn(&mut PinForm)) -> (Place, String) {
    let mut form = PinForm::from(&map());
    change(&mut form);
    let problem = form.read(&map()).unwrap_err();
    (problem.place, problem.reason)
}

#[test]
fn a_map_that_goes_through_the_form_is_unchanged() {
    let form = PinForm::typed(sent(&PinForm::from(&map())));
    assert_eq!(form, PinForm::from(&map()));
    assert_eq!(form.read(&map()), Ok(map()));
    assert_eq!(form.first_free(), 4);
    assert_eq!(form.rows[1].summary(), "pump, relay on D7");
    assert_eq!(form.rows[7].summary(), "free");
}

#[test]
fn what_the_form_does_not_show_goes_with_the_name() {
    let mut form = PinForm::from(&map());
    form.rows.swap(0, 6);
    form.rows[1].name = "spare".to_owned();
    form.rows[2].pin = "D4".to_owned();
    let read = form.read(&map()).unwrap();
    let names: Vec<_> = read.things.iter().map(|thing| &*thing.name).collect();
    assert_eq!(names, ["spare", "door", "lamp", "moisture"]);
    assert_eq!(
        (&read.things[0].room, read.things[1].debounce),
        (&None, Some(50))
    );
    let moisture = &read.things[3];
    assert_eq!(
        (moisture.deadband, moisture.device_class),
        (Some(1.5), Some(DeviceClass::Moisture))
    );
}

#[test]
fn to_choose_nothing_takes_a_thing_away() {
    let mut form = PinForm::from(&map());
    form.rows[1].kind.clear();
    let read = form.read(&map()).unwrap();
    assert_eq!(read.things.len(), 3);
    assert!(read.things.iter().all(|thing| thing.name != "pump"));
}

#[test]
fn levels_are_words_or_numbers() {
    let safe = |typed: &str| {
        let mut form = PinForm::from(&map());
        form.rows[1].safe = typed.to_owned();
        form.read(&map()).unwrap().things[1].safe.clone()
    };
    assert_eq!(safe(""), None);
    assert_eq!(safe("on"), Some(Level::Switch(true)), "as it was written");
    assert_eq!(safe("off"), Some(Level::Text("off".to_owned())));
    assert_eq!(safe("50"), Some(Level::Number(50.0)));
}

#[test]
fn each_field_that_cannot_be_says_why_and_where() {
    for (change, place, said) in [
        (
            (|form| form.rows[4].name = "new".to_owned()) as fn(&mut PinForm),
            Place::Row(4),
            "new: choose what it is",
        ),
        (
            |form| form.rows[4].kind = "relay".to_owned(),
            Place::Row(4),
            "thing 5 has no name: give it one, or choose nothing to leave it out",
        ),
        (
            |form| form.rows[1].pin.clear(),
            Place::Row(1),
            "pump: choose its pin",
        ),
        (
            |form| form.rows[1].kind = "laser".to_owned(),
            Place::Row(1),
            "pump: there is no such kind of thing",
        ),
        (
            |form| form.rows[0].every = "often".to_owned(),
            Place::Row(0),
            "moisture: \"every\" is a number of seconds",
        ),
        (
            |form| form.rows[0].high.clear(),
            Place::Row(0),
            "moisture: say what both 0 V and 5 V mean, or neither",
        ),
        (
            |form| form.rows[0].low = "nan".to_owned(),
            Place::Row(0),
            "moisture: the ends of the scale are numbers",
        ),
        (
            |form| form.silence = "2".to_owned(),
            Place::Silence,
            "the silence is 0, or a whole number of seconds from 3 to 65535",
        ),
    ] {
        assert_eq!(reason(change), (place, said.to_owned()));
    }
}

#[test]
fn what_a_board_cannot_have_is_found_in_the_form() {
    let located = |change: fn(&mut PinForm)| {
        let mut form = PinForm::from(&map());
        change(&mut form);
        let problem = form.read(&map()).unwrap().plan("shed").unwrap_err();
        let problem = form.locate(&problem);
        (problem.href(), problem.reason)
    };
    let (href, reason) = located(|form| form.rows[3].pin = "D7".to_owned());
    assert_eq!(
        (&*href, &*reason),
        ("#thing-4", "lamp: D7 is used by pump already")
    );
    let (href, _) = located(|form| form.rows[3].name = "door".to_owned());
    assert_eq!(href, "#thing-4", "the later one of two");
    let (href, reason) = located(|form| form.rules[1] = "lamp on".to_owned());
    assert_eq!(href, "#rule-2");
    assert!(reason.starts_with("lamp on: this is no rule"), "{reason}");
}

proptest! {
    #[test]
    fn whatever_is_sent_is_read_or_refused(fields in prop::collection::vec(
        ("(name|kind|pin|every|low|safe|rule|silence|x)(-[0-9]{1,3})?", "[a-zA-Z0-9 .-]{0,6}"), 0..20,
    )) {
        let form = PinForm::typed(fields);
        prop_assert_eq!(form.rows.len(), MAX_THINGS);
        match form.read(&map()) {
            Ok(read) => prop_assert!(read.things.len() <= MAX_THINGS),
            Err(problem) => prop_assert!(!problem.reason.is_empty()),
        }
    }
}
