//! Changes of on/off and texts within a stretch of time.

use sqlx::SqliteConnection;

use super::plan::{Piece, Source};
use super::{Asked, period, rolled};
use crate::clock::UtcMillis;
use crate::history::Change;
use crate::history::chunk;
use crate::history::reader::slots::Slots;
use crate::history::rollup::{Period, Rolled};
use crate::history::store::shelves::{self, Kinds, Rollups};
use crate::history::thin::Thinner;
use crate::home::Value;

/// Each change, no more than asked for, with the state that held before the first one.
pub(super) async fn changes(
    connection: &mut SqliteConnection,
    asked: &Asked,
    kinds: Kinds,
    held: Option<(UtcMillis, Value)>,
) -> sqlx::Result<Vec<Change>> {
    let mut bands = Bands {
        thinner: Thinner::new(asked.from, asked.to, asked.points),
        tail: asked.in_tail.iter().collect(),
        on: None,
    };
    if let Some((at, value)) = held {
        bands.put(at, &value);
    }
    // What is said in a minute is no more than a line in a chart of days; texts have no
    // roll-ups.
    let bucket = Slots::new(asked.from, asked.to, asked.points).length();
    let only_switches = kinds.texts == 0 && kinds.numbers == 0;
    let pieces = if only_switches {
        asked.pieces(&mut *connection, bucket).await?
    } else {
        vec![Piece {
            source: Source::Samples,
            from: asked.from,
            to: asked.to,
        }]
    };
    for piece in pieces {
        let kind = match piece.source {
            Source::Samples => {
                bands
                    .samples(&mut *connection, asked.series, &piece)
                    .await?;
                continue;
            }
            Source::Minutes => Rollups::Minutes,
            Source::Hours => Rollups::Hours,
        };
        for one in rolled(&mut *connection, asked.series, kind, &piece).await? {
            bands.rolled(one, period(kind), piece.from);
        }
    }
    bands.tail_before(None);
    Ok(bands.thinner.finish())
}

struct Bands<'a> {
    thinner: Thinner,
    /// What of the log's tail has not had its turn.
    tail: std::collections::VecDeque<&'a (UtcMillis, Value)>,
    /// Whether it is on, as far as is known.
    on: Option<bool>,
}

impl Bands<'_> {
    fn put(&mut self, at: UtcMillis, value: &Value) {
        if value.as_number().is_none() {
            self.on = value.as_switch();
            self.thinner.push(Change {
                at,
                state: value.to_string(),
            });
        }
    }

    /// Late samples stand between those that are on the shelves.
    fn tail_before(&mut self, at: Option<UtcMillis>) {
        let is_before = |one: &&(UtcMillis, Value)| at.is_none_or(|at| one.0 < at);
        while let Some((at, value)) = self.tail.front().copied().filter(is_before) {
            self.tail.pop_front();
            self.put(*at, value);
        }
    }

    async fn samples(
        &mut self,
        connection: &mut SqliteConnection,
        series: u32,
        piece: &Piece,
    ) -> sqlx::Result<()> {
        for chunk in shelves::chunks(&mut *connection, series, piece.from, piece.to).await? {
            let bytes = shelves::chunk_bytes(&mut *connection, chunk.id).await?;
            let samples = chunk::decode(&bytes).unwrap_or_else(|error| {
                tracing::error!("chunk {} of the history {error}", chunk.id);
                Vec::new()
            });
            for sample in samples {
                if sample.at >= piece.from && sample.at <= piece.to {
                    self.tail_before(Some(sample.at));
                    self.put(sample.at, &sample.value);
                }
            }
        }
        Ok(())
    }

    /// A period in which it was both shows a blink at least, and ends as it ended.
    fn rolled(&mut self, rolled: Rolled, period: Period, from: UtcMillis) {
        let begin = rolled.start.max(from);
        self.tail_before(Some(begin));
        let (bucket, last) = (rolled.bucket, rolled.bucket.last > 0.5);
        let is_both = bucket.min < bucket.max;
        if is_both && self.on.is_none_or(|on| on == last) {
            self.put(begin, &Value::Switch(!last));
            let half = UtcMillis(begin.0.saturating_add(period.millis() / 2));
            self.put(half, &Value::Switch(last));
        } else {
            self.put(begin, &Value::Switch(last));
        }
    }
}
