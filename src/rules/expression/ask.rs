//! What an expression asks of the house, and what the clock answers.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time, Weekday};

use super::Answer;
use crate::clock::UtcMillis;
use crate::home::Value;
use crate::rules::schedule::{Place, is_up};
use crate::rules::trace::spoken;
use crate::rules::window::Fold;

/// The days of the week, as `weekday()` names them.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// One thing that must be known to evaluate an expression. Displayed as traces
/// name it: `home/hall/lux` for a value, else as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    pub ask: Ask,
}

/// A question to the house.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// `value('…')`: the current value of a topic.
    Value(String),
    /// `age('…')`: seconds since the topic's last message.
    Age(String),
    /// `since('…')`: seconds since the topic's value became what it is.
    Since(String),
    /// `avg('…', '10m')`, `min`, `max`: over the topic's numbers of the last time.
    Window {
        topic: String,
        over: Duration,
        fold: Fold,
    },
    /// `between('22:00', '06:00')`: from the first time, up to but not at the
    /// second, over midnight too.
    Between {
        from: Time,
        to: Time,
    },
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// `mon` to `sun`.
    Weekday,
    /// 1 to 12.
    Month,
    SunUp,
}

impl Ask {
    /// The topic that it is about, if it is about one.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Ask::Value(topic) | Ask::Age(topic) | Ask::Since(topic) | Ask::Window { topic, .. } => {
                Some(topic)
            }
            Ask::Between { .. }
            | Ask::Hour
            | Ask::Minute
            | Ask::Weekday
            | Ask::Month
            | Ask::SunUp => None,
        }
    }

    /// What the clock of the house answers; `Some(None)` if it cannot, as with the
    /// sun of no position. None if a topic is asked and not the clock.
    pub fn by_clock(&self, utc: UtcMillis, place: &Place) -> Option<Answer> {
        match self.topic() {
            Some(_) => None,
            None => Some(self.at(utc, place)),
        }
    }

    fn at(&self, utc: UtcMillis, place: &Place) -> Answer {
        let timestamp = Timestamp::from_millisecond(utc.0).ok()?;
        let local: DateTime = place.zone.to_datetime(timestamp);
        Some(match self {
            Ask::Between { from, to } => Value::Switch(is_between(local.time(), *from, *to)),
            Ask::Hour => Value::Number(local.hour().into()),
            Ask::Minute => Value::Number(local.minute().into()),
            Ask::Weekday => Value::Text(day(local.weekday()).to_owned()),
            Ask::Month => Value::Number(local.month().into()),
            Ask::SunUp => Value::Switch(is_up(utc, place.position?)),
            Ask::Value(_) | Ask::Age(_) | Ask::Since(_) | Ask::Window { .. } => return None,
        })
    }

    /// Whether the answer is `true` or `false` in an expression, and not `'on'`
    /// or `'off'` as a topic's value is.
    pub(super) fn is_truth(&self) -> bool {
        matches!(self, Ask::Between { .. } | Ask::SunUp)
    }
}

fn is_between(time: Time, from: Time, to: Time) -> bool {
    if from <= to {
        from <= time && time < to
    } else {
        from <= time || time < to
    }
}

fn day(day: Weekday) -> &'static str {
    let index = usize::try_from(day.to_monday_zero_offset()).unwrap_or(0);
    DAYS.get(index).copied().unwrap_or_default()
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ask {
            Ask::Value(topic) => f.write_str(topic),
            Ask::Age(topic) => write!(f, "age('{topic}')"),
            Ask::Since(topic) => write!(f, "since('{topic}')"),
            Ask::Window { topic, over, fold } => {
                write!(f, "{}('{topic}', '{}')", fold.word(), spoken(*over))
            }
            Ask::Between { from, to } => {
                write!(f, "between('{}', '{}')", Shown(*from), Shown(*to))
            }
            Ask::Hour => f.write_str("hour()"),
            Ask::Minute => f.write_str("minute()"),
            Ask::Weekday => f.write_str("weekday()"),
            Ask::Month => f.write_str("month()"),
            Ask::SunUp => f.write_str("sun_up()"),
        }
    }
}

