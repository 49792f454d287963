//! The topics of a house and the words that they are made of.
//!
//! `home/<room>/<thing>` carries a state, `home/<room>/<thing>/set` the wanted
//! one. Room, thing and board are lower-case words joined by `-`; letters and
//! digits of any script are welcome.

use std::fmt;

use hearth_wire::board::{BoardTopic, SLOTS};
use serde::{Deserialize, Serialize};

/// Every state of the house.
pub const ALL_STATES: &str = "home/+/+";
/// Every command.
pub const ALL_COMMANDS: &str = "home/+/+/set";
/// What history takes from the broker; see [`is_recorded`].
pub const ALL_RECORDED: [&str; 6] = [
    ALL_STATES,
    ALL_COMMANDS,
    "hearth/rule/+/set",
    "hearth/rule/+/press",
    "hearth/hook/+",
    "hearth/board/+/status",
];
/// Every board's description.
pub const ALL_ABOUTS: &str = "hearth/board/+/about";
/// How the topics begin that belong to boards with Hearth's firmware.
pub const ALL_WIRES: &str = "hearth/wire/";
/// Retained `online` or `offline` of the gateway itself.
pub const GATEWAY_STATUS: &str = "hearth/status";
/// How the last reading of the rules went, as JSON, retained.
pub const RULES_STATUS: &str = "hearth/rules/status";
/// A word longer than this many bytes is cut: topics stay readable and bounded.
pub const MAX_WORD_BYTES: usize = 48;

/// One sensor or actuator, named by where it is and what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Thing {
    pub room: String,
    pub name: String,
}

impl Thing {
    /// Joins two words; the caller has made them with [`word`].
    pub fn new(room: impl Into<String>, name: impl Into<String>) -> Thing {
        Thing {
            room: room.into(),
            name: name.into(),
        }
    }

    /// `home/<room>/<thing>`
    pub fn topic(&self) -> String {
        format!("home/{}/{}", self.room, self.name)
    }

    /// `home/<room>/<thing>/set`
    pub fn set_topic(&self) -> String {
        format!("home/{}/{}/set", self.room, self.name)
    }

    /// Reads `home/<room>/<thing>`.
    pub fn from_topic(topic: &str) -> Option<Thing> {
        let (room, name) = topic.strip_prefix("home/")?.split_once('/')?;
        (!room.is_empty() && !name.is_empty() && !name.contains('/'))
            .then(|| Thing::new(room, name))
    }

    /// Reads `home/<room>/<thing>/set`.
    pub fn from_set_topic(topic: &str) -> Option<Thing> {
        Thing::from_topic(topic.strip_suffix("/set")?)
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "home/{}/{}", self.room, self.name)
    }
}

/// `hearth/board/<board>/status`
pub fn board_status(board: &str) -> String {
    format!("hearth/board/{board}/status")
}

/// Reads `hearth/board/<board>/status`: the board.
pub fn from_board_status(topic: &str) -> Option<&str> {
    let board = topic.strip_prefix("hearth/board/")?;
    let board = board.strip_suffix("/status")?;
    (!board.is_empty() && !board.contains('/')).then_some(board)
}

/// `hearth/board/<board>/about`
pub fn board_about(board: &str) -> String {
    format!("hearth/board/{board}/about")
}

/// `hearth/board/<board>/log`
pub fn board_log(board: &str) -> String {
    format!("hearth/board/{board}/log")
}

/// `hearth/board/<board>/fault`: the last thing that went wrong, retained.
pub fn board_fault(board: &str) -> String {
    format!("hearth/board/{board}/fault")
}

/// `hearth/board/<board>/command/<thing>`: how far the last command came, retained.
pub fn board_command(board: &str, thing: &str) -> String {
    format!("hearth/board/{board}/command/{thing}")
}

/// `hearth/board/<board>/config`: the wanted [`PinMap`](super::PinMap), retained.
pub fn board_config(board: &str) -> String {
    format!("hearth/board/{board}/config")
}

/// Whether a topic is some board's [`board_config`].
pub fn is_board_config(topic: &str) -> bool {
    let board = topic
        .strip_prefix("hearth/board/")
        .and_then(|rest| rest.strip_suffix("/config"));
    board.is_some_and(|board| !board.is_empty() && !board.contains('/'))
}

