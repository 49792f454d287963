//! A column of a group of rows, read value by value. One page is in memory at a time.

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use super::footer::{Chunk, Column};
use super::hybrid::Decoder;
use super::thrift::{self, Value};
use super::{Codec, DATA_PAGE, DATA_PAGE_V2, DICTIONARY_PAGE, Physical};

/// A page has at most so many bytes once it is unpacked.
const LONGEST_PAGE: u64 = 32 << 20;
/// A dictionary has at most so many: it is held as values.
const LONGEST_DICTIONARY: usize = 4 << 20;
/// What a page tells of itself has at most so many.
const LONGEST_HEAD: u64 = 1 << 16;

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Truth(bool),
    Int(i64),
    Number(f64),
    Text(Arc<str>),
}

/// Why a column ends too early.
#[derive(Debug)]
pub enum Failed {
    Io(std::io::Error),
    Damaged(String),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Failed {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Failed::Damaged("it is cut off".to_owned()),
            _ => Failed::Io(error),
        }
    }
}

fn damaged<T>(problem: &str) -> Result<T, Failed> {
    Err(Failed::Damaged(problem.to_owned()))
}

/// Where a column has been read to.
#[derive(Debug)]
pub struct Cursor {
    column: Column,
    codec: Codec,
    at: u64,
    end: u64,
    dictionary: Vec<Cell>,
    page: Page,
}

/// What is left of a page.
#[derive(Debug, Default)]
struct Page {
    bytes: Vec<u8>,
    /// Values that are not yet read, those that are absent included.
    left: u64,
    levels: Option<Decoder>,
    values: Values,
}

#[derive(Debug, Default)]
enum Values {
    #[default]
    None,
    /// From this byte on; of truths, from this bit.
    Plain {
        at: usize,
        bit: usize,
    },
    Dictionary(Decoder),
    Runs(Decoder),
}

impl Cursor {
    pub fn new(column: &Column, chunk: &Chunk) -> Cursor {
        Cursor {
            column: column.clone(),
            codec: chunk.codec,
            at: chunk.begin,
            end: chunk.begin.saturating_add(chunk.length),
            dictionary: Vec::new(),
            page: Page::default(),
        }
    }

    /// The value of the next row, if the row has one.
    pub fn next(&mut self, input: &mut (impl Read + Seek)) -> Result<Option<Cell>, Failed> {
        while self.page.left == 0 {
            self.read_page(input)?;
        }
        let page = &mut self.page;
        page.left -= 1;
        let level = page.levels.as_mut().map(|levels| levels.next(&page.bytes));
        match level {
            Some(None) => damaged("its levels are damaged"),
            Some(Some(0)) => Ok(None),
            _ => {
                let cell = value(page, &self.dictionary, self.column.physical)?;
                Ok(Some(self.signed(cell)))
            }
        }
    }

    /// Four bytes that are unsigned were read as if they were not.
    fn signed(&self, cell: Cell) -> Cell {
        match cell {
            Cell::Int(int)
                if self.column.is_unsigned && self.column.physical == Physical::Int32 =>
            {
                Cell::Int(int & i64::from(u32::MAX))
            }
            cell => cell,
        }
    }

    fn read_page(&mut self, input: &mut (impl Read + Seek)) -> Result<(), Failed> {
        if self.at >= self.end {
            return damaged("it has fewer values than rows");
        }
        input.seek(SeekFrom::Start(self.at))?;
        let mut head = Vec::new();
        input
            .by_ref()
            .take(LONGEST_HEAD.min(self.end - self.at))
            .read_to_end(&mut head)?;
        let Some((head, length)) = thrift::read(&head) else {
            return damaged("the head of a page is damaged");
        };
        let size = |id| head.int(id).and_then(|size| u64::try_from(size).ok());
        let Some((plain, packed)) = size(2).zip(size(3)) else {
            return damaged("the head of a page is damaged");
        };
        if plain > LONGEST_PAGE || packed > LONGEST_PAGE {
            return damaged("it has pages of more than 32 MiB");
        }
        self.at += length as u64;
        input.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        input.by_ref().take(packed).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != packed {
            return damaged("it is cut off");
        }
        self.at += packed;
        match head.int(1).and_then(|kind| i32::try_from(kind).ok()) {
            Some(DICTIONARY_PAGE) => self.read_dictionary(&head, &bytes, plain),
            Some(DATA_PAGE) => self.read_data(&head, &bytes, plain),
            Some(DATA_PAGE_V2) => self.read_data_v2(&head, &bytes, plain),
            // Indices, which do not matter here.
            _ => Ok(()),
        }
    }

