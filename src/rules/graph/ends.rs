//! The two ends of a connection: what a rule says, and what it listens to.

use std::mem::discriminant;

use crate::home::Value;
use crate::rules::asked::Asked;
use crate::rules::rule::{ActionSettings, Channel, KeepSettings, RuleSettings, Subject, Test};
use crate::rules::schedule::Place;
use crate::rules::trace::spoken;

/// Stands for a `{{ … }}` while a topic is cut into levels; no topic holds it.
const BLANK: char = '\0';

/// A topic that a rule says something to.
#[derive(Clone, Debug)]
pub(super) struct Says {
    pub verb: &'static str,
    /// As the user wrote it, without the `/set` of a command.
    pub topic: String,
    /// Where it may be heard: the topic itself, and the state that answers a command.
    heard_at: Vec<Levels>,
    /// What it says, if that is always the same.
    pub payload: Option<String>,
}

/// A topic, or many, whose messages make a rule look.
#[derive(Clone, Debug)]
pub(super) struct Hears {
    /// As the user wrote it.
    pub topic: String,
    levels: Levels,
    /// A `keep` has none: it looks at every change.
    test: Option<Test>,
    /// `above 28`, for a picture.
    pub words: String,
}

/// The levels of a topic or a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Levels(Vec<Level>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Word(String),
    Any,
    Rest,
}

impl Says {
    /// Everything that a rule says, nested actions included.
    pub fn of(rule: &RuleSettings) -> Vec<Says> {
        let mut all = Vec::new();
        collect(&rule.then, &mut all);
        if let Some(keep) = &rule.keep {
            let levels = [Some(&keep.at), keep.otherwise.as_ref()];
            let levels = levels.into_iter().flatten();
            all.extend(levels.map(|level| command("keeps", &keep.thing.topic(), level)));
        }
        all
    }

    fn new(verb: &'static str, topic: &str, payload: &str) -> Says {
        let levels = Levels::of_template(topic);
        let answer = levels.answer();
        Says {
            verb,
            topic: topic.to_owned(),
            heard_at: std::iter::once(levels).chain(answer).collect(),
            payload: (!payload.contains("{{")).then(|| payload.to_owned()),
        }
    }

    /// The topics where it may be heard; none if they are not known by name.
    pub fn names(&self) -> Option<Vec<String>> {
        self.heard_at.iter().map(Levels::name).collect()
    }

    /// Whether it may say something to this very topic.
    pub fn is_said_to(&self, topic: &str) -> bool {
        self.heard_at
            .first()
            .is_some_and(|said| said.meets(&Levels::of_topic(topic)))
    }

    /// Whether it can start the rule that listens so.
    pub fn reaches(&self, hears: &Hears) -> bool {
        let heard = self.heard_at.iter().any(|said| said.meets(&hears.levels));
        let payload = self.payload.as_deref().map(Value::parse);
        heard && hears.may_fire(payload.as_ref())
    }
}

fn command(verb: &'static str, thing: &str, to: &str) -> Says {
    Says {
        topic: thing.to_owned(),
        ..Says::new(verb, &format!("{thing}/set"), to)
    }
}

fn collect(actions: &[ActionSettings], all: &mut Vec<Says>) {
    for action in actions {
        match action {
            ActionSettings::Set { thing, to } => all.push(command("sets", thing, to)),
            ActionSettings::Publish { topic, payload, .. } => {
                all.push(Says::new("publishes", topic, payload));
            }
            ActionSettings::Scene(levels) => {
                let set = |(thing, to): &(crate::home::Thing, String)| {
                    command("sets", &thing.topic(), to)
                };
                all.extend(levels.iter().map(set));
            }
            ActionSettings::Notify(words) => {
                if let Channel::Topic(topic) = &words.to {
                    all.push(Says::new("tells", topic, &words.message));
                }
            }
            ActionSettings::Choose { arms, otherwise } => {
                for arm in arms {
                    collect(&arm.then, all);
                }
                collect(otherwise, all);
            }
            ActionSettings::Repeat { body, .. } => collect(body, all),
            // To be turned on is not to be started.
            ActionSettings::Enable(_) | ActionSettings::Disable(_) => {}
            ActionSettings::Delay(_) | ActionSettings::WaitFor { .. } | ActionSettings::Stop => {}
        }
    }
}

