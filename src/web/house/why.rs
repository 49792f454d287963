//! "Why is this on?": what made a thing as it is, in plain sentences.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::causes::{self, Act, Known, State, Told};
use super::{House, ThingView};
use crate::clock::UtcMillis;
use crate::home::{Thing, Value, topic};
use crate::web::wording;

/// How the boards part calls the sessions of boards.
const BOARD: &str = "board-";

/// What made a thing as it is.
#[derive(Debug, Serialize)]
pub struct Why {
    /// `home/<room>/<thing>`
    pub thing: String,
    pub value: Option<Value>,
    /// Since when it is so, as far as is known.
    pub since: Option<UtcMillis>,
    /// Who made it so.
    pub by: By,
    /// The command that made it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// The rules that led to it, the one that did it first.
    pub rules: Vec<Rule>,
    /// All of it, for people.
    pub sentence: String,
}

/// Who made a thing as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "who", content = "name")]
pub enum By {
    Rule(String),
    /// Somebody, on the page or through its API.
    Page,
    /// An MQTT client, by its id.
    Client(String),
    /// The board, by itself.
    Board(String),
    /// Another part of Hearth.
    Part(String),
    #[default]
    Unknown,
}

#[derive(Debug, Serialize)]
pub struct Command {
    pub to: String,
    pub at: UtcMillis,
}

/// A rule that had a part in it.
#[derive(Debug, Serialize)]
pub struct Rule {
    pub name: String,
    pub rule: String,
    pub at: UtcMillis,
    pub because: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The board that said what set it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
}

impl Rule {
    /// Where it has its page.
    pub fn href(&self) -> String {
        super::rule::href(&self.rule)
    }
}

/// What is asked of the house.
pub struct Question<'a> {
    pub house: &'a House,
    pub view: &'a ThingView,
    pub known: Option<&'a Known>,
    pub now: UtcMillis,
    /// In which times are told.
    pub zone: &'a TimeZone,
}

