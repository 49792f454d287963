//! The mark of this house on what crosses its bridges, by which it knows a
//! message that comes round through other brokers.
//!
//! It is a user property (MQTT 5.0, 3.3.2.3.7), which brokers pass on as it is,
//! and says which way the message went: what came in by one bridge may leave by
//! another, and no message crosses twice the same way. MQTT 3.1.1 has no
//! properties; there, loops of more than one bridge are not broken.

use std::sync::Arc;

use crate::broker::codec::PublishProperties;

/// The property's name.
pub const NAME: &str = "hearth-bridge";

/// What makes a house different from others, for as long as it runs: a message
/// that is on its way during a restart may come round once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    inward: Arc<str>,
    outward: Arc<str>,
}

impl Mark {
    /// The mark of a house that has drawn this number.
    pub fn new(number: u64) -> Mark {
        Mark {
            inward: format!("{number:016x} in").into(),
            outward: format!("{number:016x} out").into(),
        }
    }

    /// Whether a message has left this house by a bridge before.
    pub fn has_left(&self, properties: &PublishProperties) -> bool {
        is_on(properties, &self.outward)
    }

    /// Whether a message was in this house before it came to a bridge from the
    /// other side.
    pub fn was_here(&self, properties: &PublishProperties) -> bool {
        is_on(properties, &self.inward) || is_on(properties, &self.outward)
    }

    /// The properties of a message that leaves.
    pub fn leaving(&self, properties: &PublishProperties) -> PublishProperties {
        put_on(properties, &self.outward)
    }

    /// The properties of a message that comes in.
    pub fn entering(&self, properties: &PublishProperties) -> PublishProperties {
        put_on(properties, &self.inward)
    }
}

fn is_on(properties: &PublishProperties, mark: &str) -> bool {
    let rare = properties.rare.as_deref();
    let mut pairs = rare.into_iter().flat_map(|rare| &rare.user_properties);
    pairs.any(|(name, value)| name == NAME && value == mark)
}

fn put_on(properties: &PublishProperties, mark: &str) -> PublishProperties {
    let mut rare = properties.rare.as_deref().cloned().unwrap_or_default();
    rare.user_properties
        .push((NAME.to_owned(), mark.to_owned()));
    PublishProperties {
        rare: Some(Arc::new(rare)),
        ..properties.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::codec::RareProperties;

    #[test]
    fn a_house_knows_its_own_mark_among_others() {
        let (ours, theirs) = (Mark::new(1), Mark::new(2));
        let rare = RareProperties {
            user_properties: vec![("a".into(), "b".into()), (NAME.into(), "c".into())],
            content_type: Some("text/plain".into()),
            ..RareProperties::default()
        };
        let bare = PublishProperties {
            message_expiry: Some(5),
            rare: Some(Arc::new(rare)),
        };
        assert!(!ours.was_here(&bare) && !ours.was_here(&PublishProperties::default()));
        let marked = ours.leaving(&theirs.leaving(&bare));
        assert!(ours.has_left(&marked) && theirs.has_left(&marked));
        assert!(!ours.was_here(&theirs.leaving(&bare)));
        let rare = marked.rare.unwrap();
        assert_eq!(marked.message_expiry, Some(5));
        assert_eq!(rare.content_type.as_deref(), Some("text/plain"));
        assert_eq!(rare.user_properties.len(), 4);
    }

    #[test]
    fn what_came_in_may_leave_and_not_come_in_again() {
        let mark = Mark::new(1);
        let inside = mark.entering(&PublishProperties::default());
        assert!(!mark.has_left(&inside) && mark.was_here(&inside));
        let outside = mark.leaving(&inside);
        assert!(mark.has_left(&outside) && mark.was_here(&outside));
    }
}
