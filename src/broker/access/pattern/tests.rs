//! Patterns against the plain rule of matching, and against hostile names.

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn client(client_id: &str) -> Who<'_> {
    Who {
        user: Some("anna"),
        client_id,
    }
}

fn granted(text: &str, client_id: &str) -> Option<String> {
    let filter = pattern(text).granted_to(&client(client_id));
    filter.map(|filter| filter.text().to_owned())
}

#[test]
fn names_are_filled_in() {
    assert_eq!(granted("home/%c/#", "hall").unwrap(), "home/hall/#");
    assert_eq!(granted("%u/x-%c/+", "1").unwrap(), "anna/x-1/+");
    assert_eq!(granted("100%%/%c", "50%u").unwrap(), "100%/50%u");
    let anonymous = Who {
        user: None,
        client_id: "c",
    };
    assert_eq!(pattern("home/%u").granted_to(&anonymous), None);
}

#[test]
fn names_that_mean_more_in_a_topic_get_nothing() {
    for id in ["+", "#", "a/b", "a+", "/", "", "$SYS", "$SYS/#"] {
        assert_eq!(granted("%c/x", id), None, "{id:?}");
    }
    assert_eq!(granted("x/%c", "$SYS").unwrap(), "x/$SYS");
}

#[test]
fn a_strange_name_is_denied_more_not_less() {
    let denied = |text: &str, id: &str| pattern(text).denied_to(&client(id)).text().to_owned();
    assert_eq!(denied("home/%c/key", "hall"), "home/hall/key");
    assert_eq!(denied("home/of-%c/key", "a/b"), "home/+/key");
}

#[test]
fn what_is_no_pattern_is_told_apart() {
    let fault = |text: &str| Pattern::parse(text).unwrap_err();
    for text in ["", "home/#/x", "home+", "%c#", "a/+%u"] {
        assert_eq!(fault(text), Fault::NoFilter, "{text}");
    }
    assert_eq!(fault("$share/group/home/#"), Fault::Shared);
    assert_eq!(fault("home/%i"), Fault::Placeholder(Some('i')));
    assert_eq!(fault("home/50%"), Fault::Placeholder(None));
}

#[test]
fn only_text_names_a_first_level() {
    let names = |text: &str| {
        let filter = pattern(text).granted_to(&client("hearth")).unwrap();
        filter.names_first_level()
    };
    assert!(names("hearth/#") && names("/hearth") && names("100%%/x"));
    assert!(!names("#") && !names("+/status") && !names("%c/status") && !names("x%c/status"));
}

#[test]
fn what_two_filters_share() {
    let shared = |one: &str, other: &str| {
        let both = (common(one, other), common(other, one));
        assert_eq!(both.0, both.1, "{one} {other}");
        both.0
    };
    for (one, other, expected) in [
        ("home/#", "home/+/lamp", Some("home/+/lamp")),
        ("home/#", "home", Some("home")),
        ("+/hall/#", "home/+/lamp", Some("home/hall/lamp")),
        ("#", "#", Some("#")),
        ("home/#", "garden/#", None),
        ("home/+", "home", None),
        ("#", "$SYS/#", None),
        ("$SYS/#", "$SYS/broker/+", Some("$SYS/broker/+")),
    ] {
        assert_eq!(shared(one, other).as_deref(), expected, "{one} {other}");
    }
}

fn level() -> impl Strategy<Value = String> {
    prop_oneof![Just(""), Just("a"), Just("b"), Just("$x"), Just("hearth")].prop_map(String::from)
}

fn name() -> impl Strategy<Value = String> {
    let levels = prop::collection::vec(level(), 1..4).prop_map(|levels| levels.join("/"));
    levels.prop_filter("a topic has a byte", |name| !name.is_empty())
}

/// A valid filter or pattern, of these levels and wildcards.
fn filter_of(level: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let level = prop_oneof![3 => level, 1 => Just("+".to_owned())];
    let levels =
        (prop::collection::vec(level, 0..4), any::<bool>()).prop_map(|(mut levels, all)| {
            if all {
                levels.push("#".to_owned());
            }
            levels.join("/")
        });
    levels.prop_filter("a filter has a byte", |filter| !filter.is_empty())
}

fn pattern_text() -> impl Strategy<Value = String> {
    let own = prop_oneof![Just("%c"), Just("x%c"), Just("%u")].prop_map(String::from);
    filter_of(prop_oneof![level(), own])
}

/// The names that a client may try.
fn client_id() -> impl Strategy<Value = String> {
    prop_oneof![level(), "[ab+#/$%cu]{0,4}", filter_of(level())]
}

/// The pattern with a wildcard for each level in which a placeholder stands.
fn loosest(pattern: &str) -> String {
    let wild = |level: &str| match level.contains('%') {
        true => "+".to_owned(),
        false => level.to_owned(),
    };
    pattern.split('/').map(wild).collect::<Vec<_>>().join("/")
}

proptest! {
    #[test]
    fn a_filled_in_filter_matches_as_the_rule_says(filter in filter_of(level()), name in name()) {
        let filled = pattern(&filter).granted_to(&client("c")).unwrap();
        prop_assert_eq!(filled.matches(&name), topic::matches(&filter, &name));
    }

    #[test]
    fn no_client_id_makes_a_pattern_wider(
        text in pattern_text(), id in client_id(), name in name(),
    ) {
        let filled = pattern(&text).granted_to(&client(&id));
        if let Some(filled) = filled {
            prop_assert!(topic::valid_filter(filled.text()));
            prop_assert_eq!(filled.text().split('/').count(), text.split('/').count());
            if filled.matches(&name) {
                prop_assert!(topic::matches(&loosest(&text), &name), "{} {}", filled.text(), name);
            }
        }
    }

    #[test]
    fn no_client_id_escapes_what_is_denied(
        text in pattern_text(), id in client_id(), name in name(),
    ) {
        let denied = pattern(&text).denied_to(&client(&id));
        let granted = pattern(&text).granted_to(&client(&id));
        if granted.is_some_and(|granted| granted.matches(&name)) {
            prop_assert!(denied.matches(&name));
        }
    }

    #[test]
    fn what_is_common_is_matched_by_both(
        one in filter_of(level()), other in filter_of(level()), name in name(),
    ) {
        let both = topic::matches(&one, &name) && topic::matches(&other, &name);
        let common = common(&one, &other);
        prop_assert_eq!(common.is_some_and(|common| topic::matches(&common, &name)), both);
    }

    #[test]
    fn a_filter_covers_what_it_matches_all_of(
        wide in filter_of(level()), narrow in filter_of(level()), name in name(),
    ) {
        if covers(&wide, &narrow) && topic::matches(&narrow, &name) {
            prop_assert!(topic::matches(&wide, &name));
        }
        prop_assert!(covers(&wide, &wide));
    }

    #[test]
    fn any_text_is_judged_without_a_panic(text in ".{0,12}", id in ".{0,6}", name in ".{0,12}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            let who = client(&id);
            let _ = pattern.granted_to(&who).map(|filter| filter.matches(&name));
            let _ = pattern.denied_to(&who).matches(&name);
        }
    }
}
