//! Rows on their way into a Parquet file: a group of rows at a time, column by column.

use std::collections::HashMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::thrift::{self, STRUCT};
use super::{
    COLUMNS, Codec, Column, DATA_PAGE, DICTIONARY_PAGE, Encoding, MAGIC, Physical, hybrid,
};
use crate::history::formats::{Row, RowWriter, WriteError, words};
use crate::home::Value;

/// A group has at most so many rows, and about so many bytes of texts.
const MOST_ROWS: usize = 65_536;
const MOST_TEXT: usize = 8 << 20;

/// Groups of rows, each with a page for each column.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    /// Bytes written so far.
    at: u64,
    rows: Vec<Row>,
    text: usize,
    /// What the end of the file tells of the groups: 60 bytes a column and group.
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    rows: usize,
    chunks: Vec<Chunk>,
}

/// Where a column of a group is.
#[derive(Debug)]
struct Chunk {
    dictionary: Option<u64>,
    data: u64,
    compressed: u64,
    plain: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the begin of the file.
    ///
    /// # Errors
    /// If the file takes nothing.
    pub fn new(mut out: W) -> io::Result<Writer<W>> {
        out.write_all(MAGIC)?;
        Ok(Writer {
            out,
            at: MAGIC.len() as u64,
            rows: Vec::new(),
            text: 0,
            groups: Vec::new(),
        })
    }

    fn write_group(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let mut chunks = Vec::new();
        for column in COLUMNS {
            chunks.push(self.write_chunk(&body(*column, &rows), rows.len())?);
        }
        self.groups.push(Group {
            rows: rows.len(),
            chunks,
        });
        self.rows = rows;
        self.rows.clear();
        self.text = 0;
        Ok(())
    }

    fn write_chunk(&mut self, body: &Body, rows: usize) -> io::Result<Chunk> {
        let begin = self.at;
        let mut plain = 0;
        let mut dictionary = None;
        if let Some((entries, bytes)) = &body.dictionary {
            dictionary = Some(begin);
            plain += self.write_page(DICTIONARY_PAGE, *entries, Encoding::Plain, bytes)?;
        }
        let data = self.at;
        plain += self.write_page(DATA_PAGE, rows, body.encoding, &body.bytes)?;
        Ok(Chunk {
            dictionary,
            data,
            compressed: self.at - begin,
            plain,
        })
    }

    /// Writes a page, and tells how long it would be without compression.
    fn write_page(
        &mut self,
        kind: i32,
        values: usize,
        encoding: Encoding,
        bytes: &[u8],
    ) -> io::Result<u64> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(bytes)?;
        let packed = packer.finish()?;
        let head = thrift::Writer::structure(|page| {
            page.int(1, kind);
            page.int(2, int(bytes.len()));
            page.int(3, int(packed.len()));
            if kind == DICTIONARY_PAGE {
                page.nested(7, |page| {
                    page.int(1, int(values));
                    page.int(2, encoding as i32);
                });
            } else {
                page.nested(5, |page| {
                    page.int(1, int(values));
                    page.int(2, encoding as i32);
                    page.int(3, Encoding::Runs as i32);
                    page.int(4, Encoding::Runs as i32);
                });
            }
        });
        self.out.write_all(&head)?;
        self.out.write_all(&packed)?;
        self.at += (head.len() + packed.len()) as u64;
        Ok((head.len() + bytes.len()) as u64)
    }
}

