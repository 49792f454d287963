//! What one session may read and write: the patterns that hold for it, filled in.

use std::sync::Arc;

use super::Grants;
use super::pattern::{self, Filter, Pattern, Who};
use crate::broker::topic::SharedFilter;
use crate::home::topic;

/// First levels that only the broker itself writes.
const BROKERS_OWN: [&str; 2] = ["$SYS", "$hearth"];
/// The first level that belongs to Hearth's parts.
const GATEWAYS_OWN: &str = "hearth";
/// The user of clients on serial lines; nobody can be given this name.
pub const CABLE: &str = "$cable";

/// What a session may do. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rights {
    /// Everything that no part of Hearth keeps for itself.
    #[default]
    Everything,
    /// What these lists say.
    Listed(Arc<Listed>),
    /// The same for a board on a serial line, and its own topics besides.
    OnCable(Arc<OnCable>),
}

/// A board on a serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCable {
    /// How its own topics begin.
    own: String,
    others: Rights,
}

impl OnCable {
    pub fn new(client_id: &str, others: Rights) -> OnCable {
        OnCable {
            own: topic::wire(client_id, ""),
            others,
        }
    }

    fn owns(&self, topic: &str) -> bool {
        topic.starts_with(&self.own)
    }
}

/// The patterns of one section, filled in for a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Where absent, everything that is not denied.
    granted: Option<Granted>,
    deny: Vec<Filter>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Granted {
    read: Vec<Filter>,
    write: Vec<Filter>,
    /// Every thing may be commanded, and so the rules asked too.
    commands_all: bool,
}

impl Listed {
    pub fn new(granted: Option<&Grants>, deny: &[Pattern], who: &Who<'_>) -> Listed {
        let fill_in = |patterns: &[Pattern]| {
            let filters = patterns.iter().filter_map(|one| one.granted_to(who));
            filters.collect()
        };
        let deny: Vec<Filter> = deny.iter().map(|one| one.denied_to(who)).collect();
        Listed {
            granted: granted.map(|granted| {
                let write: Vec<Filter> = fill_in(&granted.write);
                Granted {
                    read: fill_in(&granted.read),
                    commands_all: commands_all(&write, &deny),
                    write,
                }
            }),
            deny,
        }
    }

    fn denies(&self, topic: &str) -> bool {
        self.deny.iter().any(|filter| filter.matches(topic))
    }
}

/// Whether each thing may be commanded: then a rule that does the same may be asked to.
fn commands_all(write: &[Filter], deny: &[Filter]) -> bool {
    let covers = |filter: &Filter| pattern::covers(filter.text(), topic::ALL_COMMANDS);
    let touches = |filter: &Filter| pattern::common(filter.text(), topic::ALL_COMMANDS).is_some();
    write.iter().any(covers) && !deny.iter().any(touches)
}

impl Rights {
    /// Whether messages on the topic may be delivered to it.
    pub fn may_read(&self, topic: &str) -> bool {
        match self {
            Rights::Everything => true,
            Rights::OnCable(board) => board.owns(topic) || board.others.may_read(topic),
            Rights::Listed(listed) => {
                let grants = |granted: &Granted| granted.read.iter().any(|one| one.matches(topic));
                listed.granted.as_ref().is_none_or(grants) && !listed.denies(topic)
            }
        }
    }

    /// Whether it may publish to the topic. Wildcards do not reach what belongs
    /// to Hearth's parts; the config can name it, but for what the rules say of
    /// themselves: whoever could write that could blame any rule for anything. What a
    /// board shall be is anyone's to say, as commands are, and so is what the rules are
    /// asked for: buttons, webhooks, on and off.
    pub fn may_write(&self, topic: &str) -> bool {
        let first = topic.split('/').next().unwrap_or_default();
        if BROKERS_OWN.contains(&first) || topic::is_word_of_rules(topic) {
            return false;
        }
        let is_wish = topic::is_board_config(topic) || topic::is_wish_to_rules(topic);
        let is_gateways = first == GATEWAYS_OWN && !is_wish;
        match self {
            Rights::Everything => !is_gateways,
            Rights::OnCable(board) => board.owns(topic) || board.others.may_write(topic),
            Rights::Listed(listed) => {
                let reaches = |filter: &Filter| !is_gateways || filter.names_first_level();
                let grants = |filter: &Filter| reaches(filter) && filter.matches(topic);
                let granted = match &listed.granted {
                    Some(granted) => {
                        let is_implied = granted.commands_all && topic::is_wish_to_rules(topic);
                        is_implied || granted.write.iter().any(grants)
                    }
                    None => !is_gateways,
                };
                granted && !listed.denies(topic)
            }
        }
    }

