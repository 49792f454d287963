//! Figures of the history: what it took, what it lost, and what it costs the disk.

use super::Text;
use crate::history::influx::Pushing;
use crate::history::{Figures, Forwarding, Settings};
use crate::web::recording::Costs;

/// What is known of the history.
pub struct History<'a> {
    pub figures: &'a Figures,
    pub settings: &'a Settings,
    /// Whether nothing is recorded now.
    pub paused: bool,
}

impl History<'_> {
    pub fn write(&self, text: &mut Text) {
        let costs = Costs {
            figures: self.figures,
            settings: self.settings,
        };
        taken(text, self.figures);
        if let Some(forwarding) = &self.figures.forwarding {
            forwarded(text, forwarding);
        }
        text.gauge(
            "hearth_history_paused",
            "Whether nothing is recorded now: the file is not open, or takes nothing.",
            self.paused.into(),
        );
        text.gauge(
            "hearth_history_file_bytes",
            "The history's file with its write-ahead log.",
            self.figures.file_bytes,
        );
        let windows = costs.windows().map(|(class, window)| {
            let label = super::label("class", class.word());
            (label, window.as_secs_f64())
        });
        let help = "What a power cut may cost: samples wait no longer than this for the disk.";
        let name = "hearth_history_loss_window_seconds";
        text.family(name, "gauge", help, &windows);
        written(text, &costs);
        if let Some(pushing) = &self.figures.pushing {
            pushed(text, pushing);
        }
    }
}

/// The push to another database.
fn pushed(text: &mut Text, pushing: &Pushing) {
    text.counter(
        "hearth_history_pushed_total",
        "Samples that the other database has taken, since the gateway started.",
        pushing.pushed,
    );
    text.counter(
        "hearth_history_push_refused_total",
        "Samples that it has refused for good, since the gateway started.",
        pushing.refused,
    );
    text.counter(
        "hearth_history_push_given_up_total",
        "Samples that were never pushed, since more waited than may; ever.",
        pushing.given_up,
    );
    text.gauge(
        "hearth_history_push_waiting_samples",
        "Samples on the disk that the other database has not taken yet.",
        pushing.waiting,
    );
    text.gauge(
        "hearth_history_push_failing",
        "Whether it takes nothing now; /history says why.",
        pushing.trouble.is_some().into(),
    );
    if let Some(last) = pushing.last {
        let at = last.0 as f64 / 1000.0;
        text.family(
            "hearth_history_push_last_seconds",
            "gauge",
            "When it has taken something for the last time, in seconds since 1970.",
            &[("", at)],
        );
    }
}

fn taken(text: &mut Text, figures: &Figures) {
    text.counter(
        "hearth_history_samples_total",
        "Samples that are on the disk, since the gateway started.",
        figures.samples,
    );
    text.counter(
        "hearth_history_lost_total",
        "Samples lost since the gateway started, because the disk took none for too long.",
        figures.lost,
    );
    text.counter(
        "hearth_history_doubled_total",
        "Samples dropped since the gateway started, because they had come before.",
        figures.doubled,
    );
    text.gauge(
        "hearth_history_waiting_samples",
        "Samples in memory that wait for the disk.",
        figures.waiting as u64,
    );
    text.gauge(
        "hearth_history_damaged_parts",
        "Chunks and blocks that cannot be read: found since the start, or set aside earlier.",
        figures.damaged.len() as u64,
    );
}

/// What waits for the server that keeps the history.
fn forwarded(text: &mut Text, forwarding: &Forwarding) {
    text.gauge(
        "hearth_history_queue_samples",
        "Samples on the disk that wait to be sent to PostgreSQL.",
        forwarding.samples,
    );
    text.gauge(
        "hearth_history_queue_bytes",
        "Bytes of these.",
        forwarding.bytes,
    );
    text.gauge(
        "hearth_history_queue_limit_bytes",
        "Bytes that may wait; then the oldest are lost.",
        forwarding.most_bytes,
    );
    text.gauge(
        "hearth_history_server_away",
        "Whether PostgreSQL cannot be reached, or takes nothing.",
        forwarding.away.is_some().into(),
    );
    text.counter(
        "hearth_history_sent_total",
        "Samples that PostgreSQL took, since the gateway started.",
        forwarding.sent,
    );
    text.counter(
        "hearth_history_queue_lost_total",
        "Samples lost since the gateway started, because the queue was full.",
        forwarding.lost,
    );
}

/// What nobody counts is left out.
fn written(text: &mut Text, costs: &Costs<'_>) {
    let (figures, settings) = (costs.figures, costs.settings);
    if let Some(bytes) = figures.write.written {
        text.counter(
            "hearth_disk_written_bytes_total",
            "Bytes that this process has sent to the disk, for whatever purpose.",
            bytes,
        );
    }
    let mut gauge = |name: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            text.family(name, "gauge", help, &[("", value)]);
        }
    };
    gauge(
        "hearth_disk_bytes_per_sample",
        "Bytes sent to the disk for each sample, over the last day.",
        figures.write.per_sample,
    );
    gauge(
        "hearth_disk_bytes_per_day",
        "Bytes that a day costs, going by the last day or what there is of it.",
        figures.write.per_day,
    );
    gauge(
        "hearth_disk_budget_bytes_per_day",
        "Bytes that a day may cost, as the config says.",
        settings.write_budget.map(|bytes| bytes as f64),
    );
    gauge(
        "hearth_history_stretch",
        "How many times longer than usual lazy series wait, to keep the budget.",
        Some(figures.stretch.max(1.0)),
    );
    gauge(
        "hearth_disk_life_years",
        "How long a card lasts at this rate, at most 100; /history says what is assumed.",
        costs.life_years(),
    );
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::clock::UtcMillis;
    use crate::history::WriteFigures;

    /// A history that has lost something and costs little.
    pub fn costly() -> (Figures, Settings) {
        let figures = Figures {
            lost: 3,
            stretch: 2.0,
            write: WriteFigures {
                written: Some(5),
                per_sample: Some(61.5),
                per_day: Some(1e6),
                ..WriteFigures::default()
            },
            pushing: Some(Pushing {
                given_up: 4,
                last: Some(UtcMillis(1500)),
                ..Pushing::default()
            }),
            ..Figures::default()
        };
        (figures, Settings::new("history.db"))
    }
}