impl Hears {
    /// Everything whose messages can start a rule. What its `if` asks does not.
    pub fn of(rule: &RuleSettings) -> Vec<Hears> {
        let triggers = rule.when.iter().map(|trigger| Hears {
            topic: trigger.subject.to_string(),
            levels: match &trigger.subject {
                Subject::Topic(topic) => Levels::of_topic(topic),
                Subject::Matches(pattern) => Levels::of_filter(&pattern.filter()),
            },
            words: words(&trigger.test, trigger.hold),
            test: Some(trigger.test.clone()),
        });
        triggers
            .chain(rule.keep.iter().flat_map(asked_by))
            .collect()
    }

    /// The one topic that it listens to; none if there may be many.
    pub fn name(&self) -> Option<String> {
        self.levels.name()
    }

    /// Whether it is a condition that asks, and no trigger that waits.
    pub fn is_asked(&self) -> bool {
        self.test.is_none()
    }

    /// Whether a message that says this, if it is known, can make the rule act.
    fn may_fire(&self, payload: Option<&Value>) -> bool {
        let (Some(test), Some(value)) = (&self.test, payload) else {
            return self.test != Some(Test::Quiet);
        };
        match test {
            Test::Is(wanted) => value == wanted,
            Test::IsNot(unwanted) => {
                discriminant(value) == discriminant(unwanted) && value != unwanted
            }
            Test::Above { limit, .. } => value.as_number().is_some_and(|number| number > *limit),
            Test::Below { limit, .. } => value.as_number().is_some_and(|number| number < *limit),
            Test::Changes | Test::Comes => true,
            // A message puts it off, and never starts it.
            Test::Quiet => false,
        }
    }
}

/// A `keep` looks whenever something changes that its condition asks.
fn asked_by(keep: &KeepSettings) -> Vec<Hears> {
    let condition = keep.condition.as_deref();
    let asked = condition.and_then(|text| Asked::new(text, &Place::default()));
    let inputs = asked.iter().flat_map(Asked::inputs);
    inputs
        .filter(|input| !input.topic.is_empty())
        .map(|input| Hears {
            levels: Levels::of_topic(&input.topic),
            topic: input.topic,
            test: None,
            words: "looks".to_owned(),
        })
        .collect()
}

fn words(test: &Test, hold: std::time::Duration) -> String {
    let test = match test {
        Test::Is(value) => format!("is {value}"),
        Test::IsNot(value) => format!("is not {value}"),
        Test::Above { limit, .. } => format!("above {limit}"),
        Test::Below { limit, .. } => format!("below {limit}"),
        Test::Changes => "changes".to_owned(),
        Test::Comes => "comes".to_owned(),
        Test::Quiet => return format!("quiet for {}", spoken(hold)),
    };
    match hold.is_zero() {
        true => test,
        false => format!("{test} for {}", spoken(hold)),
    }
}

impl Levels {
    fn of_topic(topic: &str) -> Levels {
        Levels(topic.split('/').map(Level::word).collect())
    }

    fn of_filter(filter: &str) -> Levels {
        let level = |level: &str| match level {
            "+" => Level::Any,
            "#" => Level::Rest,
            word => Level::word(word),
        };
        Levels(filter.split('/').map(level).collect())
    }

    /// A level with a `{{ … }}` in it may be anything.
    fn of_template(template: &str) -> Levels {
        let level = |level: &str| match level.contains(BLANK) {
            true => Level::Any,
            false => Level::word(level),
        };
        Levels(blanked(template).split('/').map(level).collect())
    }

    fn name(&self) -> Option<String> {
        let words: Option<Vec<&str>> = self.0.iter().map(Level::as_word).collect();
        Some(words?.join("/"))
    }

