//! The history as it lies in PostgreSQL, with what waits in the log to be sent there.

use std::collections::HashMap;
use std::sync::Arc;

use super::{EVER, Named, Portion, Series, later, newest_numbers, period};
use crate::clock::UtcMillis;
use crate::history::queue::Held;
use crate::history::rollup::Rolled;
use crate::history::sample::Sample;
use crate::history::store::postgres::samples::{self, Place, Placed};
use crate::history::store::postgres::series::Row;
use crate::history::store::postgres::{Whole, rollups, series};
use crate::history::store::shelves::{Kinds, Rollups};
use crate::history::waiting::Description;
use crate::home::Value;

/// Numbers that are read at once to tell how a series speaks.
const PORTION: i64 = 1024;

/// One moment of a server and of the log.
#[derive(Debug)]
pub struct RemoteView {
    whole: Whole,
    /// The log's series, by topic.
    in_log: HashMap<String, (u32, Description)>,
    /// Blocks that are not on the server.
    waiting: Vec<Arc<Held>>,
    /// Whether there may be more of them in the log.
    pub is_cut: bool,
    known: HashMap<u32, Row>,
    bytes_per_sample: Option<f64>,
}

impl RemoteView {
    pub fn new(
        whole: Whole,
        in_log: HashMap<String, (u32, Description)>,
        waiting: Vec<Arc<Held>>,
        is_cut: bool,
    ) -> RemoteView {
        RemoteView {
            whole,
            in_log,
            waiting,
            is_cut,
            known: HashMap::new(),
            bytes_per_sample: None,
        }
    }

    pub async fn series(&mut self, topic: &str) -> sqlx::Result<Option<Series>> {
        let in_log = self.in_log.get(topic).map(|(id, _)| *id);
        let row = series::find(&mut self.whole, topic).await?;
        let on_shelves = row.as_ref().map(|row| row.id);
        self.known.extend(row.map(|row| (row.id, row)));
        let is_known = on_shelves.is_some() || in_log.is_some();
        Ok(is_known.then_some(Series { on_shelves, in_log }))
    }

    pub async fn all(&mut self) -> sqlx::Result<Vec<Named>> {
        let rows = series::all(&mut self.whole).await?;
        let mut named: Vec<Named> = Vec::new();
        let mut in_log = self.in_log.clone();
        for row in rows {
            let here = in_log.remove(&row.topic).map(|(id, _)| id);
            named.push(Named {
                series: Series {
                    on_shelves: Some(row.id),
                    in_log: here,
                },
                topic: row.topic.clone(),
                description: row.description.clone(),
            });
            self.known.insert(row.id, row);
        }
        let only_here = in_log.into_iter().map(|(topic, (id, description))| Named {
            series: Series {
                on_shelves: None,
                in_log: Some(id),
            },
            topic,
            description,
        });
        named.extend(only_here);
        named.sort_by(|a, b| a.topic.cmp(&b.topic));
        Ok(named)
    }

