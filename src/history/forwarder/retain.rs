//! Removes from the server what is kept no longer.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use crate::clock::UtcMillis;
use crate::history::policy::Policy;
use crate::history::store::postgres::{blocks, rollups, samples, series};
use crate::history::store::shelves::{Kinds, Rollups};

/// Removes samples, minutes and hours that are older than their series keeps them.
///
/// # Errors
/// If the server does not take it; series before that are done.
pub async fn retain(
    connection: &mut PgConnection,
    policy: &Policy,
    now: UtcMillis,
) -> sqlx::Result<()> {
    for row in series::all(&mut *connection).await? {
        let keep = policy.of(&row.topic).keep;
        if keep.is_forever() {
            continue;
        }
        let before = |keep: Option<Duration>| keep.map(|keep| now - keep);
        // One by one, so that what is new need not wait for all of them.
        let mut whole = connection.begin().await?;
        blocks::lock(&mut whole).await?;
        if let Some(before) = before(keep.raw) {
            let gone = samples::remove_before(&mut whole, row.id, before).await?;
            let less = Kinds {
                numbers: -gone.numbers,
                switches: -gone.switches,
                texts: -gone.texts,
            };
            series::count(&mut whole, &[(row.id, less)]).await?;
        }
        for (kind, keep) in [
            (Rollups::Minutes, keep.minutes),
            (Rollups::Hours, keep.hours),
        ] {
            if let Some(before) = before(keep) {
                rollups::remove_before(&mut whole, kind, row.id, before).await?;
            }
        }
        whole.commit().await?;
    }
    blocks::forget_old(connection).await
}
