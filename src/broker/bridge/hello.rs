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
