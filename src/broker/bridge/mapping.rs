//! Which topics cross, in which direction, and what they are called on either
//! side.
//!
//! What a rule's pattern matches has its local prefix in front of it in this
//! house, and its remote prefix on the other side. A topic that no rule fits
//! stays where it is.

use std::collections::BTreeMap;

use crate::broker::codec::Qos;
use crate::broker::topic;

/// The gateway's own word: nobody beyond a bridge may write it.
const OWN: &str = "hearth/";

/// One `[[bridge.NAME.topic]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// A filter, without either prefix.
    pub pattern: String,
    pub direction: Direction,
    /// The highest QoS at which a message crosses.
    pub qos: Qos,
    /// Ends with `/`, or is empty; the same holds for the other one.
    pub local_prefix: String,
    pub remote_prefix: String,
    pub retain: Retain,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Out,
    In,
    Both,
}

/// Whether a message is retained where it arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retain {
    /// As it was where it comes from, as far as that broker says.
    #[default]
    AsPublished,
    Always,
    Never,
}

impl Retain {
    /// What becomes of the RETAIN flag.
    pub fn apply(self, published: bool) -> bool {
        match self {
            Retain::AsPublished => published,
            Retain::Always => true,
            Retain::Never => false,
        }
    }
}

impl Rule {
    /// What crosses towards the other side, as this house names it.
    pub fn local_filter(&self) -> String {
        format!("{}{}", self.local_prefix, self.pattern)
    }

    /// What crosses towards this house, as the other side names it.
    pub fn remote_filter(&self) -> String {
        format!("{}{}", self.remote_prefix, self.pattern)
    }

    /// Whether it lets messages out of the house.
    pub fn goes_out(&self) -> bool {
        self.direction != Direction::In
    }

    /// Whether it lets messages into the house.
    pub fn comes_in(&self) -> bool {
        self.direction != Direction::Out
    }
}

/// The rule by which a message of this house crosses, and its topic there.
pub fn outward<'a>(rules: &'a [Rule], local: &str) -> Option<(&'a Rule, String)> {
    let outward = rules.iter().filter(|rule| rule.goes_out());
    cross(outward, local, |rule| {
        (&rule.local_prefix, &rule.remote_prefix)
    })
}

/// The rule by which a message of the other side crosses, and its topic here.
pub fn inward<'a>(rules: &'a [Rule], remote: &str) -> Option<(&'a Rule, String)> {
    let inward = rules.iter().filter(|rule| rule.comes_in());
    let found = cross(inward, remote, |rule| {
        (&rule.remote_prefix, &rule.local_prefix)
    });
    found.filter(|(_, local)| !is_own(local))
}

fn cross<'a>(
    mut rules: impl Iterator<Item = &'a Rule>,
    topic: &str,
    prefixes: impl Fn(&'a Rule) -> (&'a String, &'a String),
) -> Option<(&'a Rule, String)> {
    rules.find_map(|rule| {
        let (here, there) = prefixes(rule);
        let bare = topic.strip_prefix(here.as_str())?;
        let fits = !bare.is_empty() && topic::matches(&rule.pattern, bare);
        let crossed = fits.then(|| format!("{there}{bare}"))?;
        topic::valid_name(&crossed).then_some((rule, crossed))
    })
}

/// Whether only this house itself writes a topic.
pub fn is_own(local: &str) -> bool {
    local.starts_with('$') || local.starts_with(OWN)
}

/// What the house is to be asked for: each filter with the highest QoS that a
/// rule has for it.
pub fn local_filters(rules: &[Rule]) -> Vec<(String, Qos)> {
    let outward = rules.iter().filter(|rule| rule.goes_out());
    highest(outward.map(|rule| (rule.local_filter(), rule.qos)))
}

/// What the other side is to be asked for.
pub fn remote_filters(rules: &[Rule]) -> Vec<(String, Qos)> {
    let inward = rules.iter().filter(|rule| rule.comes_in());
    highest(inward.map(|rule| (rule.remote_filter(), rule.qos)))
}

/// Whether the other side sends what is published under this topic of its own
/// to us.
pub fn is_asked_for(rules: &[Rule], remote: &str) -> bool {
    let mut inward = rules.iter().filter(|rule| rule.comes_in());
    inward.any(|rule| topic::matches(&rule.remote_filter(), remote))
}

