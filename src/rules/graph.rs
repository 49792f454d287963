//! Which rule starts which: a rule says something to a topic that another one
//! waits for. Rules that start each other in a circle never end.
//!
//! A command is heard at its own topic and, when the thing has answered, at the
//! thing's. To turn a rule on or off is not to start it.

mod ends;
mod picture;

use std::collections::{BTreeSet, HashMap, VecDeque};

use self::ends::{Hears, Says};
use super::rule::{RuleProblem, RuleSettings, Where};

pub use self::picture::{dot, lines};

/// Rules that start each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Each starts the next, and the last one the first. Begins with the rule that
    /// stands first in the config.
    pub rules: Vec<usize>,
    /// "`A` sets home/x/lamp, which `B` waits for; `B` …"
    pub path: String,
}

/// The shortest circle of each group of rules that can all come to start each
/// other. Break it and look again: there may be longer ones.
pub fn cycles(rules: &[RuleSettings]) -> Vec<Cycle> {
    Graph::new(rules).cycles(|_| true)
}

/// Circles in which no rule has an `allow_cycle`.
pub fn problems(rules: &[RuleSettings]) -> Vec<RuleProblem> {
    let graph = Graph::new(rules);
    let cycles = graph.cycles(|rule| rules[rule].allow_cycle == 0);
    cycles
        .into_iter()
        .map(|cycle| problem(rules, &cycle))
        .collect()
}

fn problem(rules: &[RuleSettings], cycle: &Cycle) -> RuleProblem {
    let first = cycle.rules[0];
    let other = cycle.rules.get(1).copied();
    let message = match other {
        None => format!("this rule starts itself without end: {}", cycle.path),
        Some(_) => format!("these rules start each other without end: {}", cycle.path),
    };
    let name = &rules[first].name;
    let who = other.map_or("it", |_| "one of them");
    RuleProblem {
        rule: first,
        at: Where::Name,
        within: None,
        other: other.map(|other| (other, "and this one is in the circle".to_owned())),
        message,
        hint: Some(format!(
            "let {who} wait for something else; or, if the circle ends by itself, say how often \
             it may come round: `allow_cycle = 1` in `{name}` lets that rule act once more in a chain \
             that it began, and turns it off for a minute if the chain comes back again"
        )),
    }
}

/// Topics that rules may say something to.
#[derive(Debug)]
pub struct Reach(Vec<Says>);

impl Reach {
    /// Of all these rules.
    pub fn new(rules: &[RuleSettings]) -> Reach {
        Reach(rules.iter().flat_map(Says::of).collect())
    }

    /// Whether one of the rules may publish to this topic itself; that a thing
    /// answers does not count.
    pub fn covers(&self, topic: &str) -> bool {
        self.0.iter().any(|says| says.is_said_to(topic))
    }
}