/// `hearth/board/<board>/map`: what became of it, a
/// [`MapReport`](super::pin_map::MapReport), retained.
pub fn board_map(board: &str) -> String {
    format!("hearth/board/{board}/map")
}

/// `hearth/board/<board>/vitals`: how it is, [`Vitals`](super::Vitals), retained.
pub fn board_vitals(board: &str) -> String {
    format!("hearth/board/{board}/vitals")
}

/// `hearth/board/<board>/obedience`: how long its commands took,
/// [`Obedience`](super::Obedience), retained.
pub fn board_obedience(board: &str) -> String {
    format!("hearth/board/{board}/obedience")
}

/// `hearth/wire/<client id>/…`: what a board with Hearth's firmware itself says and is
/// told, in its own numbers. Only the board may write there, and Hearth.
pub fn wire(client_id: &str, part: &str) -> String {
    format!("{ALL_WIRES}{client_id}/{part}")
}

/// The last levels of a topic of [`wire`].
pub fn wire_part(topic: BoardTopic) -> String {
    match topic {
        BoardTopic::State(slot) => format!("state/{slot}"),
        BoardTopic::Set(slot) => format!("set/{slot}"),
        BoardTopic::WantedMap => "map/set".to_owned(),
        BoardTopic::Map => "map".to_owned(),
        BoardTopic::Vitals => "vitals".to_owned(),
    }
}

/// Reads a topic of this client's [`wire`].
pub fn from_wire(client_id: &str, topic: &str) -> Option<BoardTopic> {
    let part = topic.strip_prefix(ALL_WIRES)?.strip_prefix(client_id)?;
    let slot = |digits: &str| {
        digits
            .parse()
            .ok()
            .filter(|slot| (1..=SLOTS).contains(slot))
    };
    Some(match part.strip_prefix('/')? {
        "map/set" => BoardTopic::WantedMap,
        "map" => BoardTopic::Map,
        "vitals" => BoardTopic::Vitals,
        part => match part.split_once('/')? {
            ("state", digits) => BoardTopic::State(slot(digits)?),
            ("set", digits) => BoardTopic::Set(slot(digits)?),
            _ => return None,
        },
    })
}

/// `hearth/rule/<rule>/last`, the rule's name made a word.
pub fn rule_last(rule: &str) -> String {
    format!("hearth/rule/{}/last", word(rule))
}

/// `hearth/rule/<rule>/trace`: each trace as it comes, not retained.
pub fn rule_trace(rule: &str) -> String {
    format!("hearth/rule/{}/trace", word(rule))
}

/// `hearth/rule/<rule>/about`: what the rule listens to and does, retained.
pub fn rule_about(rule: &str) -> String {
    format!("hearth/rule/{}/about", word(rule))
}

/// `hearth/rule/<rule>/set`: `enabled` or `disabled`.
pub fn rule_set(rule: &str) -> String {
    format!("hearth/rule/{}/set", word(rule))
}

/// How the topics begin that a rule has.
const RULES: &str = "hearth/rule/";
/// How the topics begin that webhooks are published to.
const HOOKS: &str = "hearth/hook/";

/// Reads `hearth/rule/<rule>/<leaf>`: the rule's word and the leaf.
pub fn from_rule(topic: &str) -> Option<(&str, &str)> {
    let (rule, leaf) = topic.strip_prefix(RULES)?.split_once('/')?;
    (!rule.is_empty() && !leaf.is_empty() && !leaf.contains('/')).then_some((rule, leaf))
}

