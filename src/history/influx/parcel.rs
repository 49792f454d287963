//! Blocks as lines, and how they are divided among requests.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::turns::Turns;
use crate::history::block::{Entry, Header};
use crate::history::formats::{Row, line};

/// A request has at most so many lines; a parcel that has as many gets no further block.
pub const MOST_LINES: usize = 5000;
/// So often the lines of a parcel are divided to find those that are refused; then what is
/// left together is refused together.
pub const MOST_DIVISIONS: usize = 200;

/// A series, if it is pushed.
#[derive(Clone, Debug)]
pub struct Series {
    pub topic: Arc<str>,
    pub unit: Option<Arc<str>>,
}

/// What is pushed together: whole blocks, in the order in which they were committed.
#[derive(Debug, Default)]
pub struct Parcel {
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
    /// The last block in it; zero if there is none.
    pub block: i64,
    /// What is to be known after it.
    pub turns: Turns,
    /// Samples that lines cannot carry.
    pub uncarried: u64,
}

impl Parcel {
    /// One without blocks, after others.
    pub fn after(turns: Turns) -> Parcel {
        Parcel {
            turns,
            ..Parcel::default()
        }
    }

    /// Whether it gets no further block.
    pub fn is_full(&self) -> bool {
        self.ends.len() >= MOST_LINES
    }

    /// Adds a block's samples of these series, with further tags as a line has them.
    pub fn add(
        &mut self,
        block: i64,
        (header, entries): (Header, Vec<Entry>),
        pushed: &HashMap<u32, Series>,
        tags: &str,
    ) {
        for entry in entries {
            let nth = self.turns.next(entry.series, entry.at);
            let Some(series) = pushed.get(&entry.series) else {
                continue;
            };
            let row = Row {
                topic: Arc::clone(&series.topic),
                unit: series.unit.clone(),
                sample: entry.sample(&header),
            };
            match line::push(&row, nth, tags, &mut self.text) {
                Ok(()) => self.ends.push(self.text.len()),
                Err(_) => self.uncarried += 1,
            }
        }
        self.skip(block);
    }

    /// Goes past a block that cannot be read.
    pub fn skip(&mut self, block: i64) {
        self.turns.end_of_block();
        self.block = block;
    }

    /// Its lines in parts that requests may have, which are divided so often at most.
    pub fn parts(&self, divisions: usize) -> Parts {
        let begins = (0..self.ends.len()).step_by(MOST_LINES);
        let part = |begin: usize| begin..(begin + MOST_LINES).min(self.ends.len());
        Parts {
            left: begins.map(part).collect(),
            divisions,
        }
    }

    /// Some of its lines.
    pub fn text(&self, lines: &Range<usize>) -> &str {
        let end = |count: usize| count.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.text[end(lines.start)..end(lines.end)]
    }
}

/// Lines that are still to be sent, in their order.
#[derive(Debug)]
pub struct Parts {
    left: VecDeque<Range<usize>>,
    /// So many more.
    divisions: usize,
}

impl Parts {
    /// Divides a part that was refused, so that what is good in it may be taken. False if it
    /// cannot be divided any more.
    pub fn divide(&mut self, refused: &Range<usize>) -> bool {
        if refused.len() < 2 || self.divisions == 0 {
            return false;
        }
        self.divisions -= 1;
        let middle = refused.start + refused.len() / 2;
        self.left.push_front(middle..refused.end);
        self.left.push_front(refused.start..middle);
        true
    }
}

impl Iterator for Parts {
    type Item = Range<usize>;
    fn next(&mut self) -> Option<Range<usize>> {
        self.left.pop_front()
    }
}