    pub async fn tail(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Vec<(UtcMillis, Value)>> {
        let is_asked = |sample: &&Sample| sample.at >= from && sample.at <= to;
        let samples = self.samples_in_log(series).filter(is_asked);
        let mut tail: Vec<(UtcMillis, Value)> = samples
            .map(|sample| (sample.at, sample.value.clone()))
            .collect();
        tail.sort_by_key(|(at, _)| *at);
        Ok(tail)
    }

    pub async fn tail_ends(
        &mut self,
        series: Series,
    ) -> sqlx::Result<Option<(UtcMillis, UtcMillis, usize)>> {
        let times = || self.samples_in_log(series).map(|sample| sample.at);
        let ends = times().min().zip(times().max());
        Ok(ends.map(|(first, last)| (first, last, times().count())))
    }

    pub async fn last_in_tail(
        &mut self,
        series: Series,
        until: UtcMillis,
    ) -> sqlx::Result<Option<(UtcMillis, Value)>> {
        let samples = self.samples_in_log(series);
        // Of the same time the one that came last.
        let last = samples
            .filter(|sample| sample.at <= until)
            .max_by_key(|sample| sample.at);
        Ok(last.map(|sample| (sample.at, sample.value.clone())))
    }

    pub async fn newest_in_tail(
        &mut self,
        series: Series,
        until: UtcMillis,
        most: usize,
    ) -> sqlx::Result<Vec<(UtcMillis, f64)>> {
        let tail = self.tail(series, EVER.0, until).await?;
        Ok(newest_numbers(&tail, most))
    }

    pub async fn logged(
        &mut self,
        wanted: &[Series],
    ) -> sqlx::Result<HashMap<Series, Vec<Sample>>> {
        let mut logged = HashMap::new();
        for series in wanted {
            let mut samples: Vec<Sample> = self.samples_in_log(*series).cloned().collect();
            samples.sort_by_key(|sample| sample.at);
            logged.insert(*series, samples);
        }
        Ok(logged)
    }

    pub async fn ends(&mut self, series: Series) -> sqlx::Result<Option<(UtcMillis, UtcMillis)>> {
        Ok(self.row(series).and_then(|row| row.ends))
    }

    pub async fn first_start(
        &mut self,
        series: Series,
        kind: Rollups,
    ) -> sqlx::Result<Option<UtcMillis>> {
        Ok(self.row(series).and_then(|row| match kind {
            Rollups::Minutes => row.first_minute,
            Rollups::Hours => row.first_hour,
        }))
    }

    /// A series that only ever said one kind needs no counting: what counts is which kind.
    pub async fn kinds(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Kinds> {
        let Some(row) = self.row(series) else {
            return Ok(Kinds::default());
        };
        let (id, kinds) = (row.id, row.kinds);
        let each = [kinds.numbers, kinds.switches, kinds.texts];
        if each.iter().filter(|count| **count > 0).count() <= 1 {
            return Ok(kinds);
        }
        samples::count(&mut self.whole, id, from, to).await
    }

    pub async fn newest_kinds(&mut self, series: Series) -> sqlx::Result<Option<Kinds>> {
        Ok(self.row(series).map(|row| row.kinds))
    }

    pub async fn last(
        &mut self,
        series: Series,
        until: UtcMillis,
        in_tail: Option<(UtcMillis, Value)>,
    ) -> sqlx::Result<Option<(UtcMillis, Value)>> {
        let Some(id) = series.on_shelves else {
            return Ok(in_tail);
        };
        let last = samples::last(&mut self.whole, id, until).await?;
        Ok(later(last, in_tail))
    }

    pub async fn numbers(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
        each: impl FnMut(UtcMillis, f64) + Send,
    ) -> sqlx::Result<()> {
        match series.on_shelves {
            Some(id) => samples::numbers(&mut self.whole, id, (from, to), each).await,
            None => Ok(()),
        }
    }

    /// So many numbers as a chunk of a slow series holds.
    pub async fn portion(
        &mut self,
        series: Series,
        until: UtcMillis,
    ) -> sqlx::Result<Option<Portion>> {
        let Some(id) = series.on_shelves else {
            return Ok(None);
        };
        let numbers = samples::last_numbers(&mut self.whole, id, until, PORTION).await?;
        let ends = numbers.first().zip(numbers.last());
        Ok(ends.map(|(first, last)| Portion {
            first: first.0,
            last: last.0,
            numbers: numbers.clone(),
        }))
    }

    pub async fn values(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
        each: impl FnMut(UtcMillis, Value) + Send,
    ) -> sqlx::Result<()> {
        match series.on_shelves {
            Some(id) => samples::values(&mut self.whole, id, (from, to), each).await,
            None => Ok(()),
        }
    }

    pub async fn rolled(
        &mut self,
        series: Series,
        kind: Rollups,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Vec<Rolled>> {
        let begin = period(kind).start(from);
        match series.on_shelves {
            Some(id) => rollups::within(&mut self.whole, kind, id, (begin, to)).await,
            None => Ok(Vec::new()),
        }
    }

    /// Nobody knows how much a series takes; a sample takes as much as any other.
    pub async fn size(&mut self, series: Series) -> sqlx::Result<(i64, i64)> {
        let Some(samples) = self.row(series).map(|row| row.kinds.all()) else {
            return Ok((0, 0));
        };
        let per_sample = match self.bytes_per_sample {
            Some(bytes) => bytes,
            None => {
                let bytes = series::bytes(&mut self.whole).await?;
                let all: i64 = self.known.values().map(|row| row.kinds.all()).sum();
                *self
                    .bytes_per_sample
                    .insert(bytes as f64 / all.max(1) as f64)
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "a part of what is there")]
        let bytes = (samples as f64 * per_sample).round() as i64;
        Ok((samples, bytes))
    }

    /// The samples of a series behind a place, at most so many; the first ones if there is
    /// no place yet.
    pub async fn page(
        &mut self,
        series: Series,
        behind: Option<(UtcMillis, i32)>,
        (from, to): (UtcMillis, UtcMillis),
        most: usize,
    ) -> sqlx::Result<Vec<Placed>> {
        let Some(series) = series.on_shelves else {
            return Ok(Vec::new());
        };
        let (at, nth) = behind.unwrap_or((from, -1));
        let behind = Place { series, at, nth };
        samples::page(&mut self.whole, behind, to.min(EVER.1), most).await
    }

    fn row(&self, series: Series) -> Option<&Row> {
        self.known.get(&series.on_shelves?)
    }

    /// In the order in which they came.
    fn samples_in_log(&self, series: Series) -> impl Iterator<Item = &Sample> {
        series.in_log.into_iter().flat_map(|id| {
            let of_series = self
                .waiting
                .iter()
                .filter_map(move |held| held.series.get(&id));
            of_series.flatten()
        })
    }
}
