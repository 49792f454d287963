//! The way through the file: chunks, blocks, roll-ups, then how tables lie in it.

use sqlx::SqliteConnection;

use super::Checked;
use crate::clock::UtcMillis;
use crate::history::column::DecodeError;
use crate::history::sealer::row_length;
use crate::history::store::care::{self, Held, Row};
use crate::history::store::shelves::Rollups;
use crate::history::{block, chunk, rollup};

/// So many rows are read in a step. A chunk has some kilobytes at most, most have less.
const ROWS: u32 = 64;

/// Something that cannot be read.
#[derive(Debug)]
pub struct Found {
    pub what: What,
    pub series: Option<i64>,
    pub stretch: Option<(i64, i64)>,
    pub reason: String,
    /// Not if a later version may be able to read it.
    pub is_lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Chunk(i64),
    Block(i64),
    /// A row of this series that begins then.
    Rollups(Rollups, u32, UtcMillis),
    File,
}

/// Where it goes on.
#[derive(Debug)]
pub enum Walk {
    Chunks(i64),
    Blocks(i64),
    Rollups(Rollups, (i64, UtcMillis)),
    Tables(Option<Vec<String>>),
}

/// Before everything.
const BEGIN: (i64, UtcMillis) = (i64::MIN, UtcMillis(i64::MIN));

impl Default for Walk {
    fn default() -> Walk {
        Walk::Chunks(i64::MIN)
    }
}

impl Walk {
    /// What a step finds; none at the end.
    ///
    /// # Errors
    /// If the file does not answer. What SQLite cannot read is found, and no error.
    pub async fn step(
        &mut self,
        connection: &mut SqliteConnection,
        checked: &mut Checked,
    ) -> sqlx::Result<Option<Vec<Found>>> {
        if matches!(self, Walk::Tables(Some(tables)) if tables.is_empty()) {
            return Ok(None);
        }
        match self.read(connection, checked).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_damage(&error) => {
                let found = Found {
                    what: What::File,
                    series: None,
                    stretch: None,
                    reason: format!("cannot be read any further among {}: {error}", self.name()),
                    is_lost: false,
                };
                self.skip();
                Ok(Some(vec![found]))
            }
            Err(error) => Err(error),
        }
    }

    async fn read(
        &mut self,
        connection: &mut SqliteConnection,
        checked: &mut Checked,
    ) -> sqlx::Result<Vec<Found>> {
        match self {
            Walk::Chunks(after) => {
                let held = care::chunks(connection, *after, ROWS).await?;
                checked.chunks += held.len() as u64;
                checked.bytes += bytes(held.iter().map(|one| &one.bytes));
                let damaged = held.iter().filter_map(|one| {
                    let error = chunk::decode(&one.bytes).err()?;
                    Some(of_held(What::Chunk(one.id), one, error))
                });
                let found = damaged.collect();
                match held.last() {
                    Some(last) => *after = last.id,
                    None => self.skip(),
                }
                Ok(found)
            }
            Walk::Blocks(after) => {
                let held = care::blocks(connection, *after, ROWS).await?;
                checked.blocks += held.len() as u64;
                checked.bytes += bytes(held.iter().map(|one| &one.bytes));
                let damaged = held.iter().filter_map(|one| {
                    let error = block::decode(&one.bytes).err()?;
                    Some(of_held(What::Block(one.id), one, error))
                });
                let found = damaged.collect();
                match held.last() {
                    Some(last) => *after = last.id,
                    None => self.skip(),
                }
                Ok(found)
            }
            Walk::Rollups(kind, after) => {
                let rows = care::rollups(connection, *kind, *after, ROWS).await?;
                checked.rollups += rows.len() as u64;
                checked.bytes += bytes(rows.iter().map(|one| &one.bytes));
                let found = rows.iter().filter_map(|row| of_row(*kind, row)).collect();
                match rows.last() {
                    Some(last) => *after = (last.series, last.start),
                    None => self.skip(),
                }
                Ok(found)
            }
            Walk::Tables(None) => {
                *self = Walk::Tables(Some(care::tables(connection).await?));
                Ok(Vec::new())
            }
            Walk::Tables(Some(tables)) => {
                let Some(table) = tables.pop() else {
                    return Ok(Vec::new());
                };
                let said = care::quick_check(connection, &table).await?.into_iter();
                let found = said.map(|said| Found {
                    what: What::File,
                    series: None,
                    stretch: None,
                    reason: format!("is damaged in the table {table}: {said}"),
                    is_lost: false,
                });
                Ok(found.collect())
            }
        }
    }

    /// On to what comes next.
    fn skip(&mut self) {
        *self = match self {
            Walk::Chunks(_) => Walk::Blocks(i64::MIN),
            Walk::Blocks(_) => Walk::Rollups(Rollups::Minutes, BEGIN),
            Walk::Rollups(Rollups::Minutes, _) => Walk::Rollups(Rollups::Hours, BEGIN),
            Walk::Rollups(Rollups::Hours, _) => Walk::Tables(None),
            Walk::Tables(tables) => Walk::Tables(Some(tables.take().unwrap_or_default())),
        };
    }

    fn name(&self) -> &'static str {
        match self {
            Walk::Chunks(_) => "chunks",
            Walk::Blocks(_) => "blocks",
            Walk::Rollups(..) => "minutes and hours",
            Walk::Tables(_) => "tables",
        }
    }
}

/// CORRUPT; a busy file or a disk that fails is another matter.
fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 11)
}

fn bytes<'a>(all: impl Iterator<Item = &'a Vec<u8>>) -> u64 {
    all.map(|one| one.len() as u64).sum()
}

fn of_held(what: What, held: &Held, error: DecodeError) -> Found {
    Found {
        what,
        series: held.series,
        stretch: held.first.zip(held.last).map(|(a, b)| (a.0, b.0)),
        reason: error.to_string(),
        is_lost: !matches!(error, DecodeError::Version(_)),
    }
}

fn of_row(kind: Rollups, row: &Row) -> Option<Found> {
    let error = rollup::decode(&row.bytes).err()?;
    let end = row.start.0.saturating_add(row_length(kind));
    Some(Found {
        what: What::Rollups(kind, u32::try_from(row.series).ok()?, row.start),
        series: Some(row.series),
        stretch: Some((row.start.0, end)),
        reason: error.to_string(),
        is_lost: !matches!(error, DecodeError::Version(_)),
    })
}