/// The body of a request.
///
/// # Errors
/// Never, unless memory does.
pub fn packed(text: &str) -> std::io::Result<Bytes> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes())?;
    Ok(packer.finish()?.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::clock::{ClockQuality, Now, UtcMillis};
    use crate::home::Value;

    fn header(clock: ClockQuality) -> Header {
        Header {
            boot: [1; 16],
            now: Now::default(),
            clock,
        }
    }

    fn entry(series: u32, at: i64, value: Value) -> Entry {
        Entry {
            series,
            at: UtcMillis(at),
            value,
            origin: None,
        }
    }

    fn pushed() -> HashMap<u32, Series> {
        let series = |topic: &str, unit: Option<&str>| Series {
            topic: topic.into(),
            unit: unit.map(Into::into),
        };
        [
            (1, series("home/hall/temperature", Some("°C"))),
            (2, series("home/hall/lamp", None)),
        ]
        .into()
    }

    #[test]
    fn blocks_become_lines_of_what_is_pushed() {
        let mut parcel = Parcel::after(Turns::default());
        let number = |number| Value::Number(number);
        let first = vec![
            entry(1, 1000, number(21.5)),
            entry(2, 1000, Value::Switch(true)),
            entry(3, 1000, number(7.0)),
            entry(1, i64::MIN, number(1.0)),
        ];
        let tags = ",house=elm";
        parcel.add(8, (header(ClockQuality::Unknown), first), &pushed(), tags);
        let second = vec![entry(2, 1000, Value::Switch(false))];
        parcel.add(
            9,
            (header(ClockQuality::Synchronised), second),
            &pushed(),
            tags,
        );
        assert_eq!((parcel.block, parcel.uncarried), (9, 1));
        let parts: Vec<_> = parcel.parts(MOST_DIVISIONS).collect();
        assert_eq!(
            parcel.text(&parts[0]),
            "temperature,room=hall,topic=home/hall/temperature,unit=°C,house=elm \
             value=21.5,clock=\"unknown\" 1000000000\n\
             lamp,room=hall,topic=home/hall/lamp,house=elm on=true,clock=\"unknown\" 1000000000\n\
             lamp,room=hall,topic=home/hall/lamp,house=elm on=false 1000000001\n"
        );
    }

    #[test]
    fn a_part_that_is_refused_is_divided_until_the_bad_line_is_found() {
        let mut parcel = Parcel::default();
        let entries = (0..12_001).map(|at| entry(1, at, Value::Number(1.0)));
        let header = header(ClockQuality::Synchronised);
        parcel.add(1, (header, entries.collect()), &pushed(), "");
        assert!(parcel.is_full());
        let lengths = parcel
            .parts(MOST_DIVISIONS)
            .map(|part| part.len())
            .collect::<Vec<_>>();
        assert_eq!(lengths, [5000, 5000, 2001]);
        let (mut parts, mut taken, mut refused) = (parcel.parts(MOST_DIVISIONS), 0, Vec::new());
        while let Some(part) = parts.next() {
            match part.contains(&7777) {
                false => taken += part.len(),
                true if parts.divide(&part) => {}
                true => refused.extend(part),
            }
        }
        assert_eq!((taken, refused), (12_000, vec![7777]));
    }

    #[test]
    fn it_is_not_divided_for_ever() {
        let mut parcel = Parcel::default();
        let entries = (0..5000).map(|at| entry(1, at, Value::Number(1.0)));
        let header = header(ClockQuality::Synchronised);
        parcel.add(1, (header, entries.collect()), &pushed(), "");
        let (mut parts, mut requests, mut refused) = (parcel.parts(MOST_DIVISIONS), 0, 0);
        while let Some(part) = parts.next() {
            requests += 1;
            if !parts.divide(&part) {
                refused += part.len();
            }
        }
        assert_eq!((requests, refused), (1 + 2 * MOST_DIVISIONS, 5000));
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let text = "x value=1 1\n".repeat(1000);
        let packed = packed(&text).unwrap();
        assert!(packed.len() < text.len() / 10);
        let mut back = String::new();
        let mut unpacker = flate2::read::GzDecoder::new(&packed[..]);
        unpacker.read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
    }
}
