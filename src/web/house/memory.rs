//! What pages show and the broker does not retain: the last lines of boards, the last
//! traces of rules, and who set what. It is gone after a restart, and bounded.

use super::board::Logs;
use super::causes::Causes;
use super::trace::Trace;
use super::traces::Traces;
use crate::broker::Message;
use crate::home::topic;

/// Everything that is remembered of what came.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub logs: Logs,
    pub traces: Traces,
    pub causes: Causes,
}

impl Memory {
    /// Takes in a message, in the order in which they come.
    pub fn push(&mut self, message: &Message) {
        if self.causes.push(message) || self.logs.push(message) {
            return;
        }
        match topic::from_rule(&message.topic) {
            Some((rule, "trace")) => {
                if let Some(trace) = Trace::read(&message.payload) {
                    self.causes.explain(&trace, &self.traces);
                    self.traces.push(rule, &message.payload, &trace);
                }
            }
            Some((rule, "about")) if message.payload.is_empty() => self.traces.forget(rule),
            _ => {}
        }
    }
}
