//! The ways to keep samples that are compared, and what each costs.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use hearth::clock::{ClockQuality, Moment, Now, UtcMillis};
use hearth::history::block::{self, Entry, Header};
use hearth::history::meter;
use hearth::history::workbench::{Row, Workbench};

use crate::load::BEGIN;
use crate::progress::Progress;
use crate::rows::Rows;

/// One of them, with a commit for the samples of so many seconds.
#[derive(Clone, Copy)]
pub enum Way {
    /// The history as it is, sealed at the end.
    Hearth {
        seconds: u32,
    },
    /// As fast as it goes, with so many samples a commit.
    HearthAtOnce {
        samples: usize,
    },
    /// A table that is clustered by series and time.
    Table {
        seconds: u32,
    },
    HomeAssistant {
        seconds: u32,
    },
    /// A file of nothing but the blocks that Hearth commits, each synced: what a log costs
    /// that needs no database around it.
    Blocks {
        seconds: u32,
    },
}

/// What was measured of one of them.
pub struct Cost {
    pub name: String,
    pub samples: usize,
    pub commits: usize,
    pub seconds: f64,
    /// By this process, as the kernel counts it.
    pub written: u64,
    /// By which the file has grown.
    pub stored: u64,
}

impl Way {
    pub fn name(self) -> String {
        match self {
            Way::Hearth { seconds } => format!("Hearth, synced every {seconds} s"),
            Way::HearthAtOnce { samples } => format!("Hearth, {samples} samples a commit"),
            Way::Table { seconds } => format!("a table by series and time, every {seconds} s"),
            Way::HomeAssistant { seconds } => {
                format!("Home Assistant's tables, every {seconds} s")
            }
            Way::Blocks { seconds } => format!("block limit, synced every {seconds} s"),
        }
    }

    /// Commits all rows, `whole` of them, to files in the folder.
    pub async fn measure(
        self,
        rows: impl Iterator<Item = Row>,
        whole: usize,
        folder: &Path,
    ) -> anyhow::Result<Cost> {
        let file = folder.join("history.db");
        let portions = Portions::new(rows, self);
        let mut progress = Progress::new(self.label(), whole);
        let mut tally = Tally::default();
        let empty = self.make(&file).await?;
        let (began, start) = (written()?, Instant::now());
        let counted = portions.inspect(|portion| {
            tally.commits += 1;
            tally.samples += portion.len();
            progress.reach(tally.samples);
        });
        match self {
            Way::Hearth { .. } | Way::HearthAtOnce { .. } => hearth(counted, &file).await?,
            Way::Table { .. } => table(counted, &file, false).await?,
            Way::HomeAssistant { .. } => table(counted, &file, true).await?,
            Way::Blocks { .. } => blocks(counted, &file)?,
        }
        Ok(Cost {
            name: self.name(),
            samples: tally.samples,
            commits: tally.commits,
            seconds: start.elapsed().as_secs_f64(),
            written: written()? - began,
            stored: std::fs::metadata(&file)?.len().saturating_sub(empty),
        })
    }

    /// Makes the file without samples, as a house does once; says how long it is.
    async fn make(self, file: &Path) -> anyhow::Result<u64> {
        match self {
            Way::Hearth { .. } | Way::HearthAtOnce { .. } => {
                Workbench::open(file).await?.close().await;
            }
            Way::Table { .. } => Rows::open(file, false).await?.close().await?,
            Way::HomeAssistant { .. } => Rows::open(file, true).await?.close().await?,
            Way::Blocks { .. } => return Ok(0),
        }
        let made = File::open(file)?;
        made.sync_all()?;
        Ok(made.metadata()?.len())
    }

    fn label(self) -> &'static str {
        match self {
            Way::Hearth { .. } | Way::HearthAtOnce { .. } => "Hearth",
            Way::Table { .. } => "a table",
            Way::HomeAssistant { .. } => "Home Assistant's tables",
            Way::Blocks { .. } => "blocks",
        }
    }

    fn milliseconds(self) -> i64 {
        match self {
            Way::HearthAtOnce { .. } => i64::MAX,
            Way::Hearth { seconds }
            | Way::Table { seconds }
            | Way::HomeAssistant { seconds }
            | Way::Blocks { seconds } => i64::from(seconds) * 1000,
        }
    }

    fn most(self) -> usize {
        match self {
            Way::HearthAtOnce { samples } => samples,
            _ => usize::MAX,
        }
    }
}