    fn read_dictionary(&mut self, head: &Value, bytes: &[u8], plain: u64) -> Result<(), Failed> {
        let count = head.field(7).and_then(|head| head.int(1)).unwrap_or(0);
        let page = Page {
            bytes: unpacked(self.codec, bytes, plain)?,
            left: u64::try_from(count).unwrap_or(0),
            levels: None,
            values: Values::Plain { at: 0, bit: 0 },
        };
        if page.bytes.len() > LONGEST_DICTIONARY || page.left > page.bytes.len() as u64 {
            return damaged("it has a dictionary that is too large");
        }
        let mut page = page;
        self.dictionary.clear();
        for _ in 0..page.left {
            self.dictionary
                .push(value(&mut page, &[], self.column.physical)?);
        }
        Ok(())
    }

    fn read_data(&mut self, head: &Value, bytes: &[u8], plain: u64) -> Result<(), Failed> {
        let Some(head) = head.field(5) else {
            return damaged("the head of a page is damaged");
        };
        let bytes = unpacked(self.codec, bytes, plain)?;
        let mut at = 0;
        let mut levels = None;
        if self.column.is_optional {
            let length = bytes
                .first_chunk::<4>()
                .map(|length| u32::from_le_bytes(*length));
            let end = length.map(|length| length as usize + 4);
            let Some(end) = end.filter(|end| *end <= bytes.len()) else {
                return damaged("its levels are damaged");
            };
            levels = Decoder::new(4, end, 1);
            at = end;
        }
        self.page = self.page(head, 2, bytes, at, levels)?;
        Ok(())
    }

    /// In the second version levels are never packed, and stand before what is.
    fn read_data_v2(&mut self, head: &Value, bytes: &[u8], plain: u64) -> Result<(), Failed> {
        let Some(head) = head.field(8) else {
            return damaged("the head of a page is damaged");
        };
        let length = |id| head.int(id).and_then(|length| usize::try_from(length).ok());
        let levels = length(5).unwrap_or(0);
        let Some(rest) = bytes.get(levels..).filter(|_| length(6).unwrap_or(0) == 0) else {
            return damaged("its levels are damaged");
        };
        let plain = plain.saturating_sub(levels as u64);
        let codec = match head.truth(7) {
            Some(false) => Codec::None,
            _ => self.codec,
        };
        let mut all = bytes[..levels].to_vec();
        all.extend(unpacked(codec, rest, plain)?);
        let decoder = match self.column.is_optional {
            true => Decoder::new(0, levels, 1),
            false => None,
        };
        self.page = self.page(head, 4, all, levels, decoder)?;
        Ok(())
    }

    fn page(
        &self,
        head: &Value,
        encoding: i16,
        bytes: Vec<u8>,
        at: usize,
        levels: Option<Decoder>,
    ) -> Result<Page, Failed> {
        let is_truth = self.column.physical == Physical::Bool;
        let values = match head.int(encoding) {
            Some(0) => Values::Plain { at, bit: 0 },
            Some(2 | 8) => {
                // A page without values may have no width.
                let width = bytes.get(at).copied().unwrap_or(0);
                let begin = (at + 1).min(bytes.len());
                let decoder = Decoder::new(begin, bytes.len(), width);
                Values::Dictionary(decoder.ok_or_else(|| {
                    Failed::Damaged("its dictionary has more than 32 bits".to_owned())
                })?)
            }
            Some(3) if is_truth => {
                let begin = (at + 4).min(bytes.len());
                Decoder::new(begin, bytes.len(), 1).map_or(Values::None, Values::Runs)
            }
            _ => {
                return damaged(
                    "it is encoded in a way that cannot be read; write it plain or with a \
                     dictionary",
                );
            }
        };
        Ok(Page {
            left: head
                .int(1)
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(0),
            bytes,
            levels,
            values,
        })
    }
}

