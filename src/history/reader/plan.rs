//! What to read for a stretch of time: the coarsest that a chart cannot tell from samples,
//! finer where the stretch does not begin or end at a full minute or hour, and coarser where
//! what is finer is kept no longer.

use std::time::Duration;

use crate::clock::UtcMillis;
use crate::history::rollup::Period;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Samples,
    Minutes,
    Hours,
}

/// A stretch that is read from one source; both ends are part of it. Of roll-ups the
/// periods that begin in it are meant, and the one that it begins in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub source: Source,
    pub from: UtcMillis,
    pub to: UtcMillis,
}

/// Where each source begins; `None` where there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begins {
    pub samples: Option<UtcMillis>,
    pub minutes: Option<UtcMillis>,
    pub hours: Option<UtcMillis>,
}

/// Pieces in order of time that cover the stretch, for buckets so long.
pub fn plan(from: UtcMillis, to: UtcMillis, bucket: Duration, begins: Begins) -> Vec<Piece> {
    let bucket = i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX);
    let source = if bucket >= Period::Hour.millis() {
        Source::Hours
    } else if bucket >= Period::Minute.millis() {
        Source::Minutes
    } else {
        Source::Samples
    };
    let mut pieces = Vec::new();
    cover(&mut pieces, Piece { source, from, to }, &begins);
    pieces
}

fn cover(pieces: &mut Vec<Piece>, piece: Piece, begins: &Begins) {
    if piece.from > piece.to {
        return;
    }
    let Some((finer, period)) = finer(piece.source) else {
        return cover_from_its_begin(pieces, piece, begins);
    };
    let first = ceil(period, piece.from);
    // Behind the last whole period.
    let end = period.start(UtcMillis(piece.to.0.saturating_add(1)));
    if first >= end {
        let source = finer;
        return cover(pieces, Piece { source, ..piece }, begins);
    }
    let before = |at: UtcMillis| UtcMillis(at.0.saturating_sub(1));
    let edge = |from, to| Piece {
        source: finer,
        from,
        to,
    };
    cover(pieces, edge(piece.from, before(first)), begins);
    let whole = Piece {
        from: first,
        to: before(end),
        ..piece
    };
    cover_from_its_begin(pieces, whole, begins);
    cover(pieces, edge(end, piece.to), begins);
}

/// What was before the begin of a source is kept in a coarser one, if it was ever there.
fn cover_from_its_begin(pieces: &mut Vec<Piece>, piece: Piece, begins: &Begins) {
    let Some((coarser, period, begin, coarser_begin)) = coarser(piece.source, begins) else {
        pieces.push(piece);
        return;
    };
    let begin = begin.unwrap_or(UtcMillis(i64::MAX));
    let had_more = coarser_begin.is_some_and(|coarser| coarser < period.start(begin));
    // Its first period may have lost a part: the coarser one has all of it.
    let own = ceil(period, begin);
    if !had_more || piece.from >= own {
        pieces.push(piece);
        return;
    }
    let before = UtcMillis(own.0.saturating_sub(1)).min(piece.to);
    let older = Piece {
        source: coarser,
        to: before,
        ..piece
    };
    cover_from_its_begin(pieces, older, begins);
    if own <= piece.to {
        pieces.push(Piece { from: own, ..piece });
    }
}

fn finer(source: Source) -> Option<(Source, Period)> {
    match source {
        Source::Samples => None,
        Source::Minutes => Some((Source::Samples, Period::Minute)),
        Source::Hours => Some((Source::Minutes, Period::Hour)),
    }
}

/// The next coarser source, its period, and where both begin.
type Coarser = (Source, Period, Option<UtcMillis>, Option<UtcMillis>);

fn coarser(source: Source, begins: &Begins) -> Option<Coarser> {
    match source {
        Source::Samples => {
            let begin = begins.samples;
            Some((Source::Minutes, Period::Minute, begin, begins.minutes))
        }
        Source::Minutes => {
            let begin = begins.minutes;
            Some((Source::Hours, Period::Hour, begin, begins.hours))
        }
        Source::Hours => None,
    }
}

