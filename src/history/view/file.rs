//! The history as it lies in the file: log and chunks.

use std::collections::{HashMap, HashSet};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::SqliteConnection;
use tokio::sync::Mutex;

use super::{EVER, Named, Portion, Series, later, newest_numbers, period};
use crate::clock::UtcMillis;
use crate::history::chunk;
use crate::history::rollup::{self, Rolled};
use crate::history::sample::Sample;
use crate::history::sealer::row_start;
use crate::history::store::shelves::{self, Chunk, Kinds, Rollups};
use crate::history::store::{Whole, series};
use crate::history::tail::{self, Tail};
use crate::home::Value;

/// A transaction that reads, on a connection of the pool or on one of its own.
#[derive(Debug)]
pub enum Snapshot {
    Pooled(Whole),
    /// Ends when it is dropped.
    Apart(SqliteConnection),
}

impl Deref for Snapshot {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Snapshot::Pooled(whole) => whole,
            Snapshot::Apart(connection) => connection,
        }
    }
}

impl DerefMut for Snapshot {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Snapshot::Pooled(whole) => whole,
            Snapshot::Apart(connection) => connection,
        }
    }
}

/// One moment of the file.
#[derive(Debug)]
pub struct FileView {
    pub whole: Snapshot,
    tail: Arc<Mutex<Tail>>,
}

impl FileView {
    pub fn new(whole: Snapshot, tail: Arc<Mutex<Tail>>) -> FileView {
        FileView { whole, tail }
    }

    pub async fn series(&mut self, topic: &str) -> sqlx::Result<Option<Series>> {
        let id = series::id(&mut self.whole, topic).await?;
        Ok(id.map(both))
    }

    pub async fn all(&mut self) -> sqlx::Result<Vec<Named>> {
        let rows = series::all(&mut self.whole).await?.into_iter();
        let named = rows.map(|row| Named {
            series: both(row.id),
            topic: row.topic,
            description: row.description,
        });
        Ok(named.collect())
    }