    /// Where a thing answers, if this is a command: `home/x/y` for `home/x/y/set`.
    fn answer(&self) -> Option<Levels> {
        let home = |level: &Level| *level == Level::Any || *level == Level::word("home");
        match self.0.as_slice() {
            [first, room, name, set] if home(first) && *set == Level::word("set") => {
                Some(Levels(vec![first.clone(), room.clone(), name.clone()]))
            }
            _ => None,
        }
    }

    /// Whether there is a topic that both stand for.
    fn meets(&self, other: &Levels) -> bool {
        let (mut these, mut those) = (self.0.iter(), other.0.iter());
        loop {
            match (these.next(), those.next()) {
                (None, None) | (Some(Level::Rest), _) | (_, Some(Level::Rest)) => return true,
                (Some(Level::Word(this)), Some(Level::Word(that))) if this != that => return false,
                (Some(_), Some(_)) => {}
                (None, Some(_)) | (Some(_), None) => return false,
            }
        }
    }
}

impl Level {
    fn word(word: &str) -> Level {
        Level::Word(word.to_owned())
    }

    fn as_word(&self) -> Option<&str> {
        match self {
            Level::Word(word) => Some(word),
            Level::Any | Level::Rest => None,
        }
    }
}

/// The template with one character in place of each `{{ … }}`, whose own text may
/// hold slashes, and quoted brackets.
fn blanked(template: &str) -> String {
    let mut plain = String::new();
    let mut rest = template;
    while let Some((before, inner)) = rest.split_once("{{") {
        plain.push_str(before);
        plain.push(BLANK);
        rest = after_brackets(inner);
    }
    plain + rest
}

/// What follows the `}}` that is not within quotes.
fn after_brackets(inner: &str) -> &str {
    let mut quote = None;
    for (at, c) in inner.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None => {
                if let Some(rest) = inner[at..].strip_prefix("}}") {
                    return rest;
                }
            }
            Some(_) => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_stands_for_its_level() {
        let levels = |text| Levels::of_template(text);
        let topic = Levels::of_topic("home/hall/lamp");
        assert!(levels("home/{{ value('a/b') }}/lamp").meets(&topic));
        assert!(levels("home/h{{ '}}' + topic }}/lamp").meets(&topic));
        assert!(!levels("home/{{ topic }}").meets(&topic));
        assert!(!levels("home/{{ topic }}/fan").meets(&topic));
        assert_eq!(blanked("a{{ x }}b{{ y"), "a\0b\0");
    }

    #[test]
    fn filters_meet_where_a_topic_fits_both() {
        let meet = |a: &str, b: &str| Levels::of_filter(a).meets(&Levels::of_filter(b));
        for (a, b, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/+", true),
            ("+/b", "a/+", true),
            ("a/b/c", "a/#", true),
            ("a", "a/#", true),
            ("a/b", "a", false),
            ("a/+", "b/#", false),
            ("#", "x/y", true),
        ] {
            assert_eq!(meet(a, b), expected, "{a} {b}");
            assert_eq!(meet(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn a_payload_that_cannot_fire_reaches_nobody() {
        let reaches = |payload: &str, test: Test| {
            let hears = Hears {
                topic: "t".to_owned(),
                levels: Levels::of_topic("t"),
                test: Some(test),
                words: String::new(),
            };
            Says::new("publishes", "t", payload).reaches(&hears)
        };
        let above = || Test::Above {
            limit: 20.0,
            until_below: 20.0,
        };
        assert!(reaches("ON", Test::Is(Value::Switch(true))));
        assert!(!reaches("off", Test::Is(Value::Switch(true))));
        assert!(reaches("off", Test::IsNot(Value::Switch(true))));
        assert!(!reaches("unavailable", Test::IsNot(Value::Switch(true))));
        assert!(reaches("20.1", above()) && !reaches("20", above()));
        assert!(!reaches("off", above()));
        assert!(reaches("{{ payload }}", above()));
        assert!(reaches("x", Test::Comes) && reaches("x", Test::Changes));
        assert!(!reaches("x", Test::Quiet) && !reaches("{{ x }}", Test::Quiet));
    }
}
