//! Removes what is kept no longer: samples first, then minutes, then hours.

use std::time::Duration;

use super::rolls::row_length;
use crate::clock::UtcMillis;
use crate::history::policy::Policy;
use crate::history::store::shelves::{self, Rollups};
use crate::history::store::{Store, series};

/// Removes whole chunks and rows that are older than their series keeps them; says how many.
///
/// # Errors
/// If the file does not take it.
pub async fn retain(store: &Store, policy: &Policy, now: UtcMillis) -> sqlx::Result<u64> {
    let mut whole = store.write().await?;
    let mut removed = 0;
    for row in series::all(&mut whole).await? {
        let keep = policy.of(&row.topic).keep;
        let before = |keep: Option<Duration>, row_length: i64| match keep {
            Some(keep) => UtcMillis((now - keep).0.saturating_sub(row_length)),
            None => UtcMillis(i64::MIN),
        };
        let chunks = before(keep.raw, 0);
        let minutes = before(keep.minutes, row_length(Rollups::Minutes));
        let hours = before(keep.hours, row_length(Rollups::Hours));
        removed += shelves::remove_before(&mut whole, row.id, chunks, minutes, hours).await?;
    }
    whole.commit().await?;
    Ok(removed)
}
