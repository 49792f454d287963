//! Lines as Hearth writes them, as others do, and as nobody should.

use super::*;
use crate::clock::ClockQuality;
use crate::history::formats::Format;
use crate::history::formats::tests::{read_all, row, written};
use crate::history::sample::Origin;

const AT: i64 = 1_795_860_000_000;

fn problem(text: &str) -> String {
    let mut reader = Reader::new(text.as_bytes());
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nothing is wrong with {text}"),
            Err(error) => return error.to_string(),
        }
    }
}

fn topics(text: &str) -> Vec<(String, Value)> {
    let rows = read_all(Reader::new(text.as_bytes()));
    let both = |row: Row| (row.topic.to_string(), row.sample.value);
    rows.into_iter().map(both).collect()
}

#[test]
fn a_line_names_thing_room_topic_and_unit() {
    let mut cold = row("home/hall/temperature", AT, Value::Number(-3.5));
    cold.unit = Some("°C".into());
    let mut fan = row("home/hall/fan/set", AT, Value::Switch(true));
    fan.sample.clock = ClockQuality::Rtc;
    fan.sample.origin = Some(Origin {
        boot: 7,
        sequence: 9,
    });
    let note = row("home/hall/a b", AT, Value::Text("a \"b\"\n".into()));
    let expected = r#"temperature,room=hall,topic=home/hall/temperature,unit=°C value=-3.5 1795860000000000000
fan_set,room=hall,topic=home/hall/fan/set on=true,clock="rtc",boot=7i,sequence=9i 1795860000000000000
a\ b,room=hall,topic=home/hall/a\ b text="a \"b\"\n" 1795860000000000000
"#;
    assert_eq!(written(Format::Line, &[cold, fan, note]), expected);
}

#[test]
fn a_number_sign_is_escaped_only_where_it_would_begin_a_remark() {
    let mut dust = row("#dust", AT, Value::Number(1.0));
    dust.unit = Some("#/cm³".into());
    let line = of(&dust).unwrap();
    assert!(
        line.starts_with("\\#dust,topic=#dust,unit=#/cm³ "),
        "{line}"
    );
    assert_eq!(read_all(Reader::new(line.as_bytes())), [dust]);
}

#[test]
fn rows_of_one_millisecond_do_not_take_each_others_place() {
    let same = row("home/a/x", AT, Value::Number(1.0));
    let other = row("home/a/y", AT, Value::Number(1.0));
    let later = row("home/a/x", AT + 1, Value::Number(1.0));
    let text = written(Format::Line, &[same.clone(), other, same, later]);
    let times: Vec<&str> = text
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap().1)
        .collect();
    assert_eq!(
        times,
        [
            "1795860000000000000",
            "1795860000000000000",
            "1795860000000000001",
            "1795860000001000000"
        ]
    );
    let ats: Vec<i64> = read_all(Reader::new(text.as_bytes()))
        .iter()
        .map(|row| row.sample.at.0)
        .collect();
    assert_eq!(ats, [AT, AT, AT, AT + 1]);
}

#[test]
fn a_time_that_nanoseconds_cannot_tell_is_not_carried() {
    let mut writer = Writer::new(Vec::new());
    let told = writer.write(&row("home/a/x", i64::MAX, Value::Number(1.0)));
    assert!(matches!(told, Err(WriteError::Uncarried(_))));
    let row = row("home/a/x", -1, Value::Number(1.0));
    let line = of(&row).unwrap();
    assert_eq!(line, "x,room=a,topic=home/a/x value=1 -1000000");
    assert_eq!(read_all(Reader::new(line.as_bytes())), [row]);
}

#[test]
fn lines_of_others_are_read() {
    let text = "# from Telegraf\n\
        mqtt_consumer,host=pi,topic=home/a/x value=21.5,qos=1i 1795860000000000000\n\
        temperature,room=b value=3 1795860000000000000\n\
        weather,site=roof hot=T,wind=2u,sky=\"grey \\\"x\\\"\",door=\"on\" 1795860000000000000  \n";
    let number = Value::Number;
    assert_eq!(
        topics(text),
        [
            ("home/a/x".into(), number(21.5)),
            (
                "mqtt_consumer,host=pi,topic=home/a/x qos".into(),
                number(1.0)
            ),
            ("home/b/temperature".into(), number(3.0)),
            ("weather,site=roof hot".into(), Value::Switch(true)),
            ("weather,site=roof wind".into(), number(2.0)),
            (
                "weather,site=roof sky".into(),
                Value::Text("grey \"x\"".into())
            ),
            ("weather,site=roof door".into(), Value::Switch(true)),
        ]
    );
}

#[test]
fn each_problem_is_told_with_its_place() {
    let good = "x,topic=home/a/x value=1 0";
    for (line, told) in [
        (
            "é value=1",
            "line 2, column 10: there is no time at the end: it is in nanoseconds since 1970",
        ),
        (
            "é value=1 noon",
            "line 2, column 11: `noon` is no time: it is in nanoseconds since 1970",
        ),
        (
            "é value=open 0",
            "line 2, column 9: `open` is no value: write 21.5, 3i, true, or a text in quotes",
        ),
        (
            "é value=inf 0",
            "line 2, column 9: `inf` cannot be kept: no finite number",
        ),
        (
            "é value=\"a 0",
            "line 2, column 9: this quote is not closed",
        ),
        (
            "é,a value=1 0",
            "line 2, column 4: a tag is written key=value",
        ),
        (
            "é,a=,b=1 value=1 0",
            "line 2, column 5: a name or value is missing here",
        ),
        (
            "é value 0",
            "line 2, column 8: a field is written key=value",
        ),
        (
            "é",
            "line 2, column 2: a space and a field are missing, such as value=21.5",
        ),
        (
            "é,topic=home/a/x value=1,boot=-1i 0",
            "line 2, column 31: a count is a whole number from 0 to 4294967295",
        ),
        (
            "é,topic=home/a/x value=1,boot=1i 0",
            "line 2, column 1: there is a boot, but no sequence",
        ),
        (
            "é,topic=home/a/x value=1,clock=\"sundial\" 0",
            "line 2, column 32: `sundial` is no clock: write synchronised, rtc or unknown",
        ),
    ] {
        assert_eq!(problem(&format!("{good}\n{line}\n")), told, "{line}");
    }
}
