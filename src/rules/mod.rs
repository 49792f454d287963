//! Readings become commands, as the user's rules say.
//!
//! The engine is pure: an event and the time in, actions and the next wake-up
//! out. The runner connects it to the broker; scenarios run it on a virtual
//! clock.

pub mod about;
mod asked;
mod big_stack;
pub mod changes;
pub mod check;
pub mod compile;
pub mod conflict;
pub mod engine;
pub mod expression;
pub mod graph;
mod handover;
pub mod keeper;
pub mod notifier;
mod pace;
pub mod pattern;
pub mod program;
pub mod replay;
pub mod rule;
mod runner;
pub mod scenario;
pub mod schedule;
pub mod store;
pub mod trace;
pub mod trigger;
pub mod window;

pub use big_stack::on_big_stack;
pub use check::check;
pub use handover::{Handover, NewRules, handover};
pub use rule::{
    ActionSettings, AfterDowntime, Arm, Channel, ClockSettings, Expectation, Expected, Given,
    Happening, KeepSettings, Mode, NotifySettings, OnTimeout, Rate, RuleProblem, RuleSettings,
    Scenario, Subject, Test, TriggerSettings, Where, Within,
};
pub use runner::{Means, Past, start};
pub use window::Numbers;
