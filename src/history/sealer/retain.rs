//! Removes what is kept no longer: samples first, then minutes, then hours.

use std::time::Duration;

use super::rolls::row_length;
use crate::clock::UtcMillis;
use crate::history::policy::Policy;
use crate::history::store::shelves::{self, Rollups};
use crate::history::store::{Store, series};

/// A step removes about so many rows, as each is overwritten: after a change of the config
/// there may be years of them, and commits have their turn in between.
const STEP: u32 = 500;

/// Removes whole chunks and rows that are older than their series keeps them, a step of them;
/// says whether there may be more.
///
/// # Errors
/// If the file does not take it.
pub async fn retain(store: &Store, policy: &Policy, now: UtcMillis) -> sqlx::Result<bool> {
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
        let done = shelves::remove_before(&mut whole, row.id, chunks, minutes, hours, STEP);
        removed += done.await?;
        if removed >= u64::from(STEP) {
            break;
        }
    }
    whole.commit().await?;
    Ok(removed >= u64::from(STEP))
}
