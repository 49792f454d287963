//! Readings become commands, as the user's rules say.
//!
//! The engine is pure: an event and the time in, actions and the next wake-up
//! out. The runner connects it to the broker; scenarios run it on a virtual
//! clock.

pub mod check;
pub mod condition;
pub mod engine;
mod pace;
pub mod pattern;
pub mod rule;
mod runner;
pub mod scenario;
pub mod schedule;
pub mod trace;
pub mod trigger;

pub use check::check;
pub use rule::{
    ActionSettings, AfterDowntime, Arm, Channel, ClockSettings, Expectation, Expected, Given,
    Happening, KeepSettings, Mode, NotifySettings, OnTimeout, Rate, RuleProblem, RuleSettings,
    Scenario, Subject, Test, TriggerSettings, Where, Within,
};
pub use runner::start;
