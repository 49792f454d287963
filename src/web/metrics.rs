//! `GET /metrics`: figures of the broker, boards, rules and history for Prometheus, in its text format.

mod boards;
mod bridges;
mod history;
mod rules;

use std::fmt::{Display, Write};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::Shared;
use super::error::Problem;
use crate::broker::bridge::Report;
use crate::broker::{Figures, Refusal};
use boards::Boards;
use history::History;
use rules::Rules;

/// Text format 0.0.4, which every Prometheus reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub async fn get(State(app): State<Shared>) -> Result<impl IntoResponse, Problem> {
    let figures = app.handle.figures().await?;
    let bridges = app.handle.bridges().await?;
    let mut boards = Boards::default();
    for filter in boards::FILTERS {
        boards.read(&app.handle.retained(filter).await?, app.clock.now().utc);
    }
    let house = app.house().await?;
    let counts = app.live.remembered(|memory| {
        let counts = memory.traces.counts();
        counts
            .map(|(rule, counts)| (rule.to_owned(), counts))
            .collect()
    });
    let rules = Rules {
        house: &house,
        counts,
    };
    let history = app.history.figures();
    let history = History {
        paused: app.history.off_because().is_some() || history.paused.is_some(),
        figures: &history,
        settings: app.history.settings(),
    };
    let text = render(
        &figures,
        &bridges,
        &boards,
        &rules,
        &history,
        resident_bytes(),
    );
    Ok(([(CONTENT_TYPE, TEXT)], text))
}

/// Writes families of samples.
#[derive(Default)]
struct Text(String);

impl Text {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "gauge", help, &[("", value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help, &[("", value)]);
    }

