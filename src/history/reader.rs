//! Answers what charts ask: from samples, minutes or hours, whichever is as fine as the
//! chart can show, and from the log's tail.
//!
//! What is read is of one moment: a sample that goes to the shelves meanwhile is neither
//! missing nor doubled.

mod plan;
mod slots;
mod states;

#[cfg(test)]
mod tests;

use std::time::Duration;

use sqlx::SqliteConnection;

use super::chunk;
use super::rollup::{self, Period, Rolled};
use super::sealer::row_start;
use super::store::shelves::{self, Chunk, Kinds, Rollups};
use super::store::{Store, series};
use super::{SeriesInfo, SeriesSize, Stretch};
use crate::clock::UtcMillis;
use crate::home::{Reading, Value};
use plan::{Begins, Piece, Source, plan};
use slots::Slots;

const EVER: (UtcMillis, UtcMillis) = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));

/// Every topic that has samples, and every topic of commands, by name.
pub async fn series(store: &Store) -> sqlx::Result<Vec<SeriesInfo>> {
    let sizes = sizes(store).await?;
    Ok(sizes.into_iter().map(|size| size.info).collect())
}

/// The same with how much there is of each.
pub async fn sizes(store: &Store) -> sqlx::Result<Vec<SeriesSize>> {
    let mut whole = store.read().await?;
    let mut tail = store.tail().lock().await;
    tail.refresh(&mut whole).await?;
    let mut sizes = Vec::new();
    for row in series::all(&mut whole).await? {
        let in_tail = tail.of(row.id, EVER.0, EVER.1);
        let tail_ends = in_tail.first().zip(in_tail.last());
        let tail_ends = tail_ends.map(|(first, last)| (first.0, last.0));
        let shelf_ends = ends(&mut whole, row.id).await?;
        let all = [tail_ends, shelf_ends].into_iter().flatten();
        let both = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        // A series that was only described has no times and is none yet.
        let Some((mut first, last)) = both else {
            continue;
        };
        for kind in [Rollups::Minutes, Rollups::Hours] {
            // Of a minute that has samples the first one is told.
            let start = first_start(&mut whole, row.id, kind).await?;
            let older = start.filter(|start| *start < period(kind).start(first));
            first = older.unwrap_or(first);
        }
        let (samples, bytes) = shelves::size(&mut whole, row.id).await?;
        sizes.push(SeriesSize {
            info: SeriesInfo {
                topic: row.topic,
                unit: row.description.unit,
                device_class: row.description.device_class,
                first,
                last,
            },
            samples: u64::try_from(samples).unwrap_or(0) + in_tail.len() as u64,
            bytes: u64::try_from(bytes).unwrap_or(0),
        });
    }
    Ok(sizes)
}

/// The last reading of `topic` that is not later than `until`.
pub async fn last_until(
    store: &Store,
    topic: &str,
    until: UtcMillis,
) -> sqlx::Result<Option<Reading>> {
    let mut whole = store.read().await?;
    let Some(series) = series::id(&mut whole, topic).await? else {
        return Ok(None);
    };
    let mut tail = store.tail().lock().await;
    tail.refresh(&mut whole).await?;
    let in_tail = tail.of(series, EVER.0, until).last().cloned();
    drop(tail);
    let last = last_of(&mut whole, series, until, in_tail).await?;
    Ok(last.map(|(at, value)| Reading {
        topic: topic.to_owned(),
        value,
        at,
    }))
}

/// See [`History::stretch`](super::History::stretch).
pub async fn stretch(
    store: &Store,
    topic: &str,
    from: UtcMillis,
    to: UtcMillis,
    points: usize,
) -> sqlx::Result<Stretch> {
    let mut whole = store.read().await?;
    let nothing = |bucket| Stretch::Numbers {
        points: Vec::new(),
        bucket,
    };
    let Some(series) = series::id(&mut whole, topic).await? else {
        return Ok(nothing(Slots::new(from, to, points).length()));
    };
    let mut tail = store.tail().lock().await;
    tail.refresh(&mut whole).await?;
    let last_in_tail = tail.of(series, EVER.0, EVER.1).last().map(|(at, _)| *at);
    let shelf_ends = ends(&mut whole, series).await?;
    // The end of time is a word for the end of what there is.
    let to = match last_in_tail.max(shelf_ends.map(|(_, last)| last)) {
        Some(last) if to == EVER.1 => last.max(from),
        _ => to,
    };
    let asked = Asked {
        series,
        from,
        to,
        points,
        in_tail: tail.of(series, from, to).to_vec(),
        held_in_tail: tail
            .of(series, EVER.0, UtcMillis(from.0.saturating_sub(1)))
            .last()
            .cloned(),
    };
    drop(tail);
    asked.answer(&mut whole).await
}

