//! How a series speaks, going by its newest readings of a stretch and those before; and what
//! minutes know of a stretch that its samples do not.

use std::collections::HashSet;
use std::time::Duration;

use super::Asked;
use super::plan::Piece;
use super::slots::Slots;
use crate::clock::UtcMillis;
use crate::history::rhythm::{Habit, Rhythm};
use crate::history::rollup::{Period, Rolled};
use crate::history::store::shelves::Rollups;
use crate::history::view::{Portion, View};
use crate::home::Value;

/// So many readings tell how a series speaks; of one that speaks seldom …
const ENOUGH: usize = 64;
/// … so many portions are read, most of them a day.
const MOST_PORTIONS: usize = 8;
const MINUTE_MS: i64 = 60_000;

type Numbers = Vec<(UtcMillis, f64)>;

/// What a chart has to know besides its points.
pub(super) async fn habit(
    view: &mut View,
    asked: &Asked,
    held: Option<(UtcMillis, Value)>,
    slots: &Slots,
    coarsest: Duration,
) -> sqlx::Result<Habit> {
    Ok(Habit {
        rhythm: rhythm(view, asked, slots).await?,
        held: held.and_then(|(at, value)| Some((at, value.as_number()?))),
        coarsest,
    })
}

/// Adds whole minutes of a piece of which no sample is there, though there were some: a
/// deadband has thinned them, or their chunk cannot be read. Says whether there were any.
pub(super) async fn fill(
    view: &mut View,
    asked: &Asked,
    piece: &Piece,
    said: &HashSet<UtcMillis>,
    slots: &mut Slots,
) -> sqlx::Result<bool> {
    if piece.to.0.saturating_sub(piece.from.0) < MINUTE_MS - 1 {
        return Ok(false);
    }
    let is_whole = |one: &Rolled| {
        one.start >= piece.from && one.start.0.saturating_add(MINUTE_MS - 1) <= piece.to.0
    };
    let is_missing = |one: &Rolled| is_whole(one) && !said.contains(&one.start);
    let minutes = minutes(view, asked, piece.from, piece.to).await?;
    let mut filled = false;
    for one in minutes.into_iter().filter(is_missing) {
        slots.merge(one, Period::Minute, piece.to);
        filled = true;
    }
    Ok(filled)
}

async fn rhythm(view: &mut View, asked: &Asked, slots: &Slots) -> sqlx::Result<Rhythm> {
    // The newest first, each stretch in order of time.
    let mut stretches: Vec<Numbers> = vec![asked.newest_in_tail.clone()];
    let mut count = stretches[0].len();
    let mut until = asked.to;
    for nth in 0..MOST_PORTIONS {
        if count >= ENOUGH {
            break;
        }
        let portion = view.portion(asked.series, until).await?;
        let Some(portion) = portion else { break };
        if nth == 0
            && let Some(minutes) = thinned(view, asked, &portion).await?
        {
            return Ok(Rhythm::of_times(minutes.iter().map(|one| one.start), true));
        }
        let mut numbers = portion.numbers;
        numbers.truncate(numbers.partition_point(|(at, _)| *at <= asked.to));
        count += numbers.len();
        stretches.push(numbers);
        until = UtcMillis(portion.first.0.saturating_sub(1));
    }
    let mut all: Numbers = stretches.into_iter().rev().flatten().collect();
    if all.is_empty() {
        // Its samples are kept no longer.
        all = slots.points().map(|point| (point.at, point.last)).collect();
    }
    // Late ones are in the tail.
    all.sort_by_key(|(at, _)| *at);
    Ok(Rhythm::of(&all))
}

/// The minutes of a portion, if they know of more readings than it holds.
async fn thinned(
    view: &mut View,
    asked: &Asked,
    portion: &Portion,
) -> sqlx::Result<Option<Vec<Rolled>>> {
    let minutes = minutes(view, asked, portion.first, portion.last).await?;
    // Its first and its last minute may be those of others too.
    let is_whole = |one: &&Rolled| {
        let end = one.start.0.saturating_add(MINUTE_MS);
        one.start > portion.first && end <= portion.last.0
    };
    let known: u64 = minutes
        .iter()
        .filter(is_whole)
        .map(|one| one.bucket.count)
        .sum();
    let kept = portion.numbers.len() as u64;
    Ok((known > kept).then_some(minutes))
}

async fn minutes(
    view: &mut View,
    asked: &Asked,
    from: UtcMillis,
    to: UtcMillis,
) -> sqlx::Result<Vec<Rolled>> {
    view.rolled(asked.series, Rollups::Minutes, from, to).await
}