    pub async fn tail(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Vec<(UtcMillis, Value)>> {
        let mut tail = self.tail.lock().await;
        tail.refresh(&mut self.whole).await?;
        Ok(tail.of(id(series), from, to).to_vec())
    }

    pub async fn tail_ends(
        &mut self,
        series: Series,
    ) -> sqlx::Result<Option<(UtcMillis, UtcMillis, usize)>> {
        let mut tail = self.tail.lock().await;
        tail.refresh(&mut self.whole).await?;
        let all = tail.of(id(series), EVER.0, EVER.1);
        let ends = all.first().zip(all.last());
        Ok(ends.map(|(first, last)| (first.0, last.0, all.len())))
    }

    pub async fn last_in_tail(
        &mut self,
        series: Series,
        until: UtcMillis,
    ) -> sqlx::Result<Option<(UtcMillis, Value)>> {
        let mut tail = self.tail.lock().await;
        tail.refresh(&mut self.whole).await?;
        Ok(tail.of(id(series), EVER.0, until).last().cloned())
    }

    pub async fn newest_in_tail(
        &mut self,
        series: Series,
        until: UtcMillis,
        most: usize,
    ) -> sqlx::Result<Vec<(UtcMillis, f64)>> {
        let mut tail = self.tail.lock().await;
        tail.refresh(&mut self.whole).await?;
        Ok(newest_numbers(tail.of(id(series), EVER.0, until), most))
    }

    pub async fn logged(
        &mut self,
        wanted: &[Series],
    ) -> sqlx::Result<HashMap<Series, Vec<Sample>>> {
        let ids: HashSet<u32> = wanted.iter().map(|one| id(*one)).collect();
        let samples = tail::samples(&mut self.whole, &ids).await?.into_iter();
        Ok(samples.map(|(id, samples)| (both(id), samples)).collect())
    }

    pub async fn ends(&mut self, series: Series) -> sqlx::Result<Option<(UtcMillis, UtcMillis)>> {
        let first = shelves::chunk_after(&mut self.whole, id(series), EVER.0).await?;
        let last = shelves::chunk_at(&mut self.whole, id(series), EVER.1).await?;
        let ends = first.zip(last);
        Ok(ends.map(|(first, last)| (first.first, last.last)))
    }

    pub async fn first_start(
        &mut self,
        series: Series,
        kind: Rollups,
    ) -> sqlx::Result<Option<UtcMillis>> {
        let row = shelves::first_rollups(&mut self.whole, kind, id(series)).await?;
        let rolled = row.and_then(|bytes| rollup::decode(&bytes).ok());
        Ok(rolled.and_then(|(_, rolled)| Some(rolled.first()?.start)))
    }

    /// Of whole chunks.
    pub async fn kinds(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Kinds> {
        let mut kinds = Kinds::default();
        for chunk in shelves::chunks(&mut self.whole, id(series), from, to).await? {
            if chunk.last >= from {
                kinds += chunk.kinds;
            }
        }
        Ok(kinds)
    }

    /// Of the newest chunk.
    pub async fn newest_kinds(&mut self, series: Series) -> sqlx::Result<Option<Kinds>> {
        let newest = shelves::chunk_at(&mut self.whole, id(series), EVER.1).await?;
        Ok(newest.map(|newest| newest.kinds))
    }

    pub async fn last(
        &mut self,
        series: Series,
        until: UtcMillis,
        in_tail: Option<(UtcMillis, Value)>,
    ) -> sqlx::Result<Option<(UtcMillis, Value)>> {
        let chunk = shelves::chunk_at(&mut self.whole, id(series), until).await?;
        let in_tail_is_later = |chunk: &Chunk| {
            let at = in_tail.as_ref().map(|(at, _)| *at);
            at.is_some_and(|at| at >= chunk.last)
        };
        let Some(chunk) = chunk.filter(|chunk| !in_tail_is_later(chunk)) else {
            return Ok(in_tail);
        };
        let mut samples = self.samples(chunk).await?.into_iter().rev();
        let sealed = samples.find(|sample| sample.at <= until);
        let sealed = sealed.map(|sample| (sample.at, sample.value));
        Ok(later(sealed, in_tail))
    }

    pub async fn numbers(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
        mut each: impl FnMut(UtcMillis, f64) + Send,
    ) -> sqlx::Result<()> {
        for chunk in shelves::chunks(&mut self.whole, id(series), from, to).await? {
            let (times, numbers) = self.numbers_of(&chunk).await?;
            let begin = times.partition_point(|at| *at < from);
            let end = times.partition_point(|at| *at <= to);
            for nth in begin..end.max(begin) {
                each(times[nth], numbers[nth]);
            }
        }
        Ok(())
    }

    /// A chunk.
    pub async fn portion(
        &mut self,
        series: Series,
        until: UtcMillis,
    ) -> sqlx::Result<Option<Portion>> {
        let chunk = shelves::chunk_at(&mut self.whole, id(series), until).await?;
        let Some(chunk) = chunk else {
            return Ok(None);
        };
        let (times, numbers) = self.numbers_of(&chunk).await?;
        Ok(Some(Portion {
            first: chunk.first,
            last: chunk.last,
            numbers: times.into_iter().zip(numbers).collect(),
        }))
    }

    pub async fn values(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
        mut each: impl FnMut(UtcMillis, Value) + Send,
    ) -> sqlx::Result<()> {
        for chunk in shelves::chunks(&mut self.whole, id(series), from, to).await? {
            for sample in self.samples(chunk).await? {
                if sample.at >= from && sample.at <= to {
                    each(sample.at, sample.value);
                }
            }
        }
        Ok(())
    }

    pub async fn rolled(
        &mut self,
        series: Series,
        kind: Rollups,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Vec<Rolled>> {
        let first = row_start(kind, from);
        let rows = shelves::rollups(&mut self.whole, kind, id(series), first, to).await?;
        let begin = period(kind).start(from);
        let mut all = Vec::new();
        for bytes in rows {
            match rollup::decode(&bytes) {
                Ok((_, rolled)) => {
                    let within = |one: &Rolled| one.start >= begin && one.start <= to;
                    all.extend(rolled.into_iter().filter(within));
                }
                Err(error) => {
                    tracing::warn!("roll-ups of series {} {error}", id(series));
                }
            }
        }
        Ok(all)
    }

    pub async fn size(&mut self, series: Series) -> sqlx::Result<(i64, i64)> {
        shelves::size(&mut self.whole, id(series)).await
    }

    /// Nothing if it is damaged.
    async fn numbers_of(&mut self, chunk: &Chunk) -> sqlx::Result<(Vec<UtcMillis>, Vec<f64>)> {
        let bytes = shelves::chunk_bytes(&mut self.whole, chunk.id).await?;
        Ok(chunk::numbers(&bytes).unwrap_or_else(|error| {
            tracing::warn!("chunk {} of the history {error}", chunk.id);
            Default::default()
        }))
    }

    /// Nothing if it is damaged.
    async fn samples(&mut self, chunk: Chunk) -> sqlx::Result<Vec<Sample>> {
        let bytes = shelves::chunk_bytes(&mut self.whole, chunk.id).await?;
        Ok(chunk::decode(&bytes).unwrap_or_else(|error| {
            tracing::warn!("chunk {} of the history {error}", chunk.id);
            Vec::new()
        }))
    }
}

/// In the file log and shelves have the same ids.
fn both(id: u32) -> Series {
    Series {
        on_shelves: Some(id),
        in_log: Some(id),
    }
}

/// No series has this id where there is none.
fn id(series: Series) -> u32 {
    series.on_shelves.unwrap_or(u32::MAX)
}