/// What a chart asks for, of a series that is there.
struct Asked {
    series: u32,
    from: UtcMillis,
    to: UtcMillis,
    points: usize,
    in_tail: Vec<(UtcMillis, Value)>,
    /// The last sample of the log before.
    held_in_tail: Option<(UtcMillis, Value)>,
}

impl Asked {
    async fn answer(self, connection: &mut SqliteConnection) -> sqlx::Result<Stretch> {
        let chunks = shelves::chunks(&mut *connection, self.series, self.from, self.to).await?;
        let is_asked = |chunk: &&Chunk| chunk.last >= self.from;
        let mut kinds = kinds(chunks.iter().filter(is_asked), &self.in_tail);
        let before = UtcMillis(self.from.0.saturating_sub(1));
        let held_in_tail = self.held_in_tail.clone();
        let held = last_of(&mut *connection, self.series, before, held_in_tail).await?;
        let held = held.filter(|(_, value)| value.as_number().is_none());
        if kinds.all() == 0 {
            // Its samples are kept no longer, or it said nothing then.
            kinds = self
                .kinds_otherwise(&mut *connection, held.is_some())
                .await?;
        }
        if kinds.states() > kinds.numbers {
            let changes = states::changes(connection, &self, kinds, held).await?;
            return Ok(Stretch::States(changes));
        }
        let mut slots = Slots::new(self.from, self.to, self.points);
        for piece in self.pieces(&mut *connection, slots.length()).await? {
            self.numbers(&mut *connection, piece, &mut slots).await?;
        }
        for (at, value) in &self.in_tail {
            if let Some(number) = value.as_number() {
                slots.add(*at, number);
            }
        }
        Ok(Stretch::Numbers {
            bucket: slots.length(),
            points: slots.finish(),
        })
    }

    /// What the series is most likely, going by its newest chunk.
    async fn kinds_otherwise(
        &self,
        connection: &mut SqliteConnection,
        is_held: bool,
    ) -> sqlx::Result<Kinds> {
        let newest = shelves::chunk_at(connection, self.series, EVER.1).await?;
        let held = Kinds {
            texts: i64::from(is_held),
            ..Kinds::default()
        };
        Ok(newest.map_or(held, |newest| newest.kinds))
    }

    async fn pieces(
        &self,
        connection: &mut SqliteConnection,
        bucket: Duration,
    ) -> sqlx::Result<Vec<Piece>> {
        let begins = Begins {
            samples: ends(&mut *connection, self.series)
                .await?
                .map(|ends| ends.0),
            minutes: first_start(&mut *connection, self.series, Rollups::Minutes).await?,
            hours: first_start(connection, self.series, Rollups::Hours).await?,
        };
        Ok(plan(self.from, self.to, bucket, begins))
    }

    async fn numbers(
        &self,
        connection: &mut SqliteConnection,
        piece: Piece,
        slots: &mut Slots,
    ) -> sqlx::Result<()> {
        let kind = match piece.source {
            Source::Samples => {
                let chunks = shelves::chunks(&mut *connection, self.series, piece.from, piece.to);
                for chunk in chunks.await? {
                    let bytes = shelves::chunk_bytes(&mut *connection, chunk.id).await?;
                    let (times, numbers) = chunk::numbers(&bytes).unwrap_or_else(|error| {
                        tracing::warn!("chunk {} of the history {error}", chunk.id);
                        Default::default()
                    });
                    let begin = times.partition_point(|at| *at < piece.from);
                    let end = times.partition_point(|at| *at <= piece.to);
                    for nth in begin..end.max(begin) {
                        slots.add(times[nth], numbers[nth]);
                    }
                }
                return Ok(());
            }
            Source::Minutes => Rollups::Minutes,
            Source::Hours => Rollups::Hours,
        };
        for one in rolled(connection, self.series, kind, &piece).await? {
            slots.merge(one, period(kind), piece.to);
        }
        Ok(())
    }
}