impl<W: Write> RowWriter for Writer<W> {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        self.text += row.topic.len();
        if let Value::Text(text) = &row.sample.value {
            self.text += text.len();
        }
        self.rows.push(row.clone());
        if self.rows.len() == MOST_ROWS || self.text > MOST_TEXT {
            self.write_group()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        let footer = footer(&self.groups);
        self.out.write_all(&footer)?;
        let length = u32::try_from(footer.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        self.out.flush()
    }
}

/// What stands in a column's page.
struct Body {
    dictionary: Option<(usize, Vec<u8>)>,
    encoding: Encoding,
    bytes: Vec<u8>,
}

fn body(column: Column, rows: &[Row]) -> Body {
    let number = |row: &Row| match row.sample.value {
        Value::Number(number) => Some(number.to_le_bytes()),
        _ => None,
    };
    let text = |row: &Row| match &row.sample.value {
        Value::Text(text) => Some(sized(text)),
        _ => None,
    };
    let origin = |row: &Row| row.sample.origin;
    let four = |count: u32| count.to_le_bytes();
    match column.name {
        "time" => plain(
            rows.iter()
                .flat_map(|row| row.sample.at.0.to_le_bytes())
                .collect(),
        ),
        "topic" => dictionary(rows, true, |row| Some(&row.topic)),
        "number" => optional(rows, number),
        "switch" => switches(rows),
        "text" => optional(rows, text),
        "unit" => dictionary(rows, false, |row| row.unit.as_deref()),
        "clock" => dictionary(rows, true, |row| Some(words::clock_name(row.sample.clock))),
        "boot" => optional(rows, |row| origin(row).map(|origin| four(origin.boot))),
        _ => optional(rows, |row| origin(row).map(|origin| four(origin.sequence))),
    }
}

fn plain(bytes: Vec<u8>) -> Body {
    Body {
        dictionary: None,
        encoding: Encoding::Plain,
        bytes,
    }
}

fn optional<B: AsRef<[u8]>>(rows: &[Row], of: impl Fn(&Row) -> Option<B>) -> Body {
    let mut bytes = levels(rows.iter().map(|row| of(row).is_some()));
    for value in rows.iter().filter_map(of) {
        bytes.extend_from_slice(value.as_ref());
    }
    plain(bytes)
}

/// Eight in a byte, the first is the lowest bit.
fn switches(rows: &[Row]) -> Body {
    let switch = |row: &Row| row.sample.value.as_switch();
    let mut bytes = levels(rows.iter().map(|row| switch(row).is_some()));
    let switches: Vec<bool> = rows.iter().filter_map(switch).collect();
    let eight = |eight: &[bool]| {
        let bit = |(nth, on): (usize, &bool)| u8::from(*on) << nth;
        eight.iter().enumerate().map(bit).sum::<u8>()
    };
    bytes.extend(switches.chunks(8).map(eight));
    plain(bytes)
}

/// Each text once, and for each row which one.
fn dictionary<'a>(
    rows: &'a [Row],
    is_required: bool,
    of: impl Fn(&'a Row) -> Option<&'a str>,
) -> Body {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut entries = Vec::new();
    let mut indices = Vec::new();
    for text in rows.iter().filter_map(&of) {
        let next = small(known.len());
        let index = *known.entry(text).or_insert_with(|| {
            entries.extend(sized(text));
            next
        });
        indices.push(index);
    }
    let mut bytes = match is_required {
        true => Vec::new(),
        false => levels(rows.iter().map(|row| of(row).is_some())),
    };
    let width = hybrid::width(small(known.len().saturating_sub(1)));
    bytes.push(width);
    bytes.extend(hybrid::encode(&indices, width));
    Body {
        dictionary: Some((known.len(), entries)),
        encoding: Encoding::Dictionary,
        bytes,
    }
}

/// Which rows have a value.
fn levels(is_there: impl Iterator<Item = bool>) -> Vec<u8> {
    let levels: Vec<u32> = is_there.map(u32::from).collect();
    let packed = hybrid::encode(&levels, 1);
    let mut bytes = small(packed.len()).to_le_bytes().to_vec();
    bytes.extend(packed);
    bytes
}

fn sized(text: &str) -> Vec<u8> {
    let mut bytes = small(text.len()).to_le_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Groups and pages are far smaller than what fits.
fn small(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn int(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn footer(groups: &[Group]) -> Vec<u8> {
    thrift::Writer::structure(|file| {
        file.int(1, 1);
        file.list(2, STRUCT, COLUMNS.len() + 1);
        file.element(|root| {
            root.text(4, "history");
            root.int(5, int(COLUMNS.len()));
        });
        for column in COLUMNS {
            file.element(|element| schema(*column, element));
        }
        file.long(3, groups.iter().map(|group| group.rows as i64).sum());
        file.list(4, STRUCT, groups.len());
        for group in groups {
            file.element(|element| described(group, element));
        }
        file.text(6, concat!("hearth version ", env!("CARGO_PKG_VERSION")));
    })
}

fn schema(column: Column, element: &mut thrift::Writer) {
    element.int(1, column.physical as i32);
    element.int(3, i32::from(!column.is_required));
    element.text(4, column.name);
    // Both ways in which readers learn what it means.
    match (column.name, column.physical) {
        ("time", _) => {
            element.int(6, 9);
            element.nested(10, |logical| {
                logical.nested(8, |timestamp| {
                    timestamp.truth(1, true);
                    timestamp.nested(2, |unit| unit.nested(1, |_| {}));
                });
            });
        }
        (_, Physical::Bytes) => {
            element.int(6, 0);
            element.nested(10, |logical| logical.nested(1, |_| {}));
        }
        (_, Physical::Int32) => {
            element.int(6, 13);
            element.nested(10, |logical| {
                logical.nested(10, |integer| {
                    integer.byte(1, 32);
                    integer.truth(2, false);
                });
            });
        }
        _ => {}
    }
}

fn described(group: &Group, element: &mut thrift::Writer) {
    element.list(1, STRUCT, group.chunks.len());
    for (column, chunk) in COLUMNS.iter().zip(&group.chunks) {
        let begin = chunk.dictionary.unwrap_or(chunk.data);
        element.element(|element| {
            element.long(2, begin as i64);
            element.nested(3, |meta| {
                meta.int(1, column.physical as i32);
                let encoding = match chunk.dictionary {
                    Some(_) => Encoding::Dictionary,
                    None => Encoding::Plain,
                };
                meta.list(2, thrift::I32, 2);
                meta.zigzag(encoding as i64);
                meta.zigzag(Encoding::Runs as i64);
                meta.list(3, thrift::BINARY, 1);
                meta.binary(column.name);
                meta.int(4, Codec::Gzip as i32);
                meta.long(5, group.rows as i64);
                meta.long(6, chunk.plain as i64);
                meta.long(7, chunk.compressed as i64);
                meta.long(9, chunk.data as i64);
                if let Some(dictionary) = chunk.dictionary {
                    meta.long(11, dictionary as i64);
                }
            });
        });
    }
    let bytes: u64 = group.chunks.iter().map(|chunk| chunk.plain).sum();
    element.long(2, bytes as i64);
    element.long(3, group.rows as i64);
}
