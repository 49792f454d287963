//! Many topics at once: `home/{room}/temperature`.
//!
//! A pattern is an MQTT filter whose single levels may have a name. What stands
//! at a named level is *captured*: conditions and actions know it by that name.

use std::fmt;

/// Names that expressions know already, or that CEL keeps for itself.
const TAKEN: [&str; 24] = [
    "topic",
    "payload",
    "round",
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
const MOST_LEVELS: usize = 32;

/// A filter with names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    levels: Vec<Level>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Word(String),
    /// `{name}`: one level, captured.
    Named(String),
    /// `+`: one level.
    Any,
    /// `#`: all that follows.
    Rest,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// A sentence about what is wrong.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let levels: Vec<&str> = text.split('/').collect();
        if text.is_empty() {
            return Err("a pattern is missing".to_owned());
        }
        if text.starts_with("$share/") {
            return Err(format!("`{text}` is a shared subscription, not a pattern"));
        }
        if levels.len() > MOST_LEVELS {
            return Err(format!("a pattern has at most {MOST_LEVELS} levels"));
        }
        let last = levels.len() - 1;
        let mut read = Vec::new();
        for (nth, level) in levels.into_iter().enumerate() {
            let level = parse_level(level)?;
            if level == Level::Rest && nth != last {
                return Err("`#` stands for all that follows, so it comes last".to_owned());
            }
            if matches!(level, Level::Named(_)) && read.contains(&level) {
                return Err(format!("{level} stands twice in `{text}`"));
            }
            read.push(level);
        }
        if read.iter().all(|level| matches!(level, Level::Word(_))) {
            return Err(format!(
                "`{text}` is one topic; `topic = \"{text}\"` waits for it"
            ));
        }
        Ok(Pattern {
            text: text.to_owned(),
            levels: read,
        })
    }

    /// What to subscribe to.
    pub fn filter(&self) -> String {
        let levels: Vec<&str> = self.levels.iter().map(Level::in_filter).collect();
        levels.join("/")
    }

    /// The names of what it captures, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().filter_map(|level| match level {
            Level::Named(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// What stands at the named levels of a topic, in the order of
    /// [`Pattern::names`]; none if the topic does not match.
    pub fn captures<'t>(&self, topic: &'t str) -> Option<Vec<&'t str>> {
        // Wildcards do not reach the broker's own topics (MQTT 5.0, 4.7.2).
        if topic.starts_with('$') && !matches!(self.levels.first(), Some(Level::Word(_))) {
            return None;
        }
        let mut words = topic.split('/');
        let mut captured = Vec::new();
        for level in &self.levels {
            match (level, words.next()) {
                (Level::Rest, _) => return Some(captured),
                (Level::Word(wanted), Some(word)) if word == wanted => {}
                (Level::Any, Some(_)) => {}
                (Level::Named(_), Some(word)) => captured.push(word),
                _ => return None,
            }
        }
        words.next().is_none().then_some(captured)
    }
}

/// As the user wrote it.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Level {
    fn in_filter(&self) -> &str {
        match self {
            Level::Word(word) => word,
            Level::Named(_) | Level::Any => "+",
            Level::Rest => "#",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Named(name) => write!(f, "`{{{name}}}`"),
            other => write!(f, "`{}`", other.in_filter()),
        }
    }
}

fn parse_level(level: &str) -> Result<Level, String> {
    match level {
        "+" => return Ok(Level::Any),
        "#" => return Ok(Level::Rest),
        _ => {}
    }
    let named = level.strip_prefix('{').and_then(|l| l.strip_suffix('}'));
    if let Some(name) = named {
        return parse_name(name).map(Level::Named);
    }
    match level.contains(['+', '#', '{', '}', '\0']) {
        true => Err(format!(
            "`{level}` is no level of a topic: a wildcard stands alone between two `/`"
        )),
        false => Ok(Level::Word(level.to_owned())),
    }
}

fn parse_name(name: &str) -> Result<String, String> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_name {
        return Err(format!(
            "`{{{name}}}` is no name: write it in small letters, such as {{room}}"
        ));
    }
    match TAKEN.contains(&name) {
        true => Err(format!(
            "`{{{name}}}` means something else already; take another name"
        )),
        false => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pattern: &str, topic: &str) -> Option<Vec<String>> {
        let pattern = Pattern::parse(pattern).unwrap();
        let captured = pattern.captures(topic)?;
        Some(captured.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn named_levels_are_captured() {
        let pattern = Pattern::parse("home/{room}/{thing}").unwrap();
        assert_eq!(pattern.filter(), "home/+/+");
        assert_eq!(pattern.names().collect::<Vec<_>>(), ["room", "thing"]);
        assert_eq!(pattern.to_string(), "home/{room}/{thing}");
        assert_eq!(
            pattern.captures("home/hall/lamp"),
            Some(vec!["hall", "lamp"])
        );
        assert_eq!(pattern.captures("home/hall/lamp/set"), None);
        assert_eq!(pattern.captures("home/hall"), None);
        assert_eq!(captured("+/x", "y/x"), Some(vec![]));
    }

    #[test]
    fn wildcards_mean_what_mqtt_says() {
        assert_eq!(captured("a/#", "a"), Some(vec![]));
        assert_eq!(captured("a/#", "a/b/c"), Some(vec![]));
        assert_eq!(captured("{x}/#", "$SYS/b"), None);
        assert_eq!(captured("$SYS/{x}", "$SYS/b"), Some(vec!["b".to_owned()]));
        assert_eq!(captured("a/{x}", "a/"), Some(vec![String::new()]));
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        let told = |text: &str| Pattern::parse(text).unwrap_err();
        assert_eq!(
            told("a/b"),
            "`a/b` is one topic; `topic = \"a/b\"` waits for it"
        );
        assert_eq!(
            told("a/#/b"),
            "`#` stands for all that follows, so it comes last"
        );
        assert_eq!(told("{a}/{a}"), "`{a}` stands twice in `{a}/{a}`");
        assert!(told("a{b}/c").starts_with("`a{b}` is no level of a topic"));
        assert!(told("{Room}").starts_with("`{Room}` is no name"));
        assert!(told("{topic}").starts_with("`{topic}` means something else"));
        assert_eq!(told(""), "a pattern is missing");
        assert!(told(&"+/".repeat(40)).contains("at most 32 levels"));
    }
}
