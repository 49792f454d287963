//! A rule as the config file gives it.

mod problem;
mod test;

use std::fmt;
use std::time::Duration;

pub(super) use self::problem::topic_problem;
pub use self::problem::{RuleProblem, Where, Within};
pub use self::test::{Expectation, Expected, Given, Happening, Scenario};
use super::pattern::Pattern;
use super::schedule::{Place, Schedule};
use crate::broker::Qos;
use crate::home::{Thing, Value};

/// One `[[rule]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSettings {
    pub name: String,
    /// Any of them starts an evaluation.
    pub when: Vec<TriggerSettings>,
    /// Times that start one too.
    pub clocks: Vec<ClockSettings>,
    /// Whether the start of the gateway does.
    pub at_start: bool,
    /// The label of the rule's button on the page; its trigger is among `when`.
    pub button: Option<String>,
    /// A CEL expression over current values.
    pub condition: Option<String>,
    /// What a rule with a trigger does.
    pub then: Vec<ActionSettings>,
    /// What a rule without one sees to at all times.
    pub keep: Option<KeepSettings>,
    pub mode: Mode,
    /// After it has acted, the rule lets triggers pass for this long.
    pub cooldown: Duration,
    pub rate: Rate,
    pub after_downtime: AfterDowntime,
    /// How often the rule may come round in one chain of rules that trigger each other.
    pub allow_cycle: u32,
    /// Where the house is: times, `between` and the sun go by it.
    pub place: Place,
    pub tests: Vec<Scenario>,
}

/// A change that a rule waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerSettings {
    pub subject: Subject,
    pub test: Test,
    /// The test must hold this long without a break; for [`Test::Quiet`], so long must
    /// nothing come.
    pub hold: Duration,
}

/// Whose values a trigger looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    Topic(String),
    /// Each topic that matches is looked at by itself.
    Matches(Pattern),
}

/// A time that a rule waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockSettings {
    pub schedule: Schedule,
    /// As traces name it: `07:30 on mon-fri`.
    pub text: String,
}

/// What a trigger asks of a topic's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Is(Value),
    /// Fires on another value of the same kind: `unavailable` is not "not off".
    IsNot(Value),
    /// Fires on rising above `limit`; ready again below `until_below`.
    Above {
        limit: f64,
        until_below: f64,
    },
    /// Fires on falling below `limit`; ready again above `until_above`.
    Below {
        limit: f64,
        until_above: f64,
    },
    /// Fires whenever the value is another one than before.
    Changes,
    /// Fires on each message that comes while the house runs, whatever it says.
    Comes,
    /// Fires when no message has come for the hold time.
    Quiet,
}

/// A level that a rule sees to, whenever it is not as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct KeepSettings {
    pub thing: Thing,
    pub at: String,
    /// `while`, or `unless` if `inverted`; kept always where absent.
    pub condition: Option<String>,
    pub inverted: bool,
    /// The level to keep when the condition says no; nothing is done where absent.
    pub otherwise: Option<String>,
}

/// What becomes of a trigger that fires while the rule's actions still go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It passes.
    #[default]
    Single,
    /// The actions begin anew.
    Restart,
    /// It waits for its turn; at most so many do.
    Queued { max: usize },
    /// The actions run beside each other, at most so many times.
    Parallel { max: usize },
}

/// At most `times` within `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub times: u32,
    pub per: Duration,
}

impl RuleSettings {
    /// A rule that waits for nothing and does nothing yet.
    pub fn new(name: impl Into<String>) -> RuleSettings {
        RuleSettings {
            name: name.into(),
            when: Vec::new(),
            clocks: Vec::new(),
            at_start: false,
            button: None,
            condition: None,
            then: Vec::new(),
            keep: None,
            mode: Mode::default(),
            cooldown: Duration::ZERO,
            rate: Rate::default(),
            after_downtime: AfterDowntime::default(),
            allow_cycle: 0,
            place: Place::default(),
            tests: Vec::new(),
        }
    }
}

impl RuleSettings {
    /// Every action, those within others too, each before those within it.
    pub fn actions(&self) -> impl Iterator<Item = &ActionSettings> {
        let mut all = Vec::new();
        gather(&self.then, &mut all);
        all.into_iter()
    }
}

fn gather<'a>(actions: &'a [ActionSettings], all: &mut Vec<&'a ActionSettings>) {
    for action in actions {
        all.push(action);
        match action {
            ActionSettings::Choose { arms, otherwise } => {
                arms.iter().for_each(|arm| gather(&arm.then, all));
                gather(otherwise, all);
            }
            ActionSettings::Repeat { body, .. } => gather(body, all),
            _ => {}
        }
    }
}

impl TriggerSettings {
    /// Of one topic.
    pub fn topic(topic: impl Into<String>, test: Test) -> TriggerSettings {
        TriggerSettings {
            subject: Subject::Topic(topic.into()),
            test,
            hold: Duration::ZERO,
        }
    }
}

/// As messages name it.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Topic(topic) => f.write_str(topic),
            Subject::Matches(pattern) => write!(f, "{pattern}"),
        }
    }
}

impl Default for Rate {
    /// Two rules that feed each other must not keep the house from its other work.
    fn default() -> Rate {
        Rate {
            times: 50,
            per: Duration::from_secs(1),
        }
    }
}

/// What becomes of pending time that ran out while Hearth was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterDowntime {
    /// It is over at the start; what comes after it is done late.
    #[default]
    Fire,
    /// Downtime does not count: what was left is waited for from the start.
    Resume,
    /// It is dropped.
    Skip,
}

/// What a rule does. Texts named "template" may hold expressions in `{{ … }}`.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionSettings {
    /// Publishes the wanted state to `…/set`. Both are templates.
    Set {
        thing: String,
        to: String,
    },
    /// Topic and payload are templates.
    Publish {
        topic: String,
        payload: String,
        qos: Qos,
        retain: bool,
    },
    /// Several `Set`, in order; the values are templates.
    Scene(Vec<(Thing, String)>),
    Delay(Duration),
    /// Goes on when the condition is true.
    WaitFor {
        condition: String,
        timeout: Duration,
        on_timeout: OnTimeout,
    },
    /// The first arm whose condition is true, else `otherwise`.
    Choose {
        arms: Vec<Arm>,
        otherwise: Vec<ActionSettings>,
    },
    /// At most `times`, while the condition, if there is one, is true before each round.
    Repeat {
        times: u32,
        condition: Option<String>,
        body: Vec<ActionSettings>,
    },
    Notify(NotifySettings),
    /// Turns another rule on, by its name.
    Enable(String),
    /// Turns a rule off: its pending runs end and it lets triggers pass.
    Disable(String),
    /// Ends this run.
    Stop,
}

/// One way of a `choose`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    pub condition: String,
    pub then: Vec<ActionSettings>,
}

/// How a wait that was in vain goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTimeout {
    #[default]
    Stop,
    GoOn,
}

/// A word to people.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifySettings {
    /// A template.
    pub message: String,
    /// A template.
    pub title: Option<String>,
    pub to: Channel,
    /// How long one try may take.
    pub timeout: Duration,
    /// How many more tries there are after the first.
    pub retries: u32,
}

/// The way that a word to people takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// An MQTT topic; QoS 1.
    Topic(String),
    /// The address of a topic of an ntfy server.
    Ntfy(String),
    /// An address that takes a POST of JSON.
    Webhook(String),
}