/// The rules with what they say and hear.
#[derive(Debug)]
struct Graph<'a> {
    rules: &'a [RuleSettings],
    says: Vec<Vec<Says>>,
    hears: Vec<Vec<Hears>>,
    /// Whom each rule starts, in the order of the config.
    next: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn new(rules: &'a [RuleSettings]) -> Graph<'a> {
        let mut graph = Graph {
            rules,
            says: rules.iter().map(Says::of).collect(),
            hears: rules.iter().map(Hears::of).collect(),
            next: Vec::new(),
        };
        let listeners = Listeners::new(&graph.hears);
        let next = |(from, says): (usize, &Vec<Says>)| {
            let reached = listeners.of(says).into_iter();
            reached
                .filter(|to| graph.link(from, *to).is_some())
                .collect()
        };
        graph.next = graph.says.iter().enumerate().map(next).collect();
        graph
    }

    /// The first of the ways in which a rule starts another.
    fn link(&self, from: usize, to: usize) -> Option<(&Says, &Hears)> {
        self.links(from, to).next()
    }

    fn links(&self, from: usize, to: usize) -> impl Iterator<Item = (&Says, &Hears)> {
        self.says[from].iter().flat_map(move |says| {
            let reached = self.hears[to].iter().filter(|hears| says.reaches(hears));
            reached.map(move |hears| (says, hears))
        })
    }

    /// Circles among the rules that count.
    fn cycles(&self, counts: impl Fn(usize) -> bool) -> Vec<Cycle> {
        let counted: Vec<bool> = (0..self.rules.len()).map(counts).collect();
        let groups = self.groups(&counted);
        let mut cycles: Vec<Cycle> = groups
            .into_iter()
            .filter_map(|group| self.shortest(&group))
            .map(|rules| Cycle {
                path: self.path(&rules),
                rules,
            })
            .collect();
        cycles.sort_by_key(|cycle| cycle.rules[0]);
        cycles
    }

    /// Strongly connected components, by Kosaraju's two passes.
    fn groups(&self, counted: &[bool]) -> Vec<Vec<usize>> {
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.rules.len()];
        for (from, next) in self.next.iter().enumerate() {
            for to in next {
                before[*to].push(from);
            }
        }
        let mut seen: Vec<bool> = counted.iter().map(|counts| !counts).collect();
        let mut left = Vec::new();
        for rule in 0..self.rules.len() {
            walk(&self.next, rule, &mut seen, &mut left);
        }
        let mut seen: Vec<bool> = counted.iter().map(|counts| !counts).collect();
        let mut groups = Vec::new();
        for rule in left.into_iter().rev() {
            let mut group = Vec::new();
            walk(&before, rule, &mut seen, &mut group);
            if !group.is_empty() {
                group.sort_unstable();
                groups.push(group);
            }
        }
        groups
    }

    /// The shortest circle within a group, beginning with its first rule.
    fn shortest(&self, group: &[usize]) -> Option<Vec<usize>> {
        let mut inside = vec![false; self.rules.len()];
        for rule in group {
            inside[*rule] = true;
        }
        let itself = group.iter().find(|rule| self.next[**rule].contains(rule));
        if let Some(rule) = itself {
            return Some(vec![*rule]);
        }
        let mut shortest: Option<Vec<usize>> = None;
        for start in group {
            let most = shortest
                .as_ref()
                .map_or(usize::MAX, |cycle| cycle.len() - 1);
            if most < 2 {
                break;
            }
            shortest = self.way_back(*start, most, &inside).or(shortest);
        }
        let mut cycle = shortest?;
        let first = cycle.iter().enumerate().min_by_key(|(_, rule)| **rule);
        let first = first.map_or(0, |(at, _)| at);
        cycle.rotate_left(first);
        Some(cycle)
    }

    /// The shortest circle through `start` with at most so many rules.
    fn way_back(&self, start: usize, most: usize, inside: &[bool]) -> Option<Vec<usize>> {
        let mut came_from: Vec<Option<usize>> = vec![None; self.rules.len()];
        let mut queue = VecDeque::from([(start, 1)]);
        while let Some((rule, length)) = queue.pop_front() {
            for next in self.next[rule].iter().filter(|next| inside[**next]) {
                if *next == start {
                    return Some(traced(start, rule, &came_from));
                }
                if came_from[*next].is_none() && length < most {
                    came_from[*next] = Some(rule);
                    queue.push_back((*next, length + 1));
                }
            }
        }
        None
    }

    fn path(&self, cycle: &[usize]) -> String {
        let next = cycle.iter().cycle().skip(1);
        let steps = cycle.iter().zip(next).filter_map(|(from, to)| {
            let (says, hears) = self.link(*from, *to)?;
            let does = match hears.is_asked() {
                true => "looks at",
                false => "waits for",
            };
            let (from, to) = (&self.rules[*from].name, &self.rules[*to].name);
            let Says { verb, topic, .. } = says;
            Some(format!("`{from}` {verb} {topic}, which `{to}` {does}"))
        });
        steps.collect::<Vec<_>>().join("; ")
    }
}

/// Who may hear what: a large house has many rules, and most know each other's
/// topics by name.
#[derive(Debug, Default)]
struct Listeners {
    by_name: HashMap<String, Vec<usize>>,
    /// Those that listen to patterns.
    to_many: Vec<usize>,
    all: usize,
}

impl Listeners {
    fn new(hears: &[Vec<Hears>]) -> Listeners {
        let mut listeners = Listeners {
            all: hears.len(),
            ..Listeners::default()
        };
        for (rule, heard) in hears.iter().enumerate() {
            for hears in heard {
                match hears.name() {
                    Some(name) => listeners.by_name.entry(name).or_default().push(rule),
                    None => listeners.to_many.push(rule),
                }
            }
        }
        listeners
    }

    /// The rules that may hear something of this.
    fn of(&self, says: &[Says]) -> BTreeSet<usize> {
        let mut rules = BTreeSet::new();
        for said in says {
            let Some(names) = said.names() else {
                return (0..self.all).collect();
            };
            let known = names.iter().filter_map(|name| self.by_name.get(name));
            rules.extend(known.flatten());
            rules.extend(&self.to_many);
        }
        rules
    }
}

/// Depth first from `start`, along `next`; each rule is put into `left` when all
/// behind it has been seen.
fn walk(next: &[Vec<usize>], start: usize, seen: &mut [bool], left: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    let mut way = vec![(start, next[start].iter())];
    while let Some((rule, rest)) = way.last_mut() {
        match rest.next() {
            Some(&to) if !std::mem::replace(&mut seen[to], true) => {
                way.push((to, next[to].iter()));
            }
            Some(_) => {}
            None => {
                left.push(*rule);
                way.pop();
            }
        }
    }
}

/// From `start` to `end`, as the search came.
fn traced(start: usize, end: usize, came_from: &[Option<usize>]) -> Vec<usize> {
    let mut way = vec![end];
    while let Some(&rule) = way.last()
        && rule != start
        && let Some(before) = came_from[rule]
    {
        way.push(before);
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests;
