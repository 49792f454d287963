//! What a trigger has to say, for traces.

use super::Trigger;
use crate::home::Value;
use crate::rules::rule::Test;
use crate::rules::trace::spoken;

impl Trigger {
    /// `to rise above 28 and stay there for 30s`
    pub fn awaited(&self) -> String {
        let test = match &self.test {
            Test::Is(value) => format!("to become {value}"),
            Test::Above { limit, .. } => format!("to rise above {limit}"),
            Test::Below { limit, .. } => format!("to fall below {limit}"),
            Test::IsNot(value) => format!("to become another than {value}"),
            Test::Changes => "to change".to_owned(),
            Test::Comes => format!("to {}", self.arrival().0),
            Test::Quiet => return format!("to be silent for {}", spoken(self.hold)),
        };
        match self.stay() {
            Some(hold) => format!("{test} and stay {} for {hold}", self.there()),
            None => test,
        }
    }

    /// `home/a/b rose above 28 (28.4)`
    pub fn happened(&self) -> String {
        let topic = self.name();
        let value = shown(self.last());
        let was_judged = self.before.is_some();
        let came = |moved: &'static str| if was_judged { moved } else { "was found" };
        match &self.test {
            Test::Is(wanted) if was_judged => format!("{topic} became {wanted}"),
            Test::Is(wanted) => format!("{topic} was found {wanted}"),
            Test::Above { limit, .. } => {
                format!("{topic} {} above {limit} ({value})", came("rose"))
            }
            Test::Below { limit, .. } => {
                format!("{topic} {} below {limit} ({value})", came("fell"))
            }
            Test::IsNot(unwanted) if was_judged => {
                format!("{topic} became {value}, not {unwanted}")
            }
            Test::IsNot(unwanted) => format!("{topic} was found {value}, not {unwanted}"),
            Test::Changes => format!("{topic} changed from {} to {value}", shown(self.before())),
            Test::Comes => match self.arrival().1 {
                "was pressed" => format!("{topic} was pressed"),
                verb => format!("{topic} {verb} {value}"),
            },
            Test::Quiet => self.was_silent(),
        }
    }

    /// `home/a/b rose above 28 (28.4) and stayed there for 30s`
    pub fn fired(&self) -> String {
        match (self.stay(), &self.test) {
            (_, Test::Quiet) => self.was_silent(),
            (None, _) | (_, Test::Comes) => self.happened(),
            // Values that came while it held are not what it became.
            (Some(hold), Test::Changes) => {
                let topic = self.name();
                format!(
                    "{topic} changed to {} and stayed so for {hold}",
                    shown(self.last())
                )
            }
            (Some(hold), Test::Above { limit, .. }) => self.stayed("above", *limit, &hold),
            (Some(hold), Test::Below { limit, .. }) => self.stayed("below", *limit, &hold),
            (Some(hold), Test::Is(wanted)) => {
                format!("{} was {wanted} for {hold}", self.name())
            }
            (Some(hold), Test::IsNot(unwanted)) => {
                format!("{} was not {unwanted} for {hold}", self.name())
            }
        }
    }

    /// Whose values it looks at, as sentences name it.
    pub fn name(&self) -> String {
        let topic = self.topic();
        match whose(topic) {
            Whose::Button => "the button".to_owned(),
            Whose::Hook(name) => format!("the webhook {name}"),
            Whose::Board(name) => format!("the board {name}"),
            Whose::Topic => topic.to_owned(),
        }
    }

    /// What a message is to it: to be waited for, and past.
    fn arrival(&self) -> (&'static str, &'static str) {
        match whose(self.topic()) {
            Whose::Button => ("be pressed", "was pressed"),
            Whose::Hook(_) => ("be called", "was called with"),
            Whose::Board(_) | Whose::Topic => ("say something", "said"),
        }
    }

    fn was_silent(&self) -> String {
        let silence = spoken(self.hold);
        format!("{} said nothing for {silence}", self.name())
    }

    fn stayed(&self, side: &str, limit: f64, hold: &str) -> String {
        let moved = if side == "above" { "rose" } else { "fell" };
        format!(
            "{} {moved} {side} {limit} ({}) and stayed there for {hold}",
            self.name(),
            shown(self.last())
        )
    }

    /// `home/a/b rose above 28 (28.4); it must stay there for 30s`
    pub fn held(&self) -> String {
        let hold = self.stay().unwrap_or_default();
        format!(
            "{}; it must stay {} for {hold}",
            self.happened(),
            self.there()
        )
    }

    /// `home/a/b came back to 25 before 30s were over`
    pub fn broken(&self) -> String {
        let hold = self.stay().unwrap_or_default();
        let value = shown(self.last());
        format!(
            "{} came back to {value} before {hold} were over",
            self.name()
        )
    }

    /// `home/a/b came back to 25; ready to fire again`
    pub fn rearmed(&self) -> String {
        let value = shown(self.last());
        if self.is_quiet() {
            let topic = self.name();
            return format!("{topic} speaks again ({value}); ready to fire again");
        }
        format!("{} came back to {value}; ready to fire again", self.name())
    }

    fn stay(&self) -> Option<String> {
        let hold = self.hold;
        (!hold.is_zero()).then(|| spoken(hold))
    }

    fn there(&self) -> &'static str {
        match self.test {
            Test::Above { .. } | Test::Below { .. } => "there",
            Test::Is(_) | Test::IsNot(_) | Test::Changes | Test::Comes | Test::Quiet => "so",
        }
    }
}

/// Topics of the house that people know by another name.
enum Whose<'a> {
    Button,
    Hook(&'a str),
    Board(&'a str),
    Topic,
}

fn whose(topic: &str) -> Whose<'_> {
    let within = |before: &str, after: &str| {
        let rest = topic.strip_prefix(before)?.strip_suffix(after)?;
        (!rest.contains('/')).then_some(rest)
    };
    if within("hearth/rule/", "/press").is_some() {
        Whose::Button
    } else if let Some(name) = within("hearth/hook/", "") {
        Whose::Hook(name)
    } else if let Some(name) = within("hearth/board/", "/status") {
        Whose::Board(name)
    } else {
        Whose::Topic
    }
}

/// A value within a sentence.
pub fn shown(value: Option<&Value>) -> String {
    const LONGEST: usize = 40;
    match value {
        None => "nothing".to_owned(),
        Some(value) => {
            let text = value.to_string();
            match text.char_indices().nth(LONGEST) {
                Some((cut, _)) => format!("{}…", &text[..cut]),
                None if text.is_empty() => "an empty text".to_owned(),
                None => text,
            }
        }
    }
}
