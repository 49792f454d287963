//! Answers what charts ask: from samples, minutes or hours, whichever is as fine as the
//! chart can show, and from the log's tail. Where all that is kept is the view's matter.

mod habit;
mod plan;
mod slots;
mod states;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use super::rhythm::{self, Habit};
use super::rollup::Period;
use super::store::Store;
use super::store::shelves::{Kinds, Rollups};
use super::view::{EVER, Series, View, period};
use super::{SeriesInfo, SeriesSize, Stretch};
use crate::clock::UtcMillis;
use crate::home::{Reading, Value};
use plan::{Begins, Piece, Source, plan};
use slots::Slots;

/// Every topic that has samples, and every topic of commands, by name.
pub async fn series(store: &Store) -> sqlx::Result<Vec<SeriesInfo>> {
    let sizes = sizes(store).await?;
    Ok(sizes.into_iter().map(|size| size.info).collect())
}

/// The same with how much there is of each.
pub async fn sizes(store: &Store) -> sqlx::Result<Vec<SeriesSize>> {
    let mut view = store.view().await?;
    let mut sizes = Vec::new();
    for named in view.all().await? {
        let in_tail = view.tail_ends(named.series).await?;
        let tail_ends = in_tail.map(|(first, last, _)| (first, last));
        let shelf_ends = view.ends(named.series).await?;
        let all = [tail_ends, shelf_ends].into_iter().flatten();
        let both = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        // A series that was only described has no times and is none yet.
        let Some((mut first, last)) = both else {
            continue;
        };
        for kind in [Rollups::Minutes, Rollups::Hours] {
            // Of a minute that has samples the first one is told.
            let start = view.first_start(named.series, kind).await?;
            let older = start.filter(|start| *start < period(kind).start(first));
            first = older.unwrap_or(first);
        }
        let (samples, bytes) = view.size(named.series).await?;
        let in_tail = in_tail.map_or(0, |(_, _, count)| count as u64);
        sizes.push(SeriesSize {
            info: SeriesInfo {
                topic: named.topic,
                unit: named.description.unit,
                device_class: named.description.device_class,
                first,
                last,
            },
            samples: u64::try_from(samples).unwrap_or(0) + in_tail,
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
    let mut view = store.view().await?;
    let Some(series) = view.series(topic).await? else {
        return Ok(None);
    };
    let last = view.last(series, until).await?;
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
    let mut view = store.view().await?;
    let nothing = |bucket| Stretch::Numbers {
        points: Vec::new(),
        bucket,
        habit: Habit::default(),
    };
    let Some(series) = view.series(topic).await? else {
        return Ok(nothing(Slots::new(from, to, points).length()));
    };
    let last_in_tail = view.tail_ends(series).await?.map(|(_, last, _)| last);
    let shelf_ends = view.ends(series).await?;
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
        in_tail: view.tail(series, from, to).await?,
        newest_in_tail: view.newest_in_tail(series, to, rhythm::MOST).await?,
    };
    asked.answer(&mut view).await
}

/// What a chart asks for, of a series that is there.
struct Asked {
    series: Series,
    from: UtcMillis,
    to: UtcMillis,
    points: usize,
    in_tail: Vec<(UtcMillis, Value)>,
    /// The last numbers of the log, those before the stretch too.
    newest_in_tail: Vec<(UtcMillis, f64)>,
}

impl Asked {
    async fn answer(self, view: &mut View) -> sqlx::Result<Stretch> {
        let mut kinds = view.kinds(self.series, self.from, self.to).await?;
        kinds += kinds_of(&self.in_tail);
        let before = UtcMillis(self.from.0.saturating_sub(1));
        let held = view.last(self.series, before).await?;
        let is_state = |held: &&(UtcMillis, Value)| held.1.as_number().is_none();
        let state = held.as_ref().filter(is_state).cloned();
        if kinds.all() == 0 {
            // Its samples are kept no longer, or it said nothing then.
            let otherwise = Kinds {
                texts: i64::from(state.is_some()),
                ..Kinds::default()
            };
            let newest = view.newest_kinds(self.series).await?;
            kinds = newest.unwrap_or(otherwise);
        }
        if kinds.states() > kinds.numbers {
            let changes = states::changes(view, &self, kinds, state).await?;
            return Ok(Stretch::States(changes));
        }
        let mut slots = Slots::new(self.from, self.to, self.points);
        let mut coarsest = slots.length();
        for piece in self.pieces(view, slots.length()).await? {
            let told = self.numbers(view, piece, &mut slots).await?;
            coarsest = coarsest.max(told);
        }
        for (at, value) in &self.in_tail {
            if let Some(number) = value.as_number() {
                slots.add(*at, number);
            }
        }
        Ok(Stretch::Numbers {
            habit: habit::habit(view, &self, held, &slots, coarsest).await?,
            bucket: slots.length(),
            points: slots.finish(),
        })
    }

    async fn pieces(&self, view: &mut View, bucket: Duration) -> sqlx::Result<Vec<Piece>> {
        let begins = Begins {
            samples: view.ends(self.series).await?.map(|ends| ends.0),
            minutes: view.first_start(self.series, Rollups::Minutes).await?,
            hours: view.first_start(self.series, Rollups::Hours).await?,
        };
        Ok(plan(self.from, self.to, bucket, begins))
    }

    /// Says the longest time that is told as one.
    async fn numbers(
        &self,
        view: &mut View,
        piece: Piece,
        slots: &mut Slots,
    ) -> sqlx::Result<Duration> {
        let Some(kind) = rollups(piece.source) else {
            let in_tail = self.in_tail.iter().map(|(at, _)| Period::Minute.start(*at));
            let mut said: HashSet<UtcMillis> = in_tail.collect();
            let mut newest = EVER.0;
            let each = |at, number| {
                slots.add(at, number);
                let minute = Period::Minute.start(at);
                if minute != newest {
                    said.insert(minute);
                    newest = minute;
                }
            };
            let (from, to) = (piece.from, piece.to);
            view.numbers(self.series, from, to, each).await?;
            let is_filled = habit::fill(view, self, &piece, &said, slots).await?;
            return Ok(length(Period::Minute) * u32::from(is_filled));
        };
        let rolled = view.rolled(self.series, kind, piece.from, piece.to).await?;
        let is_told = !rolled.is_empty();
        for one in rolled {
            slots.merge(one, period(kind), piece.to);
        }
        Ok(length(period(kind)) * u32::from(is_told))
    }
}

fn length(period: Period) -> Duration {
    Duration::from_millis(period.millis().unsigned_abs())
}

/// Which roll-ups a piece is read from; none if it is read from samples.
fn rollups(source: Source) -> Option<Rollups> {
    match source {
        Source::Samples => None,
        Source::Minutes => Some(Rollups::Minutes),
        Source::Hours => Some(Rollups::Hours),
    }
}

fn kinds_of(tail: &[(UtcMillis, Value)]) -> Kinds {
    let mut kinds = Kinds::default();
    for (_, value) in tail {
        match value {
            Value::Number(_) => kinds.numbers += 1,
            Value::Switch(_) => kinds.switches += 1,
            Value::Text(_) => kinds.texts += 1,
        }
    }
    kinds
}
