//! The rules of a house as a picture: in lines of text, and for Graphviz.

use std::collections::BTreeSet;

use super::{Graph, cycles};
use crate::rules::rule::RuleSettings;

/// `rule → topic → rule`, a line for each connection.
pub fn lines(rules: &[RuleSettings]) -> Vec<String> {
    let graph = Graph::new(rules);
    let mut lines = Vec::new();
    for (from, next) in graph.next.iter().enumerate() {
        for to in next {
            let (from_name, to_name) = (&rules[from].name, &rules[*to].name);
            let mut topics = BTreeSet::new();
            for (says, _) in graph.links(from, *to) {
                if topics.insert(says.topic.as_str()) {
                    lines.push(format!("{from_name} → {} → {to_name}", says.topic));
                }
            }
        }
    }
    lines
}

/// The house for Graphviz: what starts each rule, what it says, and in red the
/// circles. Rules are boxes, topics are not.
pub fn dot(rules: &[RuleSettings]) -> String {
    let graph = Graph::new(rules);
    let red: BTreeSet<(usize, usize)> = cycles(rules)
        .iter()
        .flat_map(|cycle| {
            let next = cycle.rules.iter().cycle().skip(1);
            let pairs: Vec<_> = cycle.rules.iter().copied().zip(next.copied()).collect();
            pairs
        })
        .collect();
    let mut text = String::from("digraph rules {\n  rankdir = LR;\n  node [shape = plaintext];\n");
    for (index, rule) in rules.iter().enumerate() {
        text += &format!(
            "  rule{index} [shape = box, label = {}];\n",
            quoted(&rule.name)
        );
    }
    let mut edges = BTreeSet::new();
    for (index, hears) in graph.hears.iter().enumerate() {
        for heard in hears {
            let (topic, words) = (quoted(&heard.topic), quoted(&heard.words));
            edges.insert(format!("  {topic} -> rule{index} [label = {words}];\n"));
        }
    }
    for (index, says) in graph.says.iter().enumerate() {
        for said in says {
            let payload = said.payload.as_deref().unwrap_or("…");
            let (topic, payload) = (quoted(&said.topic), quoted(payload));
            edges.insert(format!("  rule{index} -> {topic} [label = {payload}];\n"));
        }
    }
    text.extend(edges);
    for (from, next) in graph.next.iter().enumerate() {
        for to in next {
            let colour = match red.contains(&(from, *to)) {
                true => "red",
                false => "grey",
            };
            text += &format!("  rule{from} -> rule{to} [style = dashed, color = {colour}];\n");
        }
    }
    text + "}\n"
}

/// As a text of the DOT language.
fn quoted(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