/// A time of day, with its seconds if there are any.
struct Shown(Time);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())?;
        match self.0.second() {
            0 => Ok(()),
            second => write!(f, ":{second:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::rules::schedule::Position;

    /// 2026-03-29T00:30Z, a Sunday; Berlin's clocks skip the hour from 01:00Z.
    const NIGHT: UtcMillis = UtcMillis(1_774_744_200_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn berlin() -> Place {
        Place {
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            position: Position::new(52.5, 13.4).ok(),
        }
    }

    fn answer(ask: &Ask, at: UtcMillis) -> Answer {
        ask.by_clock(at, &berlin()).unwrap()
    }

    fn between(from: (i8, i8), to: (i8, i8), at: UtcMillis) -> Answer {
        let (from, to) = (time(from.0, from.1, 0, 0), time(to.0, to.1, 0, 0));
        answer(&Ask::Between { from, to }, at)
    }

    #[test]
    fn the_clock_of_the_house_answers() {
        let number = |n: f64| Some(Value::Number(n));
        assert_eq!(answer(&Ask::Hour, NIGHT), number(1.0));
        assert_eq!(answer(&Ask::Hour, NIGHT + HOUR), number(3.0));
        assert_eq!(answer(&Ask::Minute, NIGHT), number(30.0));
        assert_eq!(answer(&Ask::Month, NIGHT), number(3.0));
        assert_eq!(
            answer(&Ask::Weekday, NIGHT),
            Some(Value::Text("sun".into()))
        );
        let saturday = NIGHT - HOUR * 2;
        assert_eq!(
            answer(&Ask::Weekday, saturday),
            Some(Value::Text("sat".into()))
        );
        assert_eq!(answer(&Ask::SunUp, NIGHT), Some(Value::Switch(false)));
        assert_eq!(
            answer(&Ask::SunUp, NIGHT + HOUR * 10),
            Some(Value::Switch(true))
        );
    }

    #[test]
    fn what_the_clock_cannot_answer_is_null_and_a_topic_is_not_its_business() {
        assert_eq!(Ask::SunUp.by_clock(NIGHT, &Place::default()), Some(None));
        assert_eq!(answer(&Ask::Hour, UtcMillis(i64::MAX)), None);
        let value = Ask::Value("a".to_owned());
        assert_eq!(value.by_clock(NIGHT, &berlin()), None);
        assert_eq!((value.topic(), Ask::Hour.topic()), (Some("a"), None));
    }

    #[test]
    fn a_span_of_the_day_has_its_start_and_not_its_end() {
        let yes = Some(Value::Switch(true));
        let no = Some(Value::Switch(false));
        assert_eq!(between((1, 30), (1, 31), NIGHT), yes);
        assert_eq!(between((1, 0), (1, 30), NIGHT), no);
        assert_eq!(between((22, 0), (6, 0), NIGHT), yes);
        assert_eq!(between((22, 0), (1, 30), NIGHT), no);
        assert_eq!(between((1, 31), (1, 30), NIGHT), no);
        assert_eq!(between((1, 30), (1, 29), NIGHT), yes);
    }

    #[test]
    fn inputs_are_named_as_they_are_written() {
        let shown = |ask: Ask| Input { ask }.to_string();
        assert_eq!(shown(Ask::Value("home/hall/lux".into())), "home/hall/lux");
        assert_eq!(shown(Ask::Since("t".into())), "since('t')");
        let window = Ask::Window {
            topic: "t".into(),
            over: Duration::from_secs(600),
            fold: Fold::Least,
        };
        assert_eq!(shown(window), "min('t', '10m')");
        let (from, to) = (time(22, 0, 0, 0), time(6, 0, 30, 0));
        assert_eq!(
            shown(Ask::Between { from, to }),
            "between('22:00', '06:00:30')"
        );
    }
}