/// The first begin of a period at `at` or after; the end of time if there is none.
fn ceil(period: Period, at: UtcMillis) -> UtcMillis {
    let start = period.start(at);
    if start == at {
        at
    } else {
        UtcMillis(start.0.saturating_add(period.millis()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 3_600_000;

    fn planned(from: i64, to: i64, bucket: i64, begins: Begins) -> Vec<(Source, i64, i64)> {
        let bucket = Duration::from_millis(bucket.unsigned_abs());
        let pieces = plan(UtcMillis(from), UtcMillis(to), bucket, begins);
        let row = |piece: Piece| (piece.source, piece.from.0, piece.to.0);
        pieces.into_iter().map(row).collect()
    }

    fn all(at: i64) -> Begins {
        Begins {
            samples: Some(UtcMillis(at)),
            minutes: Some(UtcMillis(at)),
            hours: Some(UtcMillis(at)),
        }
    }

    #[test]
    fn the_coarsest_that_fits_is_read_and_the_edges_finer() {
        use Source::{Hours, Minutes, Samples};
        let begins = all(0);
        let short = planned(5, 2 * HOUR, MINUTE - 1, begins);
        assert_eq!(short, [(Samples, 5, 2 * HOUR)]);
        let minutes = planned(5, 2 * HOUR + 7, MINUTE, begins);
        let expected = [
            (Samples, 5, MINUTE - 1),
            (Minutes, MINUTE, 2 * HOUR - 1),
            (Samples, 2 * HOUR, 2 * HOUR + 7),
        ];
        assert_eq!(minutes, expected);
        let hours = planned(HOUR - 1, 4 * HOUR - 1, HOUR, begins);
        let expected = [(Samples, HOUR - 1, HOUR - 1), (Hours, HOUR, 4 * HOUR - 1)];
        assert_eq!(hours, expected);
    }

    #[test]
    fn what_is_kept_no_longer_comes_from_what_is_coarser() {
        use Source::{Hours, Minutes, Samples};
        let begins = Begins {
            samples: Some(UtcMillis(10 * HOUR + 5)),
            minutes: Some(UtcMillis(5 * HOUR)),
            hours: Some(UtcMillis(0)),
        };
        let all = planned(HOUR, 12 * HOUR, 1000, begins);
        let own = 10 * HOUR + MINUTE;
        let expected = [
            (Hours, HOUR, 5 * HOUR - 1),
            (Minutes, 5 * HOUR, own - 1),
            (Samples, own, 12 * HOUR),
        ];
        assert_eq!(all, expected);
        let none_left = Begins {
            samples: None,
            ..begins
        };
        let all = planned(6 * HOUR, 7 * HOUR, 1000, none_left);
        assert_eq!(all, [(Minutes, 6 * HOUR, 7 * HOUR)]);
    }

    #[test]
    fn a_young_series_is_read_as_it_is() {
        let begins = Begins {
            samples: Some(UtcMillis(HOUR + 5)),
            minutes: Some(UtcMillis(HOUR)),
            hours: Some(UtcMillis(HOUR)),
        };
        let all = planned(0, 2 * HOUR, 1000, begins);
        assert_eq!(all, [(Source::Samples, 0, 2 * HOUR)]);
    }

    proptest! {
        #[test]
        fn pieces_cover_a_stretch_without_overlap(
            from: i64, length in 0..400 * HOUR, bucket in 1..2 * HOUR,
            samples: Option<i64>, minutes: Option<i64>, hours: Option<i64>,
            near in any::<bool>(),
        ) {
            // Begins that matter are not far away.
            let place = |at: i64| match near {
                true => UtcMillis(from.saturating_add(at.rem_euclid(500 * HOUR) - 50 * HOUR)),
                false => UtcMillis(at),
            };
            let [samples, minutes, hours] = [samples, minutes, hours].map(|at| at.map(place));
            let begins = Begins { samples, minutes, hours };
            let to = from.saturating_add(length);
            let pieces = planned(from, to, bucket, begins);
            prop_assert_eq!(pieces.first().map(|piece| piece.1), Some(from));
            prop_assert_eq!(pieces.last().map(|piece| piece.2), Some(to));
            prop_assert!(pieces.iter().all(|piece| piece.1 <= piece.2));
            for pair in pieces.windows(2) {
                prop_assert_eq!(pair[0].2 + 1, pair[1].1);
            }
        }
    }
}