/// The roll-ups of a piece.
async fn rolled(
    connection: &mut SqliteConnection,
    series: u32,
    kind: Rollups,
    piece: &Piece,
) -> sqlx::Result<Vec<Rolled>> {
    let first = row_start(kind, piece.from);
    let rows = shelves::rollups(connection, kind, series, first, piece.to).await?;
    let begin = period(kind).start(piece.from);
    let mut all = Vec::new();
    for bytes in rows {
        match rollup::decode(&bytes) {
            Ok((_, rolled)) => {
                let within = |one: &Rolled| one.start >= begin && one.start <= piece.to;
                all.extend(rolled.into_iter().filter(within));
            }
            Err(error) => tracing::warn!("roll-ups of series {series} {error}"),
        }
    }
    Ok(all)
}

fn period(kind: Rollups) -> Period {
    match kind {
        Rollups::Minutes => Period::Minute,
        Rollups::Hours => Period::Hour,
    }
}

fn kinds<'a>(chunks: impl Iterator<Item = &'a Chunk>, tail: &[(UtcMillis, Value)]) -> Kinds {
    let mut kinds = Kinds::default();
    for chunk in chunks {
        kinds.numbers += chunk.kinds.numbers;
        kinds.switches += chunk.kinds.switches;
        kinds.texts += chunk.kinds.texts;
    }
    for (_, value) in tail {
        match value {
            Value::Number(_) => kinds.numbers += 1,
            Value::Switch(_) => kinds.switches += 1,
            Value::Text(_) => kinds.texts += 1,
        }
    }
    kinds
}

/// First and last sample on the shelves.
async fn ends(
    connection: &mut SqliteConnection,
    series: u32,
) -> sqlx::Result<Option<(UtcMillis, UtcMillis)>> {
    let first = shelves::chunk_after(&mut *connection, series, EVER.0).await?;
    let last = shelves::chunk_at(connection, series, EVER.1).await?;
    Ok(first
        .zip(last)
        .map(|(first, last)| (first.first, last.last)))
}

async fn first_start(
    connection: &mut SqliteConnection,
    series: u32,
    kind: Rollups,
) -> sqlx::Result<Option<UtcMillis>> {
    let row = shelves::first_rollups(connection, kind, series).await?;
    let rolled = row.and_then(|bytes| rollup::decode(&bytes).ok());
    Ok(rolled.and_then(|(_, rolled)| Some(rolled.first()?.start)))
}

/// The later of the last one on the shelves and the one of the tail.
async fn last_of(
    connection: &mut SqliteConnection,
    series: u32,
    until: UtcMillis,
    in_tail: Option<(UtcMillis, Value)>,
) -> sqlx::Result<Option<(UtcMillis, Value)>> {
    let chunk = shelves::chunk_at(&mut *connection, series, until).await?;
    let in_tail_is_later = |chunk: &Chunk| {
        let at = in_tail.as_ref().map(|(at, _)| *at);
        at.is_some_and(|at| at >= chunk.last)
    };
    let Some(chunk) = chunk.filter(|chunk| !in_tail_is_later(chunk)) else {
        return Ok(in_tail);
    };
    let bytes = shelves::chunk_bytes(connection, chunk.id).await?;
    let samples = chunk::decode(&bytes).unwrap_or_else(|error| {
        tracing::warn!("chunk {} of the history {error}", chunk.id);
        Vec::new()
    });
    let sealed = samples.into_iter().rev().find(|sample| sample.at <= until);
    let sealed = sealed.map(|sample| (sample.at, sample.value));
    Ok(match (sealed, in_tail) {
        (Some(sealed), Some(tail)) if tail.0 < sealed.0 => Some(sealed),
        (sealed, tail) => tail.or(sealed),
    })
}
