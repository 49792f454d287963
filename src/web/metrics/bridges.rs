//! Figures of the bridges to other brokers.

use super::Text;
use crate::broker::bridge::Report;

/// One sample for each bridge, or several that differ in one more label.
pub fn write(text: &mut Text, bridges: &[Report]) {
    if bridges.is_empty() {
        return;
    }
    let mut family = |name: &str, help: &str, samples: Samples| {
        let mut lines = Vec::new();
        for report in bridges {
            for (label, value) in samples(report) {
                lines.push((format!("bridge=\"{}\"{label}", report.bridge), value));
            }
        }
        let kind = if name.ends_with("_total") {
            "counter"
        } else {
            "gauge"
        };
        text.family(name, kind, help, &lines);
    };
    family(
        "hearth_bridge_connected",
        "1 while the bridge has a connection to the other broker.",
        |report| vec![("", (report.status == "online").into())],
    );
    family(
        "hearth_bridge_waiting_messages",
        "Messages that the other broker has not acknowledged yet.",
        |report| vec![("", report.waiting.messages as u64)],
    );
    family(
        "hearth_bridge_waiting_bytes",
        "Memory of the messages that wait, about.",
        |report| vec![("", report.waiting.bytes as u64)],
    );
    family(
        "hearth_bridge_messages_total",
        "Messages that crossed.",
        |report| {
            vec![
                (",direction=\"sent\"", report.sent),
                (",direction=\"received\"", report.received),
            ]
        },
    );
    family(
        "hearth_bridge_lost_total",
        "Messages that should have crossed and did not.",
        |report| {
            vec![
                (",reason=\"queue-full\"", report.lost.queue_full),
                (",reason=\"too-large\"", report.lost.too_large),
                (",reason=\"refused\"", report.lost.refused),
            ]
        },
    );
    family(
        "hearth_bridge_loops_total",
        "Messages of this house that came round and were left out.",
        |report| vec![("", report.loops)],
    );
}

type Samples = fn(&Report) -> Vec<(&'static str, u64)>;
