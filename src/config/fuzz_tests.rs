//! Whatever a file holds, reading it ends, in bounded memory, with a config
//! or with problems that can be shown.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::load_text;

/// Pieces that get a random text past the parser's front door.
const PIECES: &[&str] = &[
    "[home]",
    "[[rule]]",
    "[board.a]",
    "[pin.b]",
    "[[rule.test]]",
    "when",
    "then",
    "if",
    "matches",
    "button",
    "keep",
    "choose",
    "repeat",
    "do",
    "scene",
    "wait_for",
    "notify",
    "at_most",
    "mode",
    "gpio",
    "latitude",
    "=",
    "=",
    "=",
    "\n",
    "\n",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ",",
    ".",
    "#",
    "\"on\"",
    "\"home/a/b\"",
    "1e999",
    "0xfff",
    "-7",
    "nan",
    "true",
    "1979-05-27",
    "é",
    "🏡",
    "\\u00e9",
    "\"\"\"",
    "\u{0}",
    "\r\n",
    "\t",
    " ",
];

fn survives(text: &str) {
    if let Err(problems) = load_text("hearth.toml", text, Path::new("/etc/hearth")) {
        let shown = problems.render(true);
        assert!(!shown.is_empty());
    }
}

fn seeds() -> Vec<String> {
    let fine = ["examples/hearth.toml", "tests/config_rules/every_rule.toml"];
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let mut seeds: Vec<String> = fine.into_iter().map(read).collect();
    for entry in std::fs::read_dir("tests/config_problems").unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            seeds.push(std::fs::read_to_string(path).unwrap());
        }
    }
    seeds
}

/// One change: a stretch of the text gives way to something else.
fn mutate(text: &mut String, from: Index, length: usize, insert: &str) {
    let start = text.floor_char_boundary(from.index(text.len() + 1));
    let end = text.ceil_char_boundary((start + length).min(text.len()));
    text.replace_range(start..end, insert);
}

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

fn mutated() -> impl Strategy<Value = String> {
    let insert = prop_oneof![
        soup().boxed(),
        ".{0,8}".boxed(),
        Just(String::new()).boxed()
    ];
    let change = (any::<Index>(), 0..24_usize, insert);
    let changes = prop::collection::vec(change, 1..6);
    (select(seeds()), changes).prop_map(|(mut text, changes)| {
        for (from, length, insert) in changes {
            mutate(&mut text, from, length, &insert);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn random_text_is_survived(text in prop_oneof![soup().boxed(), "\\PC{0,200}".boxed()]) {
        survives(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]

    #[test]
    fn mutated_configs_are_survived(text in mutated()) {
        survives(&text);
    }
}

#[test]
fn monsters_are_survived() {
    let many = 100_000;
    survives(&format!("a = {}", "[".repeat(many)));
    survives(&format!("a = {}", "{a=".repeat(many)));
    survives(&format!("{}a = 1", "a.".repeat(many)));
    survives(&format!("[{}a]", "a.".repeat(many)));
    survives(&format!("[home]\nlatitude = {}", "9".repeat(many)));
    survives(&format!("[home]\nlatitude = 0.{}", "1".repeat(many)));
    survives(&format!("{} = 1", "k".repeat(many)));
    survives(&format!("[home]\nname = \"{}\n", "n".repeat(many)));
    survives(&format!("[home]\ntimezone = \"{}\"", "n".repeat(many)));
    survives(&(0..many).map(|n| format!("k{n} = 1\n")).collect::<String>());
    survives(&"[[rule]]\n".repeat(many));
    let rule = "[[rule]]\nname = 'A'\nwhen = { start = true }\nthen = ";
    let many_actions = "{ stop = true },".repeat(many);
    survives(&format!("{rule}[{many_actions}]"));
    let inner = "{ repeat = 2, do = [".repeat(many);
    survives(&format!("{rule}{inner}"));
    // As deep as the parser lets tables be.
    let (open, close) = ("{ repeat = 2, do = ".repeat(30), "}".repeat(30));
    survives(&format!("{rule}{open}{{ stop = true }}{close}"));
    survives(&"\n".repeat(many));
}
