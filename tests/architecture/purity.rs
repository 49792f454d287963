//! Which files decide, and so neither do I/O nor read a clock.

use crate::Source;
use crate::paths::Use;

/// Files, or folders with all that is in them.
const PURE: &[&str] = &[
    "src/boards/avrdude/output",
    "src/boards/baud",
    "src/boards/board",
    "src/boards/chatter",
    "src/boards/fault",
    "src/boards/flood",
    "src/boards/outbox",
    "src/boards/registry",
    "src/boards/text",
    "src/boards/things",
    "src/boards/throttle",
    "src/broker/access",
    "src/broker/aliases",
    "src/broker/bridge/back_off",
    "src/broker/bridge/echoes",
    "src/broker/bridge/hello",
    "src/broker/bridge/mapping",
    "src/broker/bridge/mark",
    "src/broker/bridge/pulse",
    "src/broker/bridge/relay",
    "src/broker/bridge/settings",
    "src/broker/bridge/status",
    "src/broker/bridge/trouble",
    "src/broker/codec",
    "src/broker/hold",
    "src/broker/journal",
    "src/broker/keeper/packed",
    "src/broker/keeper/rows",
    "src/broker/outbound",
    "src/broker/retained",
    "src/broker/router",
    "src/broker/session",
    "src/broker/subscriptions",
    "src/broker/tls/name",
    "src/broker/topic",
    "src/broker/websocket/origin",
    "src/cli/history/mapping",
    "src/clock/quality",
    "src/config/masked",
    "src/demo/chip",
    "src/demo/ds18b20",
    "src/demo/firmware",
    "src/demo/household",
    "src/demo/physics",
    "src/demo/program",
    "src/demo/sketch",
    "src/demo/wiring",
    "src/gpio/debounce",
    "src/gpio/level",
    "src/gpio/pin",
    "src/gpio/pins",
    "src/history/block",
    "src/history/budget",
    "src/history/chunk",
    "src/history/column",
    "src/history/deadband",
    "src/history/forwarder/thinning",
    "src/history/formats",
    "src/history/home_assistant/topics",
    "src/history/influx/parcel",
    "src/history/influx/settings",
    "src/history/influx/turns",
    "src/history/influx/verdict",
    "src/history/place",
    "src/history/policy",
    "src/history/reader/plan",
    "src/history/reader/slots",
    "src/history/rhythm",
    "src/history/rollup",
    "src/history/sample",
    "src/history/thin",
    "src/history/waiting",
    "src/home",
    "src/post/address",
    "src/rules/about",
    "src/rules/asked",
    "src/rules/compile",
    "src/rules/conflict",
    "src/rules/engine",
    "src/rules/expression",
    "src/rules/graph",
    "src/rules/notifier/verdict",
    "src/rules/pattern",
    "src/rules/program",
    "src/rules/replay",
    "src/rules/rule",
    "src/rules/scenario",
    "src/rules/schedule",
    "src/rules/trace",
    "src/rules/trigger",
    "src/rules/window",
    "src/web/chart",
    "src/web/house",
    "src/web/metrics/boards",
    "src/web/metrics/bridges",
    "src/web/metrics/rules",
    "src/web/past/ways",
    "src/web/pin_form",
    "src/web/recording/costs",
    "src/web/recording/damage",
    "src/web/recording/kept",
    "src/web/recording/pushed",
    "src/web/wording",
];

/// What does I/O, waits, or tells the time.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "crate::clock::Clock",
];

/// A sentence for each use that a pure file must not make.
pub fn problems(source: &Source) -> Vec<String> {
    if !PURE.iter().any(|pure| covers(pure, &source.file)) {
        return Vec::new();
    }
    let sentence = |one: &Use| {
        format!(
            "{}:{}: uses `{}`, but this file is pure: take time and bytes as arguments, and \
             leave I/O to a bridge, listener or runner",
            source.file,
            one.line,
            one.path.join("::")
        )
    };
    let impure = |one: &&Use| !one.in_tests && is_impure(&one.path.join("::"));
    source.uses.iter().filter(impure).map(sentence).collect()
}

/// Entries of the list that nothing answers to any more.
pub fn missing(sources: &[Source]) -> Vec<String> {
    let gone = |pure: &&&str| !sources.iter().any(|source| covers(pure, &source.file));
    let sentence = |pure: &&str| format!("{pure}: named in PURE, but there is no such file");
    PURE.iter().filter(gone).map(sentence).collect()
}

fn covers(pure: &str, file: &str) -> bool {
    let rest = file.strip_prefix(pure);
    rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn is_impure(path: &str) -> bool {
    IMPURE.iter().any(|impure| {
        let rest = path.strip_prefix(impure);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(file: &str, text: &str) -> usize {
        problems(&Source::new(file, text.to_owned())).len()
    }

    #[test]
    fn a_clock_or_a_socket_in_a_pure_file_is_found() {
        assert_eq!(count("src/rules/engine.rs", "use tokio::time::sleep;"), 1);
        assert_eq!(count("src/rules/engine.rs", "use std::{fs, fmt};"), 1);
        assert_eq!(
            count(
                "src/boards/text/link.rs",
                "fn f(c: &crate::clock::Clock) {}"
            ),
            1
        );
        assert_eq!(
            count(
                "src/gpio/debounce.rs",
                "fn f() { std::time::Instant::now(); }"
            ),
            1
        );
    }

    #[test]
    fn shells_and_tests_may_do_it() {
        assert_eq!(count("src/rules/runner.rs", "use tokio::time::sleep;"), 0);
        assert_eq!(
            count(
                "src/rules/engine.rs",
                "#[cfg(test)] mod t { use tokio::test; }"
            ),
            0
        );
        assert_eq!(count("src/rules/engine.rs", "use std::time::Duration;"), 0);
    }
}
