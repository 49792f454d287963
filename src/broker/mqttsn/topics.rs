//! The topic ids of one client (MQTT-SN 1.2, sections 6.5 and 6.7).

use std::collections::BTreeMap;
use std::sync::Arc;

use hearth_wire::packet::TopicId;
use rustc_hash::FxHashMap;

use crate::broker::topic;

/// Names of one client that have an id at once. Ids are not taken back before
/// the client connects again.
const MOST: usize = 256;
/// Ids up to this one are given; 0 and 0xFFFF are reserved (5.3.11).
const LAST: u16 = 0xfffe;

/// Topics that clients and gateway know beforehand, by id.
pub type Predefined = BTreeMap<u16, Arc<str>>;

/// What one client calls its topics.
#[derive(Debug)]
pub struct Topics {
    predefined: Arc<Predefined>,
    by_id: FxHashMap<u16, Arc<str>>,
    by_name: FxHashMap<Arc<str>, u16>,
    last: u16,
}

impl Topics {
    /// Only what is predefined.
    pub fn new(predefined: Arc<Predefined>) -> Topics {
        Topics {
            predefined,
            by_id: FxHashMap::default(),
            by_name: FxHashMap::default(),
            last: 0,
        }
    }

    /// The id of a name, given now if it has none; `None` if there are too many.
    pub fn register(&mut self, name: &str) -> Option<u16> {
        if let Some(id) = self.by_name.get(name) {
            return Some(*id);
        }
        if self.by_id.len() >= MOST || self.last == LAST {
            return None;
        }
        self.last += 1;
        let name: Arc<str> = name.into();
        self.by_id.insert(self.last, Arc::clone(&name));
        self.by_name.insert(name, self.last);
        Some(self.last)
    }

    /// The client does not know this name's id: it must be told again.
    pub fn forget(&mut self, name: &str) {
        if let Some(id) = self.by_name.remove(name) {
            self.by_id.remove(&id);
        }
    }

    /// The name that stands behind what a client wrote.
    pub fn name(&self, id: TopicId) -> Option<Arc<str>> {
        match id {
            TopicId::Normal(id) => self.by_id.get(&id).cloned(),
            TopicId::Predefined(id) => self.predefined.get(&id).cloned(),
            TopicId::Short(name) => short(name).map(Arc::from),
        }
    }

    /// How a message on this topic names it without a REGISTER, if it can.
    pub fn known(&self, name: &str) -> Option<TopicId> {
        if let Ok(short) = <[u8; 2]>::try_from(name.as_bytes()) {
            return Some(TopicId::Short(short));
        }
        let mut predefined = self.predefined.iter();
        let found = predefined.find(|(_, one)| &***one == name);
        let predefined = found.map(|(id, _)| TopicId::Predefined(*id));
        let registered = || self.by_name.get(name).copied().map(TopicId::Normal);
        predefined.or_else(registered)
    }
}

/// A name of two octets that is its own id.
pub fn short(name: [u8; 2]) -> Option<String> {
    let name = String::from_utf8(name.to_vec()).ok()?;
    topic::valid_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> Topics {
        let predefined = Predefined::from([(7, Arc::from("home/hall/lamp"))]);
        Topics::new(Arc::new(predefined))
    }

    #[test]
    fn a_name_keeps_its_id_and_an_id_its_name() {
        let mut topics = topics();
        assert_eq!(topics.register("a/b"), Some(1));
        assert_eq!(topics.register("a/c"), Some(2));
        assert_eq!(topics.register("a/b"), Some(1));
        assert_eq!(topics.name(TopicId::Normal(2)).as_deref(), Some("a/c"));
        assert_eq!(topics.known("a/c"), Some(TopicId::Normal(2)));
        topics.forget("a/c");
        assert_eq!(topics.name(TopicId::Normal(2)), None);
        assert_eq!(topics.known("a/c"), None);
    }

    #[test]
    fn what_both_know_beforehand_needs_no_register() {
        let topics = topics();
        let lamp = TopicId::Predefined(7);
        assert_eq!(topics.known("home/hall/lamp"), Some(lamp));
        assert_eq!(topics.name(lamp).as_deref(), Some("home/hall/lamp"));
        assert_eq!(topics.name(TopicId::Predefined(8)), None);
        // The same number, but an id that nobody has registered.
        assert_eq!(topics.name(TopicId::Normal(7)), None);
        assert_eq!(topics.known("ab"), Some(TopicId::Short(*b"ab")));
        assert_eq!(topics.name(TopicId::Short(*b"ab")).as_deref(), Some("ab"));
        for no_name in [*b"a+", *b"#a", [b'a', 0], [0xc3, 0x28]] {
            assert_eq!(topics.name(TopicId::Short(no_name)), None, "{no_name:?}");
        }
    }

    #[test]
    fn names_are_bounded() {
        let mut topics = topics();
        let given = (0..1000).filter(|n| topics.register(&format!("topic/{n}")).is_some());
        assert_eq!(given.count(), MOST);
    }
}
