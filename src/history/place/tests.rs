//! Late samples stand where they would have stood, and none stands twice.

use proptest::prelude::*;

use super::*;
use crate::history::sample::any::{self, sample};
use crate::home::Value;

fn counted(at: i64, number: f64, sequence: u32) -> Sample {
    let origin = Origin { boot: 1, sequence };
    Sample {
        origin: Some(origin),
        ..sample(at, Value::Number(number))
    }
}

#[test]
fn a_late_sample_comes_between_and_a_doubled_one_does_not() {
    let there = [counted(1000, 21.5, 1), counted(3000, 21.7, 3)];
    let sealed = chunk::encode(&there).unwrap();
    let late = vec![
        counted(2000, 21.6, 2),
        counted(1000, 21.5, 1),
        counted(2000, 21.6, 2),
    ];
    let placed = place(Some(&sealed), late).unwrap();
    assert_eq!((placed.added, placed.doubled), (1, 2));
    let numbers = chunk::numbers(&placed.chunks[0]).unwrap().1;
    assert_eq!(numbers, [21.5, 21.6, 21.7]);
}

#[test]
fn without_anything_new_the_chunk_stays() {
    let sealed = chunk::encode(&[counted(1000, 21.5, 1)]).unwrap();
    let placed = place(Some(&sealed), vec![counted(1000, 21.5, 1)]).unwrap();
    assert_eq!(placed.chunks, Vec::<Vec<u8>>::new());
    assert_eq!(place(None, Vec::new()), Ok(Placed::default()));
}

#[test]
fn equals_that_nobody_counts_are_two() {
    let one = sample(1000, Value::Number(21.5));
    let placed = place(None, vec![one.clone(), one]).unwrap();
    assert_eq!((placed.added, placed.doubled), (2, 0));
}

#[test]
fn a_chunk_that_is_too_full_becomes_two() {
    let full: Vec<Sample> = (0..MOST)
        .map(|n| sample(n as i64, Value::Switch(true)))
        .collect();
    let sealed = chunk::encode(&full).unwrap();
    let placed = place(Some(&sealed), vec![sample(5, Value::Switch(false))]).unwrap();
    let sizes: Vec<usize> = placed
        .chunks
        .iter()
        .map(|chunk| chunk::summary(chunk).unwrap().count())
        .collect();
    assert_eq!(sizes, [32_769, 32_768]);
    let late = vec![sample(5, Value::Switch(false)); MOST + 1];
    let refused = place(None, late).unwrap_err();
    assert_eq!(refused, PlaceError::Samples(EncodeError::TooMany(MOST + 1)));
}

#[test]
fn a_damaged_chunk_is_not_written_over() {
    let mut sealed = chunk::encode(&[counted(1000, 21.5, 1)]).unwrap();
    sealed[9] ^= 1;
    let refused = place(Some(&sealed), vec![counted(2000, 1.0, 2)]).unwrap_err();
    assert_eq!(refused, PlaceError::Chunk(DecodeError::Checksum));
    let said = refused.to_string();
    assert_eq!(said, "the chunk is damaged: its checksum is wrong");
}

#[test]
fn hours_are_those_of_utc() {
    let hours = by_hour([
        sample(3_600_000, Value::Switch(true)),
        sample(3_599_999, Value::Switch(true)),
        sample(-1, Value::Switch(true)),
        sample(0, Value::Switch(false)),
    ]);
    let sizes: Vec<(i64, usize)> = hours
        .iter()
        .map(|(hour, all)| (hour.0, all.len()))
        .collect();
    assert_eq!(sizes, [(-3_600_000, 1), (0, 2), (3_600_000, 1)]);
}

#[test]
fn a_board_that_starts_again_counts_again() {
    let mut seen = Seen::default();
    let mut judge = |boot, sequence| seen.judge(Origin { boot, sequence });
    assert_eq!(judge(1, 500), Verdict::New);
    assert_eq!(judge(1, 500), Verdict::Doubled);
    assert_eq!(judge(2, 500), Verdict::New);
    assert_eq!(judge(1, 499), Verdict::New);
    assert_eq!(judge(1, 499), Verdict::Doubled);
    assert_eq!(judge(1, 500_u32.wrapping_sub(2000)), Verdict::Unsure);
    // Counts go on from zero.
    assert_eq!(judge(1, u32::MAX), Verdict::New);
    // Far ahead, all that was is out of the window.
    assert_eq!(judge(1, 5000), Verdict::New);
    assert_eq!(judge(1, 500), Verdict::Unsure);
    assert_eq!(judge(1, 4500), Verdict::New);
    // Three more starts, and the silent one is forgotten.
    for boot in 3..=5 {
        assert_eq!(judge(boot, 1), Verdict::New);
    }
    assert_eq!(judge(1, 5000), Verdict::Doubled);
    assert_eq!(judge(2, 500), Verdict::New);
}

proptest! {
    #[test]
    fn late_samples_stand_where_they_would_have_stood(
        there in any::samples(80), late in any::samples(80),
    ) {
        // What is sealed holds no origin twice.
        let mut known = HashSet::new();
        let mut is_new = |one: &Sample| one.origin.is_none_or(|origin| known.insert(origin));
        let there: Vec<Sample> = there.into_iter().filter(&mut is_new).collect();
        prop_assume!(!there.is_empty());
        let sealed = chunk::encode(&there).unwrap();
        let placed = place(Some(&sealed), late.clone()).unwrap();

        let new = late.iter().filter(|one| is_new(one)).cloned();
        let mut expected: Vec<Sample> = there.iter().cloned().chain(new).collect();
        expected.sort_by_key(|sample| sample.at);
        prop_assert_eq!(placed.added, expected.len() - there.len());
        prop_assert_eq!(placed.doubled, late.len() - placed.added);
        if let Some(chunk) = placed.chunks.first() {
            prop_assert_eq!(chunk::decode(chunk).unwrap(), expected);
        } else {
            prop_assert_eq!(expected, there);
        }
    }

    #[test]
    fn nothing_is_called_new_twice_or_doubled_once(
        all in prop::collection::vec((0..3_u32, 0..3000_u32), 0..300), begin: u32,
    ) {
        let mut seen = Seen::default();
        let mut known = HashSet::new();
        for (boot, count) in all {
            let origin = Origin { boot, sequence: begin.wrapping_add(count) };
            let was_known = !known.insert(origin);
            match seen.judge(origin) {
                Verdict::New => prop_assert!(!was_known),
                Verdict::Doubled => prop_assert!(was_known),
                // It is not remembered, and so it is not known the next time.
                Verdict::Unsure => {}
            }
        }
    }
}
