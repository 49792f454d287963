//! What a rule decided and why, as the page and any MQTT client can read it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::UtcMillis;
use crate::home::Value;

/// One evaluation of a rule. Its JSON is retained at `hearth/rule/<rule>/last`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The rule's name, as the user wrote it.
    pub rule: String,
    /// UTC milliseconds.
    pub at: UtcMillis,
    pub outcome: Verdict,
    /// One English sentence.
    pub because: String,
    /// The message that led here; absent at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Cause>,
    /// The condition's text, if the rule has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// What the condition saw: topic, or `age('topic')` in seconds, to its value.
    pub values: BTreeMap<String, serde_json::Value>,
    /// What was published, in order.
    pub actions: Vec<Published>,
    /// What was done besides, in order: `waits 5m`, `chose the second way`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// Traces of actions that go on over time share a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// The rules whose actions led here, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// When the rule last fired, in UTC milliseconds: what came since, such as
    /// a trigger that is ready again, does not hide it. Absent until it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fired: Option<UtcMillis>,
    /// Microseconds that the engine took for the message that led here.
    pub took_us: u64,
}

/// How an evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing to do yet.
    Waiting,
    /// The trigger's test holds, its time is not over.
    Holding,
    /// The actions were done, or have begun.
    Fired,
    /// Actions that had begun went on, and wait again.
    Running,
    /// Actions that had begun are over.
    Done,
    /// The trigger fired, the condition was false.
    ConditionFalse,
    /// The trigger fired while the rule's mode, its cooldown or its being turned off let
    /// it pass.
    Passed,
    /// It could not be decided, or the rule was held back.
    Error,
}

/// The trigger of a trace and the two values it compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    pub topic: String,
    pub before: serde_json::Value,
    pub after: serde_json::Value,
}

/// One action of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub topic: String,
    pub payload: String,
}

/// A value as conditions see it: a number, a text, `"on"`, `"off"` or null.
pub fn as_json(value: Option<&Value>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(Value::Number(number)) => (*number).into(),
        Some(other) => other.to_string().into(),
    }
}

/// A duration as the config writes it: `1h30m`, `30s`, `250ms`.
pub fn spoken(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, millis) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ] {
        if rest >= millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spoken_as_they_are_written() {
        let spoken_ms = |ms| spoken(Duration::from_millis(ms));
        assert_eq!(spoken_ms(0), "0s");
        assert_eq!(spoken_ms(250), "250ms");
        assert_eq!(spoken_ms(30_000), "30s");
        assert_eq!(spoken_ms(5_400_000), "1h30m");
        assert_eq!(spoken_ms(90_061_001), "1d1h1m1s1ms");
    }

    #[test]
    fn the_json_of_a_trace_is_frozen() {
        let trace = Trace {
            rule: "Fan on".to_owned(),
            at: UtcMillis(1_780_000_000_000),
            outcome: Verdict::ConditionFalse,
            because: "home/a/b rose above 28 (28.4); condition was false".to_owned(),
            trigger: Some(Cause {
                topic: "home/a/b".to_owned(),
                before: as_json(Some(&Value::Number(27.5))),
                after: as_json(Some(&Value::Number(28.4))),
            }),
            condition: Some("value('home/a/c') != 'on'".to_owned()),
            values: BTreeMap::from([
                ("home/a/c".to_owned(), as_json(Some(&Value::Switch(true)))),
                ("home/a/d".to_owned(), as_json(None)),
            ]),
            actions: vec![Published {
                topic: "home/a/fan/set".to_owned(),
                payload: "on".to_owned(),
            }],
            steps: Vec::new(),
            run: None,
            chain: Vec::new(),
            last_fired: Some(UtcMillis(1_779_999_000_000)),
            took_us: 12,
        };
        let json = serde_json::to_string(&trace).unwrap();
        assert_eq!(
            json,
            r#"{"rule":"Fan on","at":1780000000000,"outcome":"condition_false","because":"home/a/b rose above 28 (28.4); condition was false","trigger":{"topic":"home/a/b","before":27.5,"after":28.4},"condition":"value('home/a/c') != 'on'","values":{"home/a/c":"on","home/a/d":null},"actions":[{"topic":"home/a/fan/set","payload":"on"}],"last_fired":1779999000000,"took_us":12}"#
        );
        assert_eq!(serde_json::from_str::<Trace>(&json).unwrap(), trace);
    }
}