    /// `labels` are complete, such as `reason="expired"`.
    fn family(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: &[(impl AsRef<str>, impl Display)],
    ) {
        self.head(name, kind, help);
        for (labels, value) in samples {
            self.sample(name, labels.as_ref(), value);
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = match labels {
            "" => writeln!(self.0, "{name} {value}"),
            labels => writeln!(self.0, "{name}{{{labels}}} {value}"),
        };
    }
}

fn render(
    figures: &Figures,
    bridges: &[Report],
    boards: &Boards,
    rules: &Rules<'_>,
    history: &History<'_>,
    resident: Option<u64>,
) -> String {
    let mut text = Text::default();
    text.gauge(
        "hearth_uptime_seconds",
        "Time since the gateway started.",
        figures.uptime.as_secs(),
    );
    if let Some(bytes) = resident {
        let help = "Memory of the process that is in RAM.";
        text.gauge("process_resident_memory_bytes", help, bytes);
    }
    clients(&mut text, figures);
    traffic(&mut text, figures);
    losses(&mut text, figures);
    holdings(&mut text, figures);
    state(&mut text, figures);
    bridges::write(&mut text, bridges);
    boards.write(&mut text);
    rules.write(&mut text);
    history.write(&mut text);
    text.0
}

fn state(text: &mut Text, figures: &Figures) {
    let counters = &figures.counters;
    text.counter(
        "hearth_broker_state_writes_total",
        "Transactions written to state.db.",
        counters.writes,
    );
    text.counter(
        "hearth_broker_state_rows_total",
        "Rows written to state.db or deleted there.",
        counters.written_rows,
    );
    text.counter(
        "hearth_broker_state_failures_total",
        "Tries to write to state.db that failed; publishers at QoS 1 and 2 wait meanwhile.",
        counters.failed_writes,
    );
}

fn clients(text: &mut Text, figures: &Figures) {
    let (held, counters, crossed) = (&figures.holdings, &figures.counters, &figures.crossed);
    text.family(
        "hearth_broker_clients",
        "gauge",
        "Clients of the network that have a session.",
        &[
            ("state=\"connected\"", held.connected),
            ("state=\"disconnected\"", held.sessions - held.connected),
        ],
    );
    text.gauge(
        "hearth_broker_clients_connected_maximum",
        "Most clients that were connected at once.",
        counters.most_connected,
    );
    text.counter(
        "hearth_broker_sessions_expired_total",
        "Sessions whose time ran out.",
        counters.expired_sessions,
    );
    text.counter(
        "hearth_broker_sockets_opened_total",
        "Connections that were opened.",
        crossed.sockets,
    );
    text.counter(
        "hearth_broker_connects_total",
        "CONNECT packets that reached the router.",
        counters.connects,
    );
    let labels = Refusal::ALL.map(|refusal| format!("limit=\"{}\"", refusal.key()));
    let refused = labels.iter().map(String::as_str).zip(crossed.refused);
    text.family(
        "hearth_broker_connections_refused_total",
        "counter",
        "Connections refused: a limit was reached, or the login was wrong or missing.",
        &refused.collect::<Vec<_>>(),
    );
    text.counter(
        "hearth_broker_connections_stalled_total",
        "Connections cut because they took nothing any more.",
        counters.stalled,
    );
}

fn traffic(text: &mut Text, figures: &Figures) {
    let (counters, crossed) = (&figures.counters, &figures.crossed);
    let mut both = |name: &str, help: &str, received: u64, sent: u64| {
        let samples = [
            ("direction=\"received\"", received),
            ("direction=\"sent\"", sent),
        ];
        text.family(name, "counter", help, &samples);
    };
    both(
        "hearth_broker_bytes_total",
        "Bytes on connections of the network.",
        crossed.bytes_received,
        crossed.bytes_sent,
    );
    both(
        "hearth_broker_packets_total",
        "MQTT packets of any kind.",
        counters.packets_received,
        counters.packets_sent,
    );
    both(
        "hearth_broker_publishes_total",
        "Messages.",
        counters.received,
        counters.sent,
    );
    both(
        "hearth_broker_publish_bytes_total",
        "Bytes of the messages' payloads.",
        counters.received_bytes,
        counters.sent_bytes,
    );
}

fn losses(text: &mut Text, figures: &Figures) {
    let counters = &figures.counters;
    text.family(
        "hearth_broker_dropped_total",
        "counter",
        "Messages that did not reach one of their receivers.",
        &[
            ("reason=\"queue-full\"", counters.dropped_queue_full),
            ("reason=\"expired\"", counters.dropped_expired),
            ("reason=\"too-large\"", counters.dropped_too_large),
            ("reason=\"refused\"", counters.refused),
        ],
    );
    text.counter(
        "hearth_broker_dead_letters_total",
        "Lost messages that were published again as dead letters.",
        counters.dead_letters,
    );
    text.counter(
        "hearth_broker_retained_refused_total",
        "Retained messages refused because a limit was reached.",
        counters.refused_retained,
    );
    text.counter(
        "hearth_broker_subscriptions_refused_total",
        "Subscriptions refused because a limit was reached.",
        counters.refused_subscriptions,
    );
    text.family(
        "hearth_broker_forbidden_total",
        "counter",
        "What clients tried without permission.",
        &[
            ("packet=\"publish\"", counters.forbidden_publications),
            ("packet=\"subscribe\"", counters.forbidden_subscriptions),
        ],
    );
    text.counter(
        "hearth_broker_oversized_packets_total",
        "Connections closed because a packet was too large.",
        figures.crossed.oversized,
    );
}

fn holdings(text: &mut Text, figures: &Figures) {
    let held = &figures.holdings;
    text.family(
        "hearth_broker_subscriptions",
        "gauge",
        "Subscriptions of all sessions.",
        &[
            (
                "kind=\"plain\"",
                held.subscriptions - held.shared_subscriptions,
            ),
            ("kind=\"shared\"", held.shared_subscriptions),
        ],
    );
    text.gauge(
        "hearth_broker_retained_messages",
        "Topics that hold a retained message.",
        held.retained_messages,
    );
    text.gauge(
        "hearth_broker_retained_bytes",
        "Memory of the retained messages, about.",
        held.retained_bytes,
    );
    text.gauge(
        "hearth_broker_queued_messages",
        "Messages in flight or waiting for a session.",
        held.stored_messages - held.retained_messages,
    );
    text.gauge(
        "hearth_broker_queued_bytes",
        "Memory of the messages that wait, about.",
        held.stored_bytes - held.retained_bytes,
    );
}

/// `name="value"`; a topic may hold what would end it.
fn label(name: &str, value: &str) -> String {
    let value = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

/// Of this process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_has_a_family_and_every_name_its_form() {
        let mut figures = Figures::default();
        figures.counters.dropped_expired = 7;
        let report = Report {
            bridge: "cloud".into(),
            sent: 3,
            ..Report::default()
        };
        let mut boards = Boards::default();
        boards.read(
            &boards::tests::messages(),
            crate::clock::UtcMillis::default(),
        );
        let house = rules::tests::house();
        let rules = rules::tests::rules(&house);
        let (taken, settings) = history::tests::costly();
        let history = History {
            figures: &taken,
            settings: &settings,
            paused: true,
        };
        let text = render(&figures, &[report], &boards, &rules, &history, Some(4096));
        let sent = "hearth_bridge_messages_total{bridge=\"cloud\",direction=\"sent\"} 3\n";
        assert!(text.contains(sent));
        assert!(text.contains("hearth_broker_dropped_total{reason=\"expired\"} 7\n"));
        assert!(text.contains("process_resident_memory_bytes 4096\n"));
        for line in [
            "hearth_history_paused 1",
            "hearth_history_lost_total 3",
            "hearth_history_loss_window_seconds{class=\"lazy\"} 120",
            "hearth_history_push_given_up_total 4",
            "hearth_history_push_failing 0",
            "hearth_history_push_last_seconds 1.5",
            "hearth_disk_bytes_per_sample 61.5",
            "hearth_disk_life_years 100",
        ] {
            assert!(text.contains(&format!("{line}\n")), "no {line} in {text}");
        }
        let (mut family, mut is_histogram) = ("", false);
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
                (family, is_histogram) = (name, kind == "histogram");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                let name = name.split('{').next().unwrap();
                let histogram = ["_bucket", "_sum", "_count"];
                let of_histogram = |end: &&str| name == format!("{family}{end}");
                assert!(
                    name == family || is_histogram && histogram.iter().any(of_histogram),
                    "{line}"
                );
                assert!(value.parse::<f64>().unwrap() >= 0.0);
            }
        }
    }

    #[test]
    fn this_process_has_some_memory() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
