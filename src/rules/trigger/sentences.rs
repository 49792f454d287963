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
            Test::Comes => "to say something".to_owned(),
            Test::Quiet => return format!("to be silent for {}", spoken(self.hold)),
        };
        match self.stay() {
            Some(hold) => format!("{test} and stay {} for {hold}", self.there()),
            None => test,
        }
    }

    /// `home/a/b rose above 28 (28.4)`
    pub fn happened(&self) -> String {
        let topic = self.topic();
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
            Test::Comes => format!("{topic} said {value}"),
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
                let topic = self.topic();
                format!(
                    "{topic} changed to {} and stayed so for {hold}",
                    shown(self.last())
                )
            }
            (Some(hold), Test::Above { limit, .. }) => self.stayed("above", *limit, &hold),
            (Some(hold), Test::Below { limit, .. }) => self.stayed("below", *limit, &hold),
            (Some(hold), Test::Is(wanted)) => {
                format!("{} was {wanted} for {hold}", self.topic())
            }
            (Some(hold), Test::IsNot(unwanted)) => {
                format!("{} was not {unwanted} for {hold}", self.topic())
            }
        }
    }

    fn was_silent(&self) -> String {
        let silence = spoken(self.hold);
        format!("{} said nothing for {silence}", self.topic())
    }

    fn stayed(&self, side: &str, limit: f64, hold: &str) -> String {
        let moved = if side == "above" { "rose" } else { "fell" };
        format!(
            "{} {moved} {side} {limit} ({}) and stayed there for {hold}",
            self.topic(),
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
            self.topic()
        )
    }

    /// `home/a/b came back to 25; ready to fire again`
    pub fn rearmed(&self) -> String {
        let value = shown(self.last());
        if self.is_quiet() {
            let topic = self.topic();
            return format!("{topic} speaks again ({value}); ready to fire again");
        }
        format!("{} came back to {value}; ready to fire again", self.topic())
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
