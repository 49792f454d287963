//! Topic names and topic filters: what is valid and what matches (4.7, 4.8.2).

/// The longest name or filter: its length travels in two bytes.
pub const MAX_BYTES: usize = 65_535;

const SHARE: &str = "$share/";

/// Whether a message may be published to `name` (4.7.1, 4.7.3).
pub fn valid_name(name: &str) -> bool {
    fits(name) && !name.bytes().any(|byte| matches!(byte, 0 | b'+' | b'#'))
}

/// Whether one may subscribe to `filter` (4.7.1, 4.7.3, and 4.8.2 if it is shared).
pub fn valid_filter(filter: &str) -> bool {
    fits(filter)
        && match SharedFilter::split(filter) {
            Some(shared) => shared.is_valid(),
            None => valid_plain_filter(filter),
        }
}

/// Whether a message on `topic` is for subscribers of `filter`, which is valid and
/// not shared. Wildcards in front do not see topics that start with `$` (4.7.2).
pub fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        // `a/#` also matches its parent `a`, so `#` is seen before the level.
        if wanted == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if wanted == "+" || wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// `$share/<group>/<filter>`: each message goes to one of the group's subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedFilter<'a> {
    pub group: &'a str,
    pub filter: &'a str,
}

impl<'a> SharedFilter<'a> {
    /// The parts of a valid shared filter; `None` for a plain or an invalid one.
    pub fn parse(filter: &'a str) -> Option<SharedFilter<'a>> {
        SharedFilter::split(filter).filter(SharedFilter::is_valid)
    }

    fn split(filter: &'a str) -> Option<SharedFilter<'a>> {
        let rest = filter.strip_prefix(SHARE)?;
        let (group, filter) = rest.split_once('/').unwrap_or((rest, ""));
        Some(SharedFilter { group, filter })
    }

    fn is_valid(&self) -> bool {
        !self.group.is_empty()
            && !self.group.contains(['+', '#', '\0'])
            && !self.filter.is_empty()
            && valid_plain_filter(self.filter)
    }
}

fn fits(text: &str) -> bool {
    (1..=MAX_BYTES).contains(&text.len())
}

fn valid_plain_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let valid = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            text => !text.contains(['+', '#', '\0']),
        };
        if !valid {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_text_without_wildcards() {
        for name in ["a", "/", "a//b", " ", "étage/temp", "$SYS/x", "温度"] {
            assert!(valid_name(name), "{name}");
        }
        for name in ["", "+", "a/#", "a+b", "a\0b"] {
            assert!(!valid_name(name), "{name}");
        }
        assert!(valid_name(&"a".repeat(MAX_BYTES)));
        assert!(!valid_name(&"a".repeat(MAX_BYTES + 1)));
    }

    #[test]
    fn filters_hold_wildcards_in_their_places() {
        for filter in [
            "#", "+", "+/+", "/+", "a/#", "+/a/#", "a//#", "$SYS/#", "$share",
        ] {
            assert!(valid_filter(filter), "{filter}");
        }
        for filter in ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/+b", "##", "a\0"] {
            assert!(!valid_filter(filter), "{filter}");
        }
    }

    #[test]
    fn shared_filters_name_a_group_and_a_filter() {
        let shared = SharedFilter::parse("$share/pool/a/+/#");
        let expected = SharedFilter {
            group: "pool",
            filter: "a/+/#",
        };
        assert_eq!(shared, Some(expected));
        assert!(
            SharedFilter::parse("$share/g//a").is_some(),
            "`/a` is a filter"
        );
        for filter in [
            "$share/",
            "$share/g",
            "$share/g/",
            "$share//a",
            "$share/+/a",
            "$share/g/a#",
        ] {
            assert!(!valid_filter(filter), "{filter}");
            assert_eq!(SharedFilter::parse(filter), None, "{filter}");
        }
        assert_eq!(SharedFilter::parse("a/b"), None);
    }

    #[test]
    fn filters_match_as_the_standard_says() {
        for (filter, topic) in [
            ("#", "a/b"),
            ("#", "/"),
            ("a/#", "a"),
            ("a/#", "a/b/c"),
            ("a/+", "a/"),
            ("+/+", "/a"),
            ("/+", "/a"),
            ("a/+/c", "a//c"),
            ("$SYS/#", "$SYS/x"),
            ("$SYS/+", "$SYS/x"),
            ("a", "a"),
        ] {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
    }

    #[test]
    fn other_topics_do_not_match() {
        for (filter, topic) in [
            ("a/+", "a"),
            ("+", "/a"),
            ("a", "a/"),
            ("a/b", "a"),
            ("A", "a"),
            ("#", "$SYS/x"),
            ("+/x", "$SYS/x"),
            ("a/#", "ab"),
            ("+", "a/b"),
        ] {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_a_filter_that_matches_itself(name in "[a-c$/é]{1,8}") {
            prop_assert!(valid_name(&name) && matches(&name, &name));
        }

        #[test]
        fn a_plus_in_place_of_a_level_still_matches(
            levels in prop::collection::vec("[a-c]{0,2}", 1..5),
            at in any::<prop::sample::Index>(),
        ) {
            prop_assume!(!levels.join("/").is_empty());
            let mut wild: Vec<&str> = levels.iter().map(String::as_str).collect();
            wild[at.index(levels.len())] = "+";
            let filter = wild.join("/");
            prop_assert!(valid_filter(&filter));
            prop_assert!(matches(&filter, &levels.join("/")));
        }

        #[test]
        fn any_text_is_judged_without_a_panic(filter in ".{0,12}", topic in ".{0,12}") {
            let _ = (valid_filter(&filter), valid_name(&topic), matches(&filter, &topic));
        }
    }
}