fn highest(filters: impl Iterator<Item = (String, Qos)>) -> Vec<(String, Qos)> {
    let mut all: BTreeMap<String, Qos> = BTreeMap::new();
    for (filter, qos) in filters {
        let known = all.entry(filter).or_insert(qos);
        *known = qos.max(*known);
    }
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(pattern: &str, direction: Direction, local: &str, remote: &str) -> Rule {
        Rule {
            pattern: pattern.into(),
            direction,
            qos: Qos::AtLeastOnce,
            local_prefix: local.into(),
            remote_prefix: remote.into(),
            retain: Retain::AsPublished,
        }
    }

    fn there(rules: &[Rule], local: &str) -> Option<String> {
        outward(rules, local).map(|(_, topic)| topic)
    }

    fn here(rules: &[Rule], remote: &str) -> Option<String> {
        inward(rules, remote).map(|(_, topic)| topic)
    }

    #[test]
    fn prefixes_are_exchanged() {
        let rules = [
            rule("home/+/temperature", Direction::Out, "", "house7/"),
            rule("#", Direction::In, "cloud/", "house7/commands/"),
            rule("shared/#", Direction::Both, "", ""),
        ];
        assert_eq!(
            there(&rules, "home/a/temperature").as_deref(),
            Some("house7/home/a/temperature")
        );
        assert_eq!(there(&rules, "home/a/fan"), None);
        assert_eq!(
            here(&rules, "house7/commands/home/a/fan/set").as_deref(),
            Some("cloud/home/a/fan/set")
        );
        assert_eq!(here(&rules, "house7/home/a/temperature"), None);
        assert_eq!(there(&rules, "shared/x").as_deref(), Some("shared/x"));
        assert_eq!(here(&rules, "shared").as_deref(), Some("shared"));
        assert_eq!(local_filters(&rules).len(), 2);
        let remote = remote_filters(&rules);
        let names: Vec<&str> = remote.iter().map(|(filter, _)| filter.as_str()).collect();
        assert_eq!(names, ["house7/commands/#", "shared/#"]);
    }

    #[test]
    fn a_prefix_alone_is_no_topic_of_a_rule() {
        let rules = [rule("#", Direction::Both, "", "house7/")];
        assert_eq!(here(&rules, "house7"), None);
        assert_eq!(here(&rules, "house7/"), None);
        assert_eq!(here(&rules, "house70/a"), None);
    }

    #[test]
    fn the_first_rule_that_fits_holds() {
        let rules = [
            rule("home/+/secret", Direction::In, "", "other/"),
            rule("home/#", Direction::Out, "", "a/"),
            rule("#", Direction::Out, "", "b/"),
        ];
        assert_eq!(there(&rules, "home/x").as_deref(), Some("a/home/x"));
        assert_eq!(there(&rules, "x").as_deref(), Some("b/x"));
    }

    #[test]
    fn nobody_else_speaks_for_the_gateway() {
        let rules = [
            rule("#", Direction::Both, "", ""),
            rule("$SYS/#", Direction::In, "there/", ""),
        ];
        for topic in ["hearth/status", "hearth/", "$SYS/x", "$hearth/dead/x"] {
            assert!(here(&rules, topic).is_none_or(|local| local.starts_with("there/")));
        }
        assert_eq!(here(&rules, "$SYS/x").as_deref(), Some("there/$SYS/x"));
        assert_eq!(
            there(&rules, "hearth/status").as_deref(),
            Some("hearth/status")
        );
        assert_eq!(there(&rules, "$SYS/x"), None, "`#` does not see it");
    }

    #[test]
    fn a_topic_that_would_grow_too_long_stays() {
        let rules = [rule("#", Direction::Both, "", "house7/")];
        assert_eq!(there(&rules, &"x".repeat(65_530)), None);
    }

    #[test]
    fn a_filter_of_two_rules_takes_the_higher_qos() {
        let mut rules = vec![rule("a/#", Direction::Out, "", "x/"); 3];
        (rules[0].qos, rules[1].qos) = (Qos::AtMostOnce, Qos::ExactlyOnce);
        assert_eq!(
            local_filters(&rules),
            [("a/#".to_owned(), Qos::ExactlyOnce)]
        );
    }

    #[test]
    fn the_retain_flag_is_kept_set_or_taken_away() {
        for published in [false, true] {
            assert_eq!(Retain::AsPublished.apply(published), published);
            assert!(Retain::Always.apply(published));
            assert!(!Retain::Never.apply(published));
        }
    }

    proptest! {
        #[test]
        fn what_goes_out_by_a_rule_for_both_comes_back_under_its_name(
            bare in "[ab]{0,2}(/[ab]{0,2}){0,3}",
            local in prop_oneof![Just(""), Just("l/"), Just("é/")],
            remote in prop_oneof![Just(""), Just("r/"), Just("r/s/")],
            pattern in prop_oneof![Just("#"), Just("+/#"), Just("a/#"), Just("+/+")],
        ) {
            let rules = [rule(pattern, Direction::Both, local, remote)];
            let name = format!("{local}{bare}");
            prop_assume!(topic::valid_name(&name));
            let crossed = there(&rules, &name);
            prop_assert_eq!(crossed.is_some(), !bare.is_empty() && topic::matches(pattern, &bare));
            if let Some(crossed) = crossed {
                prop_assert!(topic::matches(&rules[0].remote_filter(), &crossed));
                prop_assert_eq!(here(&rules, &crossed), Some(name));
            }
        }
    }
}
