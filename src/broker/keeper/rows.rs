//! Rows as SQLite takes many of them at once: JSON, and slices of one blob for
//! what JSON cannot hold.

use bytes::BytesMut;
use serde::Serialize;

use super::packed;
use crate::broker::codec::{PacketId, Qos, SubscriptionOptions};
use crate::broker::journal::{DeliveryRow, Sent};
use crate::broker::message::Message;

const RETAIN: u8 = 0b100;
const REPLAY: u8 = 0b1000;
const RELEASED: u8 = 0b1_0000;

/// Numbers or arrays as one JSON text.
pub fn json(rows: impl Iterator<Item = impl Serialize>) -> String {
    let rows: Vec<_> = rows.collect();
    // Numbers, texts and arrays of them always have a JSON text.
    serde_json::to_string(&rows).unwrap_or_else(|_| "[]".to_owned())
}

/// Received, and expires.
type Times = (i64, Option<i64>);
/// Where the publisher starts in the blob and its length, and the same of the packet.
type Slices = (usize, usize, usize, usize);

/// Messages with their keys: JSON of `[key, [received, expires], [publisher's
/// start, its length, packet's start, its length]]`, and the blob.
#[derive(Debug, Default)]
pub struct Messages<K> {
    rows: Vec<(K, Times, Slices)>,
    blob: BytesMut,
}

impl<K: Serialize> Messages<K> {
    pub fn new() -> Messages<K> {
        Messages {
            rows: Vec::new(),
            blob: BytesMut::new(),
        }
    }

    /// Starts count from 1, as SQLite's `substr` does.
    pub fn push(&mut self, key: K, message: &Message) {
        let publisher = self.blob.len() + 1;
        self.blob.extend_from_slice(message.publisher.as_bytes());
        let packet = self.blob.len() + 1;
        packed::message(message, &mut self.blob);
        let expires = packed::expires(message).map(|at| at.0);
        let (publisher_len, packet_len) = (packet - publisher, self.blob.len() + 1 - packet);
        let times = (message.received.0, expires);
        let slices = (publisher, publisher_len, packet, packet_len);
        self.rows.push((key, times, slices));
    }

    pub fn into_parts(self) -> (String, Vec<u8>) {
        (json(self.rows.into_iter()), self.blob.into())
    }
}

/// `[session, id, message, flags, subscription ids, shared, sent as, sent at]`.
pub fn delivery(session: u64, id: u64, row: &DeliveryRow) -> impl Serialize + use<'_> {
    let ids = row.subscription_ids.iter();
    let ids: Vec<String> = ids.map(u32::to_string).collect();
    (
        session,
        id,
        row.message,
        flags(row),
        (!ids.is_empty()).then(|| ids.join(",")),
        row.group.as_deref(),
        row.packet_id,
        row.sent.map(|sent| sent.place),
    )
}

/// The columns of a delivery as they were read.
#[derive(Debug)]
pub struct DeliveryColumns {
    pub message: i64,
    pub flags: i64,
    pub subscription_ids: Option<String>,
    pub shared: Option<String>,
    pub sent_as: Option<i64>,
    pub sent_at: Option<i64>,
}

impl DeliveryColumns {
    /// `None` where the columns say what no delivery can be.
    pub fn to_row(&self) -> Option<DeliveryRow> {
        let flags = u8::try_from(self.flags).ok()?;
        let ids = self.subscription_ids.as_deref().unwrap_or_default();
        let ids = ids.split(',').filter(|id| !id.is_empty());
        Some(DeliveryRow {
            message: u64::try_from(self.message).ok()?,
            qos: Qos::from_bits(flags & 0b11)?,
            retain: flags & RETAIN != 0,
            replay: flags & REPLAY != 0,
            subscription_ids: ids.map(str::parse).collect::<Result<_, _>>().ok()?,
            group: self.shared.as_deref().map(Into::into),
            packet_id: match self.sent_as {
                Some(packet_id) => Some(to_packet_id(packet_id)?),
                None => None,
            },
            sent: self.sent_at.map(|place| Sent {
                place: to_id(place),
                released: flags & RELEASED != 0,
            }),
        })
    }
}

fn flags(row: &DeliveryRow) -> u8 {
    let mut flags = row.qos as u8;
    for (is_set, bit) in [
        (row.retain, RETAIN),
        (row.replay, REPLAY),
        (row.sent.is_some_and(|sent| sent.released), RELEASED),
    ] {
        flags |= if is_set { bit } else { 0 };
    }
    flags
}

pub fn to_packet_id(number: i64) -> Option<PacketId> {
    PacketId::new(u16::try_from(number).ok()?)
}

pub fn to_options(bits: i64) -> Option<SubscriptionOptions> {
    SubscriptionOptions::from_bits(u8::try_from(bits).ok()?)
}

/// Ids count up from 1 and do not reach the end of what SQLite can hold.
pub fn to_sql(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// An id as it was read.
pub fn to_id(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_comes_back_whole() {
        let row = DeliveryRow {
            message: 7,
            qos: Qos::ExactlyOnce,
            retain: true,
            replay: false,
            subscription_ids: vec![1, 268_435_455],
            group: Some("$share/g/a/#".into()),
            packet_id: Some(PacketId::MAX),
            sent: Some(Sent {
                place: 9,
                released: true,
            }),
        };
        let columns = DeliveryColumns {
            message: 7,
            flags: flags(&row).into(),
            subscription_ids: Some("1,268435455".into()),
            shared: row.group.as_deref().map(str::to_owned),
            sent_as: Some(65_535),
            sent_at: Some(9),
        };
        assert_eq!(columns.to_row(), Some(row.clone()));
        let written = json([delivery(1, 2, &row)].iter());
        let wanted = r#"[[1,2,7,22,"1,268435455","$share/g/a/#",65535,9]]"#;
        assert_eq!(written, wanted);
    }

    #[test]
    fn columns_that_are_no_delivery_are_refused() {
        let columns = |flags, sent_as| DeliveryColumns {
            message: 1,
            flags,
            subscription_ids: None,
            shared: None,
            sent_as,
            sent_at: Some(1),
        };
        assert!(columns(1, Some(1)).to_row().is_some());
        assert!(columns(3, Some(1)).to_row().is_none(), "QoS 3");
        assert!(columns(1, Some(0)).to_row().is_none(), "packet id 0");
        assert!(columns(1, Some(70_000)).to_row().is_none());
    }
}