/// The next value of a page.
fn value(page: &mut Page, dictionary: &[Cell], physical: Physical) -> Result<Cell, Failed> {
    let found = match &mut page.values {
        Values::None => None,
        Values::Dictionary(indices) => {
            let index = indices.next(&page.bytes);
            index
                .and_then(|index| dictionary.get(index as usize))
                .cloned()
        }
        Values::Runs(runs) => runs.next(&page.bytes).map(|bit| Cell::Truth(bit == 1)),
        Values::Plain { at, bit } => plain(&page.bytes, at, bit, physical)?,
    };
    found.ok_or_else(|| Failed::Damaged("a page has fewer values than it says".to_owned()))
}

fn plain(
    bytes: &[u8],
    at: &mut usize,
    bit: &mut usize,
    physical: Physical,
) -> Result<Option<Cell>, Failed> {
    if physical == Physical::Bool {
        let byte = bytes.get(*at + *bit / 8);
        let truth = byte.map(|byte| Cell::Truth(byte >> (*bit % 8) & 1 == 1));
        *bit += 1;
        return Ok(truth);
    }
    let rest = bytes.get(*at..).unwrap_or_default();
    let (cell, length) = match physical {
        Physical::Int32 => (
            four(rest).map(|b| Cell::Int(i32::from_le_bytes(b).into())),
            4,
        ),
        Physical::Int64 => (eight(rest).map(|b| Cell::Int(i64::from_le_bytes(b))), 8),
        Physical::Float => (
            four(rest).map(|b| Cell::Number(f32::from_le_bytes(b).into())),
            4,
        ),
        Physical::Double => (eight(rest).map(|b| Cell::Number(f64::from_le_bytes(b))), 8),
        Physical::Bool | Physical::Bytes => {
            let length = four(rest).map_or(0, |b| u32::from_le_bytes(b) as usize);
            let Some(bytes) = rest.get(4..).and_then(|rest| rest.get(..length)) else {
                return Ok(None);
            };
            let Ok(text) = str::from_utf8(bytes) else {
                return damaged("it holds bytes that are no UTF-8 text");
            };
            (Some(Cell::Text(text.into())), 4 + length)
        }
    };
    *at += length;
    Ok(cell)
}

fn four(bytes: &[u8]) -> Option<[u8; 4]> {
    bytes.first_chunk().copied()
}

fn eight(bytes: &[u8]) -> Option<[u8; 8]> {
    bytes.first_chunk().copied()
}

/// Unpacks a page, which must become as long as it says.
fn unpacked(codec: Codec, bytes: &[u8], length: u64) -> Result<Vec<u8>, Failed> {
    let plain = match codec {
        Codec::None => bytes.to_vec(),
        Codec::Snappy => {
            let said = snap::raw::decompress_len(bytes).ok();
            if said.map(|said| said as u64) != Some(length) {
                return damaged("a page does not have the length that it says");
            }
            let unpacked = snap::raw::Decoder::new().decompress_vec(bytes);
            unpacked.map_err(|error| Failed::Damaged(error.to_string()))?
        }
        Codec::Gzip => {
            let mut unpacked = Vec::new();
            let read = flate2::read::MultiGzDecoder::new(bytes)
                .take(length + 1)
                .read_to_end(&mut unpacked);
            read.map_err(|error| Failed::Damaged(error.to_string()))?;
            unpacked
        }
    };
    match plain.len() as u64 == length {
        true => Ok(plain),
        false => damaged("a page does not have the length that it says"),
    }
}
