//! From local times to moments, across the beginning and end of summer time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::Dst;
use crate::clock::UtcMillis;

/// Nothing for moments beyond the calendar's end, some eight thousand years on.
pub fn timestamp(at: UtcMillis) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.0).ok()
}

pub fn utc(at: Timestamp) -> UtcMillis {
    UtcMillis(at.as_millisecond())
}

/// The moment at which a local time happens, if it does.
///
/// A later local time never gives an earlier moment. With [`Dst::Once`] this is
/// the first moment at which the clock on the wall shows `local` or later; so
/// none that is due after some moment is at or before the local time of it.
pub fn moment(local: DateTime, dst: Dst, zone: &TimeZone) -> Option<Timestamp> {
    match (zone.to_ambiguous_timestamp(local).offset(), dst) {
        (
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. },
            _,
        ) => offset.to_timestamp(local).ok(),
        (AmbiguousOffset::Gap { .. }, Dst::Skip) => None,
        (AmbiguousOffset::Gap { after, .. }, Dst::Once) => change_to(after, local, zone),
    }
}

/// The moment of the change that skipped `local`.
fn change_to(after: Offset, local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    // Read with the offset that came only then, a skipped time is before it came.
    let before = after.to_timestamp(local).ok()?;
    let mut changes = zone.following(before);
    // A zone may change its name without its offset.
    let change = changes.find(|change| change.offset() == after)?;
    Some(change.timestamp())
}
