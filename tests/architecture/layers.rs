//! Who may use whom.

use crate::Source;
use crate::paths::Use;

/// Each module may use the modules of the lines above its own, and not its
/// neighbours: the parts of one line meet at the broker.
const LAYERS: &[&[&str]] = &[
    &[
        "clock",
        "database",
        "stamp",
        "supervisor",
        "systemd",
        "telemetry",
    ],
    &["home"],
    &["broker"],
    &["post"],
    &["boards", "gpio", "history", "rules"],
    &["web"],
    &["config"],
    &["gateway"],
    &["demo"],
    &["cli"],
];

/// Further up, but none of the page's business: it sees the house through the broker.
const HIDDEN_FROM_WEB: &[&str] = &["boards", "gpio", "rules"];

/// A sentence for each use against the direction.
pub fn problems(source: &Source) -> Vec<String> {
    let Some(module) = source.module.first() else {
        return Vec::new(); // the crate's root declares modules and uses none
    };
    let Some(layer) = layer_of(module) else {
        return vec![format!(
            "{}:1: the module `{module}` has no place in the layers; give it one in \
             tests/architecture/layers.rs",
            source.file
        )];
    };
    let against = |one: &&Use| !allowed(module, layer, one);
    let sentence = |one: &Use| {
        format!(
            "{}:{}: `{module}` uses `{}`, but `{}` is not above it; let them meet at the \
             broker, or move what both need further up",
            source.file,
            one.line,
            one.path.join("::"),
            used_module(one),
        )
    };
    source.uses.iter().filter(against).map(sentence).collect()
}

fn allowed(module: &str, layer: usize, one: &Use) -> bool {
    let used = used_module(one);
    let hidden = module == "web" && HIDDEN_FROM_WEB.contains(&used);
    let above = layer_of(used).is_some_and(|above| above < layer);
    one.path[0] != "crate" || used == module || above && !hidden
}

fn used_module(one: &Use) -> &str {
    one.path.get(1).map_or("the crate's root", String::as_str)
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|line| line.contains(&module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(file: &str, text: &str) -> Vec<String> {
        problems(&Source::new(file, text.to_owned()))
    }

    #[test]
    fn a_use_against_the_direction_is_named() {
        let found = problems_of("src/boards/bridge.rs", "//! x\nuse crate::rules::Engine;\n");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("src/boards/bridge.rs:2: `boards` uses `crate::rules::Engine`")
        );
    }

    #[test]
    fn downward_and_hidden_uses_are_refused_however_they_are_written() {
        for (file, text) in [
            ("src/home/topic.rs", "use super::super::broker::Qos;"),
            ("src/broker/mod.rs", "fn f() { crate::gateway::run(); }"),
            ("src/web/live.rs", "use crate::{home, rules::Engine};"),
            (
                "src/gpio/mod.rs",
                "fn f() { info!(\"{}\", crate::history::x()) }",
            ),
            (
                "src/config/mod.rs",
                "#[cfg(test)] mod t { use crate::cli; }",
            ),
            ("src/rules/mod.rs", "use crate::*;"),
            ("src/kitchen/mod.rs", ""),
        ] {
            assert_eq!(problems_of(file, text).len(), 1, "{file}: {text}");
        }
    }

    #[test]
    fn upward_uses_are_fine() {
        for (file, text) in [
            (
                "src/web/live.rs",
                "use crate::history::History; use super::pages;",
            ),
            (
                "src/demo/mod.rs",
                "use crate::{boards, gateway, config::Config};",
            ),
            (
                "src/rules/engine.rs",
                "use std::fmt; use crate::clock::Now;",
            ),
            ("src/lib.rs", "pub mod clock;"),
        ] {
            assert!(problems_of(file, text).is_empty(), "{file}: {text}");
        }
    }
}