impl Question<'_> {
    pub fn answer(&self) -> Why {
        let state = self.known.and_then(|known| known.state.as_ref());
        let reported = self.reported().filter(|_| !self.is_seen());
        let act = state
            .and_then(|state| state.act.as_ref())
            .or(reported.as_ref());
        let by = match act {
            Some(act) => by_act(act),
            None => self.by_itself(state),
        };
        let sentence = [
            Some(format!("{}: {}.", self.head(state), self.cause(act, &by))),
            act.map(|act| self.chain(&act.story)),
            self.since_then(state, act),
        ];
        let sentence = sentence.into_iter().flatten().filter(|one| !one.is_empty());
        Why {
            thing: self.view.live.thing.clone(),
            value: self.view.value.clone(),
            since: state.map(|state| state.since).or(self.view.live.at),
            by,
            command: act.map(|act| Command {
                to: wording::cut(&act.to),
                at: act.at,
            }),
            rules: act.map_or_else(Vec::new, |act| self.rules(&act.story)),
            sentence: sentence.collect::<Vec<_>>().join(" "),
        }
    }

    /// `on since 14:03:20`
    fn head(&self, state: Option<&State>) -> String {
        let live = &self.view.live;
        let (space, unit) = match live.unit.as_str() {
            "" => ("", ""),
            unit => (" ", unit),
        };
        let value = format!("{}{space}{unit}", live.text);
        match (state, live.at) {
            (_, None) => "No value yet".to_owned(),
            (Some(state), _) if state.is_seen => {
                format!("{value} since {}", self.time(state.since))
            }
            (_, Some(at)) => format!("{value}, last said at {}", self.time(at)),
        }
    }

    fn cause(&self, act: Option<&Act>, by: &By) -> String {
        match (by, act.and_then(|act| act.story.first())) {
            (By::Rule(_), Some(told)) => {
                format!("the rule ‘{}’ set it{}", told.rule, self.reason(told))
            }
            (By::Rule(_), None) => "a rule set it, but which one was not told".to_owned(),
            (By::Page, _) => "somebody set it on Hearth's page or through its API".to_owned(),
            (By::Client(id), _) if act.is_some() => format!("the MQTT client ‘{id}’ set it"),
            (By::Client(id), _) => format!("the MQTT client ‘{id}’ said so"),
            (By::Board(board), _) if !self.is_seen() => {
                format!("the board {board} says so; it was so before the gateway started")
            }
            (By::Board(board), _) if self.view.control.is_some() => {
                format!("the board {board} reported it by itself (a local rule or a hand)")
            }
            (By::Board(board), _) => format!("the board {board} reported it"),
            (By::Part(part), _) => format!("‘{part}’, a part of Hearth, set it"),
            (By::Unknown, _) if self.view.live.at.is_none() => {
                "nobody has said anything of it".to_owned()
            }
            (By::Unknown, _) if act.is_some() => {
                "it was commanded before the gateway started, and who did it is not known any more"
                    .to_owned()
            }
            (By::Unknown, _) => "what led to it is not known".to_owned(),
        }
    }

    /// Whether it came to be so while somebody watched.
    fn is_seen(&self) -> bool {
        let state = self.known.and_then(|known| known.state.as_ref());
        state.is_some_and(|state| state.is_seen)
    }

    /// `, because …, said by the board greenhouse`
    fn reason(&self, told: &Told) -> String {
        let because = told.because.trim_end_matches(['.', ' ']);
        if because.is_empty() {
            return String::new();
        }
        match self.board_of(told.trigger.as_deref()) {
            Some(board) => format!(", because {because}, said by the board {board}"),
            None => format!(", because {because}"),
        }
    }

    /// The rules before the one that did it.
    fn chain(&self, story: &[Told]) -> String {
        let earlier = story.iter().skip(1).map(|told| {
            if told.because.is_empty() {
                return format!("Before that, the rule ‘{}’ ran.", told.rule);
            }
            let time = self.time(told.at);
            format!(
                "Before that, at {time}, the rule ‘{}’ ran{}.",
                told.rule,
                self.reason(told)
            )
        });
        earlier.collect::<Vec<_>>().join(" ")
    }

    /// The last command, where it is not the one that led here.
    fn since_then(&self, state: Option<&State>, act: Option<&Act>) -> Option<String> {
        let last = self.known?.last.as_ref()?;
        if act.is_some_and(|act| act.at == last.at && act.to == last.to) {
            return None;
        }
        let by = by_act(last);
        let (to, time) = (wording::cut(&last.to), self.time(last.at));
        let cause = self.cause(Some(last), &by);
        let is_so = state.is_some_and(|state| state.value == Value::parse(&last.to));
        Some(match is_so {
            true => format!("Commanded {to} once more at {time}: {cause}."),
            false => format!("The last command, {to} at {time}, did not lead to this: {cause}."),
        })
    }

    /// The command that the board retains a report of, and its rule if that has not done
    /// anything since.
    fn reported(&self) -> Option<Act> {
        let (to, at) = self.view.commanded.as_ref()?;
        if self.view.value.as_ref() != Some(&Value::parse(to)) {
            return None;
        }
        let set = self.view.thing.set_topic();
        let mut lasts = self
            .house
            .rules
            .iter()
            .filter_map(|rule| rule.last.as_ref());
        let rule = lasts.find(|last| {
            let mut actions = last.actions.iter();
            causes::are_close(last.at, *at)
                && actions.any(|one| one.topic == set && one.payload == *to)
        });
        let story = rule.map(|last| causes::story(last, &Default::default()));
        Some(Act::reported(to, *at, story.unwrap_or_default()))
    }

    /// Who said it without having been told to.
    fn by_itself(&self, state: Option<&State>) -> By {
        let said = state.map(|state| &*state.publisher);
        match (said, &self.view.board) {
            (_, Some(board)) => By::Board(board.clone()),
            (Some(publisher), None) => match by(publisher) {
                By::Part(part) => match part.strip_prefix(BOARD) {
                    Some(board) => By::Board(board.to_owned()),
                    None => By::Part(part),
                },
                other => other,
            },
            (None, None) => By::Unknown,
        }
    }

    fn rules(&self, story: &[Told]) -> Vec<Rule> {
        let rule = |told: &Told| Rule {
            name: told.rule.clone(),
            rule: topic::word(&told.rule),
            at: told.at,
            because: told.because.clone(),
            trigger: told.trigger.clone(),
            board: self.board_of(told.trigger.as_deref()),
        };
        story.iter().map(rule).collect()
    }

    fn board_of(&self, topic: Option<&str>) -> Option<String> {
        let thing = Thing::from_topic(topic?)?;
        self.house.thing(&thing)?.board.clone()
    }

    fn time(&self, at: UtcMillis) -> String {
        wording::time(at, self.now, self.zone)
    }
}

fn by_act(act: &Act) -> By {
    match act.story.first() {
        Some(told) => By::Rule(told.rule.clone()),
        None if act.is_of_rule() => By::Rule(String::new()),
        None => by(&act.publisher),
    }
}

/// Who a client id is.
fn by(publisher: &str) -> By {
    match publisher.strip_prefix('\0') {
        Some("web") => By::Page,
        Some(part) => By::Part(wording::cut(part)),
        None if publisher.is_empty() => By::Unknown,
        None => By::Client(wording::cut(publisher)),
    }
}
