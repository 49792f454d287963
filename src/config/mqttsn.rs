//! Reads `[broker.mqttsn]`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::item::Item;
use super::problem::{Problem, quoted};
use super::table::Table;
use crate::broker::mqttsn::Settings;
use crate::broker::mqttsn::session::Patience;
use crate::broker::topic;

/// ADVERTISE tells the seconds to the next one in two bytes (MQTT-SN 1.2, 5.4.1).
const LONGEST_ADVERTISE: Duration = Duration::from_secs(u16::MAX as u64);
const SHORTEST_ADVERTISE: Duration = Duration::from_secs(1);
const RETRY_BETWEEN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(60)];
/// 0 and 0xFFFF are reserved (5.3.11).
const LAST_ID: u16 = 0xfffe;

pub(super) fn read(broker: &Table<'_>) -> Option<Settings> {
    let read = |table: &Table<'_>| {
        let address = table.required("listen", Item::address);
        let mut settings = Settings::at(address.unwrap_or(([127, 0, 0, 1], 1884).into()));
        read_rest(table, &mut settings);
        address.map(|_| settings)
    };
    broker.optional("mqttsn", |item| {
        item.table("[broker.mqttsn]".to_owned(), read)?
    })
}

fn read_rest(table: &Table<'_>, settings: &mut Settings) {
    table.goes_with("advertise", "group");
    let id = table.optional("gateway_id", |item| item.integer(1..=u8::MAX.into()));
    if let Some(id) = id.and_then(|id| u8::try_from(id).ok()) {
        settings.gateway_id = id;
    }
    settings.group = table.optional("group", group);
    let advertise = table.optional("advertise", |item| {
        item.duration_within(SHORTEST_ADVERTISE, LONGEST_ADVERTISE)
    });
    settings.advertise = advertise.unwrap_or(settings.advertise);
    settings.patience = patience(table);
    let predefined = table
        .item("predefined")
        .map(|item| item.named_tables(predefined));
    settings.predefined = Arc::new(predefined.unwrap_or_default().into_iter().collect());
}

fn patience(table: &Table<'_>) -> Patience {
    let defaults = Patience::default();
    let [shortest, longest] = RETRY_BETWEEN;
    let retry = table.optional("retry", |item| item.duration_within(shortest, longest));
    let retries = table.optional("retries", |item| item.integer(0..=20));
    Patience {
        retry: retry.unwrap_or(defaults.retry),
        retries: retries
            .and_then(|number| u8::try_from(number).ok())
            .unwrap_or(defaults.retries),
    }
}

fn group(item: Item<'_>) -> Option<SocketAddr> {
    let address = item.address()?;
    if address.ip().is_multicast() {
        return Some(address);
    }
    item.wrong(
        format!("{} is no multicast address", address.ip()),
        "write one such as \"239.255.18.84:1884\", which stays within your network",
    )
}

/// `3 = "home/hall/lamp"`
fn predefined(item: Item<'_>) -> Option<(u16, Arc<str>)> {
    let id = item
        .name()
        .parse()
        .ok()
        .filter(|id| (1..=LAST_ID).contains(id));
    if id.is_none() {
        let message = format!("{} is no topic id", quoted(item.name()));
        let hint = format!("topic ids are numbers from 1 to {LAST_ID}");
        item.error(Problem::at(item.key_spot(), message).hint(hint));
    }
    let name = item.text()?;
    if !topic::valid_name(&name) {
        let message = format!("{} is no topic name", quoted(&name));
        return item.wrong(message, "a predefined topic has no wildcards");
    }
    Some((id?, name.into()))
}
