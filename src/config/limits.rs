//! Reads `[broker.limits]`, `sys_interval`, `save_every` and
//! `dead_letters` of `[broker]`.

use std::num::NonZeroU16;
use std::time::Duration;

use super::item::Item;
use super::table::Table;
use crate::broker::Settings;

const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);
const SHORTEST_SAVE: Duration = Duration::from_secs(1);
const SHORTEST_STALL: Duration = Duration::from_secs(5);
/// What the length of an MQTT packet can say (1.5.5).
const LARGEST_PACKET: u32 = 256 * 1024 * 1024;

pub(super) fn read(broker: &Table<'_>, settings: &mut Settings) {
    let interval = |item: Item<'_>| item.duration_within(Duration::ZERO, LONGEST_INTERVAL);
    take(
        &mut settings.sys_interval,
        broker.optional("sys_interval", interval),
    );
    let save_every = |item: Item<'_>| item.duration_within(SHORTEST_SAVE, LONGEST_INTERVAL);
    take(
        &mut settings.save_every,
        broker.optional("save_every", save_every),
    );
    take(
        &mut settings.dead_letters,
        broker.optional("dead_letters", Item::flag),
    );
    let title = || "[broker.limits]".to_owned();
    broker.optional("limits", |item| {
        item.table(title(), |table| read_limits(table, settings))
    });
}

fn read_limits(table: &Table<'_>, settings: &mut Settings) {
    let whole = |key, least| table.optional(key, |item| item.integer(least..=u32::MAX));
    let count = |key| whole(key, 1).map(|number| number as usize);
    let small = |key| {
        let number = table.optional(key, |item| item.integer(1..=u16::MAX.into()));
        number.and_then(|number| u16::try_from(number).ok())
    };
    let (entry, limits) = (&mut settings.entry, &mut settings.limits);
    take(&mut entry.connections, count("connections"));
    take(&mut entry.per_address, count("connections_per_address"));
    take(&mut entry.rate, whole("connect_rate", 1));
    let packet = table.optional("packet_bytes", |item| item.integer(128..=LARGEST_PACKET));
    take(&mut limits.packet_size, packet);
    take(&mut limits.inflight, small("in_flight"));
    take(&mut limits.receive_maximum, small("receive_maximum"));
    take(&mut limits.queue.messages, count("queue_messages"));
    take(&mut limits.queue.bytes, count("queue_bytes"));
    take(&mut limits.retained.messages, count("retained_messages"));
    take(&mut limits.retained.bytes, count("retained_bytes"));
    take(&mut limits.subscriptions, count("subscriptions"));
    let keep_alive = small("keep_alive").and_then(NonZeroU16::new);
    limits.keep_alive = keep_alive.or(limits.keep_alive);
    let stalled = table.optional("stalled_after", |item| {
        item.duration_within(SHORTEST_STALL, LONGEST_INTERVAL)
    });
    take(&mut limits.stalled_after, stalled);
}

fn take<T>(setting: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *setting = given;
    }
}
