//! How a bridge introduces itself: CONNECT to the other side, and its wishes to
//! the house's session.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use super::mapping;
use super::settings::Settings;
use crate::broker::codec::{
    Connect, Packet, PacketId, PublishProperties, Qos, RetainHandling, Subscribe,
    SubscriptionOptions, Unsubscribe, Version, Will,
};
use crate::broker::lasting::Lasting;
use crate::home::Presence;

/// Messages that may be under way in either direction; the other side's own
/// limit holds too.
const WINDOW: NonZeroU16 = match NonZeroU16::new(100) {
    Some(window) => window,
    None => NonZeroU16::MIN,
};

/// CONNECT, without the password.
pub fn connect(settings: &Settings, largest: u32) -> Connect {
    let is_v5 = settings.version == Version::V5;
    let is_kept = !settings.clean_start;
    Connect {
        version: settings.version,
        client_id: settings.client_id.clone().unwrap_or_default(),
        clean_start: settings.clean_start,
        keep_alive: u16::try_from(seconds(settings.keep_alive)).unwrap_or(u16::MAX),
        username: settings.user.clone(),
        password: None,
        will: settings.presence.as_deref().map(will),
        session_expiry: (is_v5 && is_kept).then_some(seconds(settings.session_expiry)),
        receive_maximum: is_v5.then_some(WINDOW),
        maximum_packet_size: is_v5.then_some(largest),
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: true,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    }
}

/// CONNECT that ends the other side's session: a new session of the house cannot
/// go on where that one ended [MQTT-3.2.2-4].
pub fn forget_us(settings: &Settings, largest: u32) -> Connect {
    Connect {
        clean_start: true,
        session_expiry: None,
        will: None,
        ..connect(settings, largest)
    }
}

/// Said there when the connection ends without a word.
fn will(topic: &str) -> Will {
    Will {
        topic: topic.into(),
        payload: Presence::Offline.as_str().into(),
        qos: Qos::AtLeastOnce,
        retain: true,
        delay: 0,
        properties: PublishProperties::default(),
    }
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// How the house's session is to treat what waits for the other side.
pub fn wishes(settings: &Settings) -> Lasting {
    Lasting {
        queue: settings.queue,
        when_full: settings.when_full,
        at_least_once: true,
        window: WINDOW,
    }
}

/// What the house is asked for. With [`RetainHandling::Send`] everything that
/// is retained crosses again; each message is the other side's once.
pub fn subscribe(settings: &Settings, retain_handling: RetainHandling) -> Option<Packet> {
    let filters = mapping::local_filters(&settings.topics);
    let filters: Vec<_> = filters
        .into_iter()
        .map(|(filter, qos)| {
            let options = SubscriptionOptions {
                qos,
                no_local: true,
                retain_as_published: true,
                retain_handling,
            };
            (filter, options)
        })
        .collect();
    (!filters.is_empty()).then(|| {
        Packet::Subscribe(Box::new(Subscribe {
            packet_id: PacketId::MIN,
            id: None,
            filters,
            user_properties: Vec::new(),
        }))
    })
}

/// What the house's session has of yesterday's config.
pub fn unsubscribe(settings: &Settings, present: &[Arc<str>]) -> Option<Packet> {
    let wanted = mapping::local_filters(&settings.topics);
    let is_wanted = |filter: &str| wanted.iter().any(|(wanted, _)| wanted == filter);
    let past: Vec<String> = present
        .iter()
        .filter(|filter| !is_wanted(filter))
        .map(|filter| filter.to_string())
        .collect();
    (!past.is_empty()).then(|| {
        Packet::Unsubscribe(Box::new(Unsubscribe {
            packet_id: PacketId::MAX,
            filters: past,
            user_properties: Vec::new(),
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::bridge::settings::{Address, Scheme};

    fn settings(version: Version) -> Settings {
        let address = Address {
            scheme: Scheme::Mqtt,
            host: "there".into(),
            port: 1883,
        };
        Settings {
            version,
            client_id: Some("hearth-pi".into()),
            presence: Some("house7/presence".into()),
            ..Settings::new("cloud", address)
        }
    }

    #[test]
    fn the_other_side_is_asked_to_keep_what_it_has_for_us() {
        let v5 = connect(&settings(Version::V5), 1000);
        assert_eq!((v5.clean_start, v5.session_expiry), (false, Some(604_800)));
        assert_eq!((v5.maximum_packet_size, v5.keep_alive), (Some(1000), 60));
        let will = v5.will.unwrap();
        assert_eq!(
            (&*will.topic, &will.payload[..], will.retain),
            ("house7/presence", &b"offline"[..], true)
        );
        // Properties are for 5.0 alone.
        let v311 = connect(&settings(Version::V311), 1000);
        assert_eq!((v311.clean_start, v311.session_expiry), (false, None));
        assert_eq!(
            (v311.maximum_packet_size, v311.receive_maximum),
            (None, None)
        );
    }

    #[test]
    fn a_new_house_is_a_stranger_there() {
        for version in [Version::V311, Version::V5] {
            let stranger = forget_us(&settings(version), 1000);
            assert!(stranger.clean_start && stranger.will.is_none());
            assert_eq!(stranger.session_expiry, None);
        }
    }

    #[test]
    fn filters_of_another_config_are_given_back() {
        let mut settings = settings(Version::V5);
        assert_eq!(subscribe(&settings, RetainHandling::Send), None);
        settings.topics.push(crate::broker::bridge::mapping::Rule {
            pattern: "home/#".into(),
            direction: crate::broker::bridge::mapping::Direction::Out,
            qos: Qos::AtLeastOnce,
            local_prefix: String::new(),
            remote_prefix: "x/".into(),
            retain: Default::default(),
        });
        let present = ["home/#", "garden/#"].map(Arc::from);
        let Some(Packet::Unsubscribe(past)) = unsubscribe(&settings, &present) else {
            panic!("nothing is given back");
        };
        assert_eq!(past.filters, ["garden/#"]);
        assert_eq!(unsubscribe(&settings, &present[..1]), None);
    }
}