#[derive(Default)]
struct Tally {
    samples: usize,
    commits: usize,
}

async fn hearth(portions: impl Iterator<Item = Vec<Row>>, file: &Path) -> anyhow::Result<()> {
    let mut bench = Workbench::open(file).await?;
    let mut now = UtcMillis(BEGIN);
    for portion in portions {
        now = latest(&portion);
        bench.commit(portion, now).await?;
    }
    bench.seal(now).await?;
    bench.close().await;
    Ok(())
}

async fn table(
    portions: impl Iterator<Item = Vec<Row>>,
    file: &Path,
    as_home_assistant: bool,
) -> anyhow::Result<()> {
    let mut table = Rows::open(file, as_home_assistant).await?;
    for portion in portions {
        table.commit(&portion).await?;
    }
    table.close().await?;
    Ok(())
}

fn blocks(portions: impl Iterator<Item = Vec<Row>>, file: &Path) -> anyhow::Result<()> {
    let mut file = File::create(file)?;
    let mut ids = HashMap::new();
    for portion in portions {
        let utc = latest(&portion);
        let header = Header {
            boot: [1; 16],
            now: Now {
                moment: Moment((utc.0 - BEGIN).unsigned_abs()),
                utc,
            },
            clock: ClockQuality::Synchronised,
        };
        let mut entry = |(topic, at, value): Row| {
            let next = ids.len() as u32 + 1;
            Entry {
                series: *ids.entry(topic).or_insert(next),
                at,
                value,
                origin: None,
            }
        };
        let entries: Vec<Entry> = portion.into_iter().map(&mut entry).collect();
        file.write_all(&block::encode(&header, &entries)?)?;
        file.sync_data()?;
    }
    Ok(())
}

fn latest(portion: &[Row]) -> UtcMillis {
    portion.last().map_or(UtcMillis(BEGIN), |row| row.1)
}

fn written() -> anyhow::Result<u64> {
    meter::written().context("this system does not count what is written")
}

/// Rows that share a commit: those of so many milliseconds, by a clock that began with all.
struct Portions<I: Iterator<Item = Row>> {
    rows: std::iter::Peekable<I>,
    milliseconds: i64,
    most: usize,
}

impl<I: Iterator<Item = Row>> Portions<I> {
    fn new(rows: I, way: Way) -> Portions<I> {
        Portions {
            rows: rows.peekable(),
            milliseconds: way.milliseconds(),
            most: way.most(),
        }
    }

    fn turn(milliseconds: i64, row: &Row) -> i64 {
        (row.1.0 - BEGIN) / milliseconds
    }
}

impl<I: Iterator<Item = Row>> Iterator for Portions<I> {
    type Item = Vec<Row>;

    fn next(&mut self) -> Option<Vec<Row>> {
        let first = self.rows.next()?;
        let turn = Self::turn(self.milliseconds, &first);
        let mut portion = vec![first];
        while let Some(row) = self.rows.peek() {
            // What is a bit late belongs to the turn that has begun.
            if Self::turn(self.milliseconds, row) > turn || portion.len() >= self.most {
                break;
            }
            portion.extend(self.rows.next());
        }
        Some(portion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Load;

    fn lengths(way: Way, load: Load) -> Vec<usize> {
        Portions::new(load, way)
            .map(|portion| portion.len())
            .collect()
    }

    #[test]
    fn each_commit_has_the_samples_of_its_seconds() {
        let way = Way::Hearth { seconds: 10 };
        assert_eq!(lengths(way, Load::new(3, 1, 1)), [30; 6]);
        assert_eq!(lengths(way, Load::new(3, 20, 1)), [600; 6]);
        let way = Way::HearthAtOnce { samples: 100 };
        assert_eq!(lengths(way, Load::new(2, 1000, 1)).len(), 1200);
    }
}