    /// Whether a subscription could ever bring something. One that is wider
    /// than what may be read is fine: the rest is left out at delivery.
    pub fn may_subscribe(&self, filter: &str) -> bool {
        let listed = match self {
            Rights::Everything => return true,
            Rights::OnCable(board) => {
                return board.owns(filter) || board.others.may_subscribe(filter);
            }
            Rights::Listed(listed) => listed,
        };
        let plain = SharedFilter::parse(filter).map_or(filter, |shared| shared.filter);
        let is_open = |wanted: &str| {
            let mut denied = listed.deny.iter();
            !denied.any(|denied| pattern::covers(denied.text(), wanted))
        };
        let brings = |readable: &Filter| {
            let common = pattern::common(plain, readable.text());
            common.is_some_and(|common| is_open(&common))
        };
        match &listed.granted {
            Some(granted) => granted.read.iter().any(brings),
            None => is_open(plain),
        }
    }
}

/// Whether only the broker itself writes the topics of this filter.
pub fn is_brokers_own(filter: &str) -> bool {
    BROKERS_OWN.contains(&filter.split('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::broker::topic as broker_topic;

    fn rights(read: &[&str], write: &[&str], deny: &[&str]) -> Rights {
        let patterns = |texts: &[&str]| -> Vec<Pattern> {
            let parse = |text: &&str| Pattern::parse(text).unwrap();
            texts.iter().map(parse).collect()
        };
        let who = Who {
            user: Some("anna"),
            client_id: "hearth",
        };
        let granted = Grants {
            read: patterns(read),
            write: patterns(write),
        };
        Rights::Listed(Arc::new(Listed::new(Some(&granted), &patterns(deny), &who)))
    }

    fn all_but(deny: &str) -> Rights {
        let who = Who {
            user: None,
            client_id: "c",
        };
        let deny = [Pattern::parse(deny).unwrap()];
        Rights::Listed(Arc::new(Listed::new(None, &deny, &who)))
    }

    #[test]
    fn what_the_broker_writes_is_nobody_elses() {
        for rights in [
            Rights::Everything,
            rights(&[], &["#", "$SYS/#", "$hearth/#"], &[]),
        ] {
            for topic in ["$SYS", "$SYS/broker/uptime", "$hearth/dead/expired/a"] {
                assert!(!rights.may_write(topic), "{topic}");
            }
            assert!(rights.may_write("home/hall/lamp/set") && rights.may_write("hearths/x"));
        }
    }

    #[test]
    fn what_the_gateway_writes_must_be_named() {
        for rights in [
            Rights::Everything,
            rights(&[], &["#", "+/status", "%c/#"], &[]),
        ] {
            assert!(!rights.may_write("hearth/status") && !rights.may_write("hearth"));
        }
        let named = rights(&[], &["hearth/board/+/about"], &[]);
        assert!(named.may_write("hearth/board/old/about") && !named.may_write("hearth/status"));
    }

    const WISHES: [&str; 3] = [
        "hearth/rule/good-night/press",
        "hearth/rule/fan-on/set",
        "hearth/hook/doorbell",
    ];

    #[test]
    fn who_commands_every_thing_may_ask_the_rules_too() {
        for write in ["home/+/+/set", "home/#", "+/+/+/set", "#"] {
            let rights = rights(&[], &[write], &[]);
            assert!(WISHES.iter().all(|wish| rights.may_write(wish)), "{write}");
        }
        for (write, deny) in [
            ("home/hall/+/set", "garden"),
            ("home/+/+", "garden"),
            ("home/+/+/set", "home/vault/#"),
            ("home/+/+/set", "hearth/#"),
        ] {
            let rights = rights(&[], &[write], &[deny]);
            assert!(!WISHES.iter().any(|wish| rights.may_write(wish)), "{write}");
        }
        let no_hooks = rights(&[], &["home/#"], &["hearth/hook/+"]);
        assert!(no_hooks.may_write(WISHES[0]) && !no_hooks.may_write(WISHES[2]));
        let named = rights(&[], &["hearth/hook/doorbell"], &[]);
        assert!(named.may_write(WISHES[2]) && !named.may_write(WISHES[0]));
        assert!(WISHES.iter().all(|wish| Rights::Everything.may_write(wish)));
    }

    #[test]
    fn what_rules_say_of_themselves_is_nobody_elses() {
        let by_name = rights(&[], &["hearth/#", "hearth/rule/+/last"], &[]);
        for rights in [Rights::Everything, by_name, all_but("garden")] {
            for topic in [
                "hearth/rule/fan-on/last",
                "hearth/rule/fan-on/trace",
                "hearth/rule/fan-on/about",
                "hearth/rules/status",
            ] {
                assert!(!rights.may_write(topic), "{topic}");
            }
        }
    }

    #[test]
    fn denied_wins_in_both_directions() {
        let rights = rights(&["#"], &["#"], &["home/vault/#"]);
        assert!(rights.may_read("home/hall") && rights.may_write("home/hall"));
        assert!(!rights.may_read("home/vault/code") && !rights.may_write("home/vault/code"));
    }

    #[test]
    fn where_only_something_is_denied_the_rest_is_as_without_lists() {
        let rights = all_but("home/vault/#");
        assert!(rights.may_read("$SYS/broker/uptime") && rights.may_write("$own/x"));
        assert!(!rights.may_write("$SYS/x") && !rights.may_write("hearth/status"));
        assert!(!rights.may_read("home/vault") && !rights.may_write("home/vault/code"));
        assert!(rights.may_subscribe("home/+/code") && !rights.may_subscribe("home/vault/+"));
    }

    #[test]
    fn who_is_listed_with_nothing_may_do_nothing() {
        let nothing = rights(&[], &[], &[]);
        assert!(!nothing.may_read("a") && !nothing.may_write("a") && !nothing.may_subscribe("#"));
    }

    #[test]
    fn subscriptions_that_could_bring_something_are_granted() {
        let rights = rights(&["home/#"], &[], &["home/vault/#", "test/nosubscribe"]);
        for filter in [
            "#",
            "+/+",
            "home/hall",
            "home",
            "home/+/code",
            "$share/g/home/#",
        ] {
            assert!(rights.may_subscribe(filter), "{filter}");
        }
        for filter in [
            "garden/#",
            "home/vault/code",
            "home/vault/#",
            "home/vault",
            "$SYS/#",
            "$share/g/garden",
        ] {
            assert!(!rights.may_subscribe(filter), "{filter}");
        }
    }

    fn filter() -> impl Strategy<Value = String> {
        let level = prop_oneof![Just("a"), Just("b"), Just("$x"), Just("+")];
        (prop::collection::vec(level, 1..4), any::<bool>())
            .prop_map(|(levels, all)| levels.join("/") + if all { "/#" } else { "" })
    }

    proptest! {
        /// Against a matcher that knows nothing of shapes and shortcuts.
        #[test]
        fn what_may_be_read_is_what_a_naive_matcher_finds(
            read in prop::collection::vec(filter(), 0..4),
            deny in prop::collection::vec(filter(), 0..3),
            wanted in filter(),
            name in "(a|b|\\$x)(/(a|b|\\$x)){0,3}",
        ) {
            let texts = |filters: &[String]| -> Vec<Pattern> {
                filters.iter().map(|text| Pattern::parse(text).unwrap()).collect()
            };
            let who = Who { user: None, client_id: "c" };
            let granted = Grants { read: texts(&read), write: Vec::new() };
            let listed = Listed::new(Some(&granted), &texts(&deny), &who);
            let rights = Rights::Listed(Arc::new(listed));
            let any = |filters: &[String]| filters.iter().any(|one| broker_topic::matches(one, &name));
            prop_assert_eq!(rights.may_read(&name), any(&read) && !any(&deny));
            if rights.may_read(&name) && broker_topic::matches(&wanted, &name) {
                prop_assert!(rights.may_subscribe(&wanted));
            }
        }
    }
}
