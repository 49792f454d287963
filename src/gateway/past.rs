//! What rules may ask of the history: numbers from before the start.

use std::sync::Arc;

use crate::clock::UtcMillis;
use crate::history::{History, Stretch};
use crate::rules::{Numbers, Past};

/// Rules keep a window in sixty parts; ten points for each tell enough.
const POINTS: usize = 600;
/// The end of time, for whoever wants all there is.
const EVER: UtcMillis = UtcMillis(i64::MAX);

/// The numbers of a topic, out of a history that may not answer.
pub(super) fn of(history: History) -> Past {
    Arc::new(move |topic, from| {
        let history = history.clone();
        Box::pin(async move {
            match history.stretch(&topic, from, EVER, POINTS).await {
                Ok(Stretch::Numbers { points, .. }) => {
                    let numbers = |point: crate::history::Point| Numbers {
                        count: point.count,
                        mean: point.mean,
                        least: point.min,
                        greatest: point.max,
                    };
                    points.into_iter().map(|p| (p.at, numbers(p))).collect()
                }
                Ok(Stretch::States(_)) => Vec::new(),
                Err(error) => {
                    tracing::warn!(%topic, "rules begin without the history: {error}");
                    Vec::new()
                }
            }
        })
    })
}
