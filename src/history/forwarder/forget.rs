//! Removes a topic from the server and from the log before it.

use crate::clock::UtcMillis;
use crate::history::HistoryError;
use crate::history::store::Store;
use crate::history::store::postgres::{Server, reason, series};
use crate::home::Thing;

/// Removes a topic, and a thing's commands with it; says how many samples. `here` removes
/// it from the file.
///
/// # Errors
/// If the server cannot be reached: then nothing is removed, unless that happens at the
/// very end.
pub async fn forget(
    store: &Store,
    server: &Server,
    topic: &str,
    here: impl Future<Output = Result<u64, HistoryError>>,
) -> Result<u64, HistoryError> {
    let away = |error: sqlx::Error| HistoryError::away(server, &reason(&error));
    let mut topics = vec![topic.to_owned()];
    topics.extend(Thing::from_topic(topic).map(|thing| thing.set_topic()));
    // From here on nothing of it can come there.
    let mut whole = server.write().await.map_err(away)?;
    let mut samples = 0;
    for topic in &topics {
        samples += count(store, topic).await.map_err(away)?;
    }
    here.await?;
    for topic in &topics {
        series::remove(&mut whole, topic).await.map_err(away)?;
    }
    whole.commit().await.map_err(away)?;
    Ok(samples)
}

async fn count(store: &Store, topic: &str) -> sqlx::Result<u64> {
    let mut view = store.view().await?;
    let Some(series) = view.series(topic).await? else {
        return Ok(0);
    };
    let in_log = view
        .tail_ends(series)
        .await?
        .map_or(0, |(_, _, count)| count);
    let ever = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));
    let there = view.kinds(series, ever.0, ever.1).await?.all();
    Ok(u64::try_from(there).unwrap_or(0) + in_log as u64)
}
