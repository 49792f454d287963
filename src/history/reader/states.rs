//! Changes of on/off and texts within a stretch of time.

use super::plan::{Piece, Source};
use super::{Asked, rollups};
use crate::clock::UtcMillis;
use crate::history::Change;
use crate::history::reader::slots::Slots;
use crate::history::rollup::{Period, Rolled};
use crate::history::store::shelves::Kinds;
use crate::history::thin::Thinner;
use crate::history::view::{View, period};
use crate::home::Value;

/// Each change, no more than asked for, with the state that held before the first one.
pub(super) async fn changes(
    view: &mut View,
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
        asked.pieces(view, bucket).await?
    } else {
        vec![Piece {
            source: Source::Samples,
            from: asked.from,
            to: asked.to,
        }]
    };
    for piece in pieces {
        let Some(kind) = rollups(piece.source) else {
            let each = |at, value: Value| bands.sample(at, &value);
            view.values(asked.series, piece.from, piece.to, each)
                .await?;
            continue;
        };
        let rolled = view.rolled(asked.series, kind, piece.from, piece.to);
        for one in rolled.await? {
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

    fn sample(&mut self, at: UtcMillis, value: &Value) {
        self.tail_before(Some(at));
        self.put(at, value);
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
