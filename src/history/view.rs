//! What can be read of the history at one moment, wherever its shelves are.
//!
//! A sample that goes to the shelves meanwhile is neither missing nor doubled: the file's
//! log and shelves are read in one transaction, and of a log beside PostgreSQL only those
//! blocks count that were not there yet when reading began.

mod file;
mod remote;

use std::collections::HashMap;

pub use file::{FileView, Snapshot};
pub use remote::RemoteView;

use super::rollup::{Period, Rolled};
use super::sample::Sample;
use super::store::shelves::{Kinds, Rollups};
use super::waiting::Description;
use crate::clock::UtcMillis;
use crate::home::Value;

pub const EVER: (UtcMillis, UtcMillis) = (UtcMillis(i64::MIN), UtcMillis(i64::MAX));

/// One moment of the history.
#[derive(Debug)]
pub enum View {
    File(FileView),
    Postgres(RemoteView),
}

/// A series, by its ids: the log and the shelves may have ids of their own, and not both
/// need to have heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Series {
    pub on_shelves: Option<u32>,
    pub in_log: Option<u32>,
}

/// A series with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    pub series: Series,
    pub topic: String,
    pub description: Description,
}

/// Numbers that lie together on the shelves, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Portion {
    pub first: UtcMillis,
    pub last: UtcMillis,
    pub numbers: Vec<(UtcMillis, f64)>,
}

/// Calls the same of either.
macro_rules! either {
    ($self:ident, $view:ident => $call:expr) => {
        match $self {
            View::File($view) => $call,
            View::Postgres($view) => $call,
        }
    };
}

impl View {
    /// The series of a topic, if there is one.
    pub async fn series(&mut self, topic: &str) -> sqlx::Result<Option<Series>> {
        either!(self, view => view.series(topic).await)
    }

    /// All series by topic.
    pub async fn all(&mut self) -> sqlx::Result<Vec<Named>> {
        either!(self, view => view.all().await)
    }

    /// What the log holds of a series from `from` up to and including `to`, in order of time.
    pub async fn tail(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Vec<(UtcMillis, Value)>> {
        either!(self, view => view.tail(series, from, to).await)
    }

    /// The first and the last that the log holds of a series, and how many there are.
    pub async fn tail_ends(
        &mut self,
        series: Series,
    ) -> sqlx::Result<Option<(UtcMillis, UtcMillis, usize)>> {
        either!(self, view => view.tail_ends(series).await)
    }

    /// The last that the log holds of a series, not later than `until`.
    pub async fn last_in_tail(
        &mut self,
        series: Series,
        until: UtcMillis,
    ) -> sqlx::Result<Option<(UtcMillis, Value)>> {
        either!(self, view => view.last_in_tail(series, until).await)
    }

    /// The last numbers that the log holds of a series until then, at most so many.
    pub async fn newest_in_tail(
        &mut self,
        series: Series,
        until: UtcMillis,
        most: usize,
    ) -> sqlx::Result<Vec<(UtcMillis, f64)>> {
        either!(self, view => view.newest_in_tail(series, until, most).await)
    }

    /// What the log holds of these series, in order of time, with all that is known of it.
    pub async fn logged(
        &mut self,
        wanted: &[Series],
    ) -> sqlx::Result<HashMap<Series, Vec<Sample>>> {
        either!(self, view => view.logged(wanted).await)
    }

    /// First and last sample on the shelves.
    pub async fn ends(&mut self, series: Series) -> sqlx::Result<Option<(UtcMillis, UtcMillis)>> {
        either!(self, view => view.ends(series).await)
    }

    /// When the first roll-up begins.
    pub async fn first_start(
        &mut self,
        series: Series,
        kind: Rollups,
    ) -> sqlx::Result<Option<UtcMillis>> {
        either!(self, view => view.first_start(series, kind).await)
    }

    /// What the shelves hold within a stretch; roughly, where that is cheaper.
    pub async fn kinds(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Kinds> {
        either!(self, view => view.kinds(series, from, to).await)
    }

    /// What the newest of it is; none if there is none.
    pub async fn newest_kinds(&mut self, series: Series) -> sqlx::Result<Option<Kinds>> {
        either!(self, view => view.newest_kinds(series).await)
    }

    /// The last sample not later than `until`: on the shelves, or what the log says.
    pub async fn last(
        &mut self,
        series: Series,
        until: UtcMillis,
    ) -> sqlx::Result<Option<(UtcMillis, Value)>> {
        let in_tail = self.last_in_tail(series, until).await?;
        either!(self, view => view.last(series, until, in_tail).await)
    }

    /// Gives each number on the shelves within a stretch to `each`.
    pub async fn numbers(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
        each: impl FnMut(UtcMillis, f64) + Send,
    ) -> sqlx::Result<()> {
        either!(self, view => view.numbers(series, from, to, each).await)
    }

    /// The newest portion on the shelves that begins not later than `until`.
    pub async fn portion(
        &mut self,
        series: Series,
        until: UtcMillis,
    ) -> sqlx::Result<Option<Portion>> {
        either!(self, view => view.portion(series, until).await)
    }

    /// Gives each value on the shelves within a stretch to `each`, in order of time.
    pub async fn values(
        &mut self,
        series: Series,
        from: UtcMillis,
        to: UtcMillis,
        each: impl FnMut(UtcMillis, Value) + Send,
    ) -> sqlx::Result<()> {
        either!(self, view => view.values(series, from, to, each).await)
    }

    /// The roll-ups of a stretch, that of the period it begins in among them.
    pub async fn rolled(
        &mut self,
        series: Series,
        kind: Rollups,
        from: UtcMillis,
        to: UtcMillis,
    ) -> sqlx::Result<Vec<Rolled>> {
        either!(self, view => view.rolled(series, kind, from, to).await)
    }

    /// How many samples are on the shelves, and in how many bytes.
    pub async fn size(&mut self, series: Series) -> sqlx::Result<(i64, i64)> {
        either!(self, view => view.size(series).await)
    }
}

/// The period of roll-ups.
pub fn period(kind: Rollups) -> Period {
    match kind {
        Rollups::Minutes => Period::Minute,
        Rollups::Hours => Period::Hour,
    }
}

/// The last numbers of samples in order of time, at most so many.
fn newest_numbers(samples: &[(UtcMillis, Value)], most: usize) -> Vec<(UtcMillis, f64)> {
    let newest = &samples[samples.len().saturating_sub(most)..];
    let numbers = newest.iter();
    numbers
        .filter_map(|(at, value)| Some((*at, value.as_number()?)))
        .collect()
}

/// The later of two; of the same time the second.
fn later(
    one: Option<(UtcMillis, Value)>,
    other: Option<(UtcMillis, Value)>,
) -> Option<(UtcMillis, Value)> {
    match (one, other) {
        (Some(one), Some(other)) if other.0 < one.0 => Some(one),
        (one, other) => other.or(one),
    }
}