/// Reads `hearth/hook/<name>`.
pub fn from_hook(topic: &str) -> Option<&str> {
    let name = topic.strip_prefix(HOOKS)?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Whether a topic carries somebody's wish to the rules: [`rule_set`], [`rule_press`]
/// or [`hook`].
pub fn is_wish_to_rules(topic: &str) -> bool {
    let of_rule = from_rule(topic).is_some_and(|(_, leaf)| matches!(leaf, "set" | "press"));
    of_rule || from_hook(topic).is_some()
}

/// Whether the history holds what is said there: states and commands of things, wishes to
/// the rules, and whether boards are there. With that, what rules did can be told again.
pub fn is_recorded(topic: &str) -> bool {
    Thing::from_topic(topic).is_some()
        || Thing::from_set_topic(topic).is_some()
        || is_wish_to_rules(topic)
        || from_board_status(topic).is_some()
}

/// Whether only the rules part has a say there: what rules did and are, and how the
/// last reading of their file went.
pub fn is_word_of_rules(topic: &str) -> bool {
    let of_rule = topic.starts_with(RULES) && !is_wish_to_rules(topic);
    of_rule || topic.starts_with("hearth/rules/")
}

/// `hearth/rule/<rule>/press`: somebody pressed the button with this label.
pub fn rule_press(rule: &str) -> String {
    format!("hearth/rule/{}/press", word(rule))
}

/// `hearth/hook/<name>`: what a webhook was given.
pub fn hook(name: &str) -> String {
    format!("hearth/hook/{}", word(name))
}

/// `hearth/bridge/<bridge>/`: how the topics begin that tell of a bridge to
/// another broker.
pub fn bridge_topics(bridge: &str) -> String {
    format!("hearth/bridge/{bridge}/")
}

/// `hearth/bridge/<bridge>/status`
pub fn bridge_status(bridge: &str) -> String {
    format!("hearth/bridge/{bridge}/status")
}

/// `hearth/bridge/<bridge>/about`
pub fn bridge_about(bridge: &str) -> String {
    format!("hearth/bridge/{bridge}/about")
}

/// Makes a word of any text: lower case, runs of anything that is neither
/// letter nor digit become one `-`. Empty if nothing is left.
pub fn word(text: &str) -> String {
    let mut word = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if word.len() + c.len_utf8() > MAX_WORD_BYTES {
            break;
        }
        if c.is_alphanumeric() {
            word.push(c);
        } else if !word.is_empty() && !word.ends_with('-') {
            word.push('-');
        }
    }
    word.truncate(word.trim_end_matches('-').len());
    word
}

/// Whether `text` is already a word as [`word`] makes them.
pub fn is_word(text: &str) -> bool {
    !text.is_empty() && word(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_read_back_from_its_topics() {
        let fan = Thing::new("greenhouse", "fan");
        assert_eq!(Thing::from_topic(&fan.topic()), Some(fan.clone()));
        assert_eq!(Thing::from_set_topic(&fan.set_topic()), Some(fan));
    }

    #[test]
    fn topics_of_a_wire_are_read_back() {
        for part in [
            BoardTopic::State(1),
            BoardTopic::Set(8),
            BoardTopic::WantedMap,
            BoardTopic::Map,
            BoardTopic::Vitals,
        ] {
            let topic = wire("uno-1", &wire_part(part));
            assert_eq!(from_wire("uno-1", &topic), Some(part));
            assert_eq!(from_wire("uno-2", &topic), None);
            assert_eq!(from_wire("uno", &topic), None);
        }
        assert_eq!(from_wire("a", "hearth/wire/a/state/9"), None);
    }

    #[test]
    fn other_topics_are_no_things() {
        for topic in [
            "home",
            "home/a",
            "home/a/",
            "home//b",
            "home/a/b/set",
            "hearth/a/b",
        ] {
            assert_eq!(Thing::from_topic(topic), None, "{topic}");
        }
    }

    #[test]
    fn wishes_to_the_rules_are_told_from_what_the_rules_say() {
        for wish in [
            rule_set("Fan on"),
            rule_press("Good night"),
            hook("doorbell"),
        ] {
            assert!(
                is_wish_to_rules(&wish) && !is_word_of_rules(&wish),
                "{wish}"
            );
        }
        for word in [
            rule_last("Fan on"),
            rule_trace("Fan on"),
            rule_about("Fan on"),
            RULES_STATUS.to_owned(),
            "hearth/rule/a/b/set".to_owned(),
            "hearth/rule//set".to_owned(),
        ] {
            assert!(
                is_word_of_rules(&word) && !is_wish_to_rules(&word),
                "{word}"
            );
        }
        assert!(!is_wish_to_rules("hearth/hook/") && !is_wish_to_rules("hearth/hook/a/b"));
        assert_eq!(from_rule(&rule_last("Fan on")), Some(("fan-on", "last")));
    }

    #[test]
    fn words_are_lower_case_and_joined_by_dashes() {
        assert_eq!(word("Living Room"), "living-room");
        assert_eq!(word("  étage__2 "), "étage-2");
        assert_eq!(word("+#/"), "");
        assert_eq!(word(&"é".repeat(100)).len(), MAX_WORD_BYTES);
        assert!(is_word("living-room") && !is_word("Living") && !is_word(""));
    }
}
