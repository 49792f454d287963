//! Who wants which topics: a tree of filter levels.
//!
//! A publication walks the levels of its topic once and meets every matching
//! subscription on the way. Filters have at most
//! [`MAX_LEVELS`] levels, which bounds the walk.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::codec::SubscriptionOptions;
use super::router::SessionId;
use super::topic::SharedFilter;

/// The router refuses topics and filters of more levels.
pub const MAX_LEVELS: usize = 128;

/// One session's interest in one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriber {
    pub session: SessionId,
    pub options: SubscriptionOptions,
    /// Subscription Identifier (MQTT 5.0, 3.8.2.1.2).
    pub id: Option<u32>,
}

/// The members of one shared subscription (MQTT 5.0, 4.8.2).
#[derive(Debug)]
pub struct Group {
    /// `$share/<name>/<filter>`
    pub filter: Arc<str>,
    pub members: Vec<Subscriber>,
    /// Where the next turn starts looking.
    pub turn: usize,
}

/// What a topic meets on its walk.
#[derive(Debug)]
pub enum Met<'a> {
    One(&'a Subscriber),
    Group(&'a mut Group),
}

/// Whether a topic or filter has few enough levels for the tree.
pub fn has_few_levels(topic: &str) -> bool {
    topic.split('/').count() <= MAX_LEVELS
}

/// All subscriptions of all sessions.
#[derive(Debug, Default)]
pub struct Subscriptions {
    root: Node,
    count: usize,
}

/// Most nodes are on the way to others: what they may not have is boxed, as a
/// thousand clients make tens of thousands of nodes.
#[derive(Debug, Default)]
struct Node {
    children: Option<Box<FxHashMap<Box<str>, Node>>>,
    /// The `+` child.
    any: Option<Box<Node>>,
    /// Filters that end at this node.
    here: Option<Box<Leaf>>,
    /// Filters that end with `#` below this node.
    below: Option<Box<Leaf>>,
}

#[derive(Debug, Default)]
struct Leaf {
    subscribers: Vec<Subscriber>,
    groups: Vec<Group>,
}

impl Subscriptions {
    /// Adds or replaces a session's subscription. True if it is new.
    pub fn insert(&mut self, filter: &str, subscriber: Subscriber) -> bool {
        let shared = SharedFilter::parse(filter);
        let leaf = self
            .root
            .leaf(shared.as_ref().map_or(filter, |shared| shared.filter));
        let subscribers = match shared {
            Some(_) => &mut leaf.group(filter).members,
            None => &mut leaf.subscribers,
        };
        let old = subscribers
            .iter_mut()
            .find(|other| other.session == subscriber.session);
        let is_new = old.is_none();
        match old {
            Some(old) => *old = subscriber,
            None => {
                if subscribers.is_empty() {
                    // Most filters have one subscriber.
                    subscribers.reserve_exact(1);
                }
                subscribers.push(subscriber);
            }
        }
        self.count += usize::from(is_new);
        is_new
    }

    /// Removes a session's subscription. True if there was one.
    pub fn remove(&mut self, filter: &str, session: SessionId) -> bool {
        let shared = SharedFilter::parse(filter);
        let plain = shared.as_ref().map_or(filter, |shared| shared.filter);
        let levels: Vec<&str> = plain.split('/').collect();
        let removed = self.root.remove(&levels, &mut |leaf| match shared {
            Some(_) => leaf.leave_group(filter, session),
            None => take_session(&mut leaf.subscribers, session),
        });
        self.count -= usize::from(removed);
        removed
    }

    /// Shows `visit` every subscription and group that matches `topic`.
    pub fn meet<'a>(&'a mut self, topic: &str, visit: &mut impl FnMut(Met<'a>)) {
        // [MQTT-4.7.2-1]: a leading wildcard does not match a leading $.
        let reserved = topic.starts_with('$');
        self.root.meet(Some(topic), reserved, visit);
    }

    /// The group of a shared subscription.
    pub fn group(&mut self, filter: &str) -> Option<&mut Group> {
        let plain = SharedFilter::parse(filter)?.filter;
        let leaf = self.root.existing_leaf(plain)?;
        leaf.groups
            .iter_mut()
            .find(|group| &*group.filter == filter)
    }

    /// How many subscriptions there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Node {
    fn leaf(&mut self, filter: &str) -> &mut Leaf {
        let mut node = self;
        for level in filter.split('/') {
            node = match level {
                "#" => return node.below.get_or_insert_default(),
                "+" => node.any.get_or_insert_default(),
                level => {
                    let children = node.children.get_or_insert_default();
                    children.entry(level.into()).or_default()
                }
            };
        }
        node.here.get_or_insert_default()
    }

    fn child(&mut self, level: &str) -> Option<&mut Node> {
        self.children.as_deref_mut()?.get_mut(level)
    }

    fn remove_child(&mut self, level: &str) {
        let Some(children) = &mut self.children else {
            return;
        };
        children.remove(level);
        if children.is_empty() {
            self.children = None;
        }
    }

    fn existing_leaf(&mut self, filter: &str) -> Option<&mut Leaf> {
        let mut node = self;
        for level in filter.split('/') {
            node = match level {
                "#" => return node.below.as_deref_mut(),
                "+" => node.any.as_deref_mut()?,
                level => node.child(level)?,
            };
        }
        node.here.as_deref_mut()
    }

    fn meet<'a>(&'a mut self, rest: Option<&str>, reserved: bool, visit: &mut impl FnMut(Met<'a>)) {
        if let Some(below) = self.below.as_deref_mut().filter(|_| !reserved) {
            // `a/#` also matches `a` itself (4.7.1.2).
            below.show(visit);
        }
        let Some(rest) = rest else {
            return self.here.iter_mut().for_each(|here| here.show(visit));
        };
        let (level, rest) = match rest.split_once('/') {
            Some((level, rest)) => (level, Some(rest)),
            None => (rest, None),
        };
        let children = self.children.as_deref_mut();
        if let Some(child) = children.and_then(|children| children.get_mut(level)) {
            child.meet(rest, false, visit);
        }
        if let Some(any) = self.any.as_deref_mut().filter(|_| !reserved) {
            any.meet(rest, false, visit);
        }
    }

    /// Takes a subscription out and prunes the nodes that it leaves empty.
    fn remove(&mut self, levels: &[&str], take: &mut impl FnMut(&mut Leaf) -> bool) -> bool {
        let Some((level, rest)) = levels.split_first() else {
            return take_from(&mut self.here, take);
        };
        match *level {
            "#" => take_from(&mut self.below, take),
            "+" => {
                let Some(any) = self.any.as_deref_mut() else {
                    return false;
                };
                let removed = any.remove(rest, take);
                if any.is_empty() {
                    self.any = None;
                }
                removed
            }
            level => {
                let Some(child) = self.child(level) else {
                    return false;
                };
                let removed = child.remove(rest, take);
                if child.is_empty() {
                    self.remove_child(level);
                }
                removed
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.children.is_none() && self.any.is_none() && self.here.is_none() && self.below.is_none()
    }
}

impl Leaf {
    fn show<'a>(&'a mut self, visit: &mut impl FnMut(Met<'a>)) {
        self.subscribers
            .iter()
            .for_each(|subscriber| visit(Met::One(subscriber)));
        self.groups
            .iter_mut()
            .for_each(|group| visit(Met::Group(group)));
    }

    fn group(&mut self, filter: &str) -> &mut Group {
        let known = self
            .groups
            .iter()
            .position(|group| &*group.filter == filter);
        let index = known.unwrap_or_else(|| {
            self.groups.push(Group {
                filter: filter.into(),
                members: Vec::new(),
                turn: 0,
            });
            self.groups.len() - 1
        });
        &mut self.groups[index]
    }

    fn leave_group(&mut self, filter: &str, session: SessionId) -> bool {
        let removed = take_session(&mut self.group(filter).members, session);
        self.groups.retain(|group| !group.members.is_empty());
        removed
    }

    fn is_empty(&self) -> bool {
        self.subscribers.is_empty() && self.groups.is_empty()
    }
}

fn take_from(place: &mut Option<Box<Leaf>>, take: &mut impl FnMut(&mut Leaf) -> bool) -> bool {
    let Some(leaf) = place else { return false };
    let taken = take(leaf);
    if leaf.is_empty() {
        *place = None;
    }
    taken
}

fn take_session(subscribers: &mut Vec<Subscriber>, session: SessionId) -> bool {
    let found = subscribers
        .iter()
        .position(|subscriber| subscriber.session == session);
    found.map(|index| subscribers.swap_remove(index)).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::broker::topic;

    fn subscriber(session: u32) -> Subscriber {
        Subscriber {
            session: SessionId(session),
            options: SubscriptionOptions::default(),
            id: None,
        }
    }

    fn met(subscriptions: &mut Subscriptions, topic: &str) -> Vec<u32> {
        let mut sessions = Vec::new();
        subscriptions.meet(topic, &mut |met| match met {
            Met::One(subscriber) => sessions.push(subscriber.session.0),
            Met::Group(group) => sessions.push(1000 + group.members[0].session.0),
        });
        sessions.sort_unstable();
        sessions
    }

    #[test]
    fn a_subscription_is_replaced_and_removed() {
        let mut all = Subscriptions::default();
        assert!(all.insert("a/+", subscriber(1)));
        assert!(!all.insert("a/+", subscriber(1)));
        assert!(all.insert("$share/g/a/+", subscriber(1)));
        assert_eq!(met(&mut all, "a/b"), [1, 1001]);
        assert_eq!(all.len(), 2);
        assert!(all.remove("a/+", SessionId(1)));
        assert!(!all.remove("a/+", SessionId(1)));
        assert!(all.remove("$share/g/a/+", SessionId(1)));
        assert!(
            all.is_empty() && all.root.is_empty(),
            "no node is left behind"
        );
    }

    fn level() -> impl Strategy<Value = String> {
        prop_oneof![Just(""), Just("a"), Just("b"), Just("é"), Just("$x")].prop_map(String::from)
    }

    fn filter() -> impl Strategy<Value = String> {
        let level = prop_oneof![3 => level(), 1 => Just("+".to_owned())];
        (prop::collection::vec(level, 1..4), any::<bool>()).prop_map(|(mut levels, multi)| {
            if multi {
                levels.push("#".to_owned());
            }
            levels.join("/")
        })
    }

    proptest! {
        #[test]
        fn the_tree_meets_what_the_rule_matches(
            filters in prop::collection::vec(filter(), 1..12),
            name in prop::collection::vec(level(), 1..4),
            removed in prop::collection::vec(any::<bool>(), 12),
        ) {
            let name = name.join("/");
            prop_assume!(!name.is_empty());
            let mut all = Subscriptions::default();
            let mut expected = Vec::new();
            for (index, filter) in (0u32..).zip(&filters) {
                all.insert(filter, subscriber(index));
            }
            for ((index, filter), removed) in (0u32..).zip(&filters).zip(removed) {
                if removed {
                    all.remove(filter, SessionId(index));
                } else if topic::matches(filter, &name) {
                    expected.push(index);
                }
            }
            prop_assert_eq!(met(&mut all, &name), expected);
        }
    }
}
