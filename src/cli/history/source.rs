//! What is imported, whatever it is: a file of rows, or the recorder of Home Assistant.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, bail};
use clap::ValueEnum;
use jiff::tz::TimeZone;

use super::Kind;
use crate::history::formats::{self, Format, Place, ReadError, Row, RowReader, parquet};
use crate::history::home_assistant::{Entity, Recorder, States};

/// `--format` of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Rows(Kind),
    HomeAssistant,
}

const HOME_ASSISTANT: &str = "home-assistant";

impl ValueEnum for FileKind {
    fn value_variants<'a>() -> &'a [FileKind] {
        &[
            FileKind::Rows(Kind::Csv),
            FileKind::Rows(Kind::Jsonl),
            FileKind::Rows(Kind::Line),
            FileKind::Rows(Kind::Parquet),
            FileKind::HomeAssistant,
        ]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        match self {
            FileKind::Rows(kind) => kind.to_possible_value(),
            FileKind::HomeAssistant => Some(
                clap::builder::PossibleValue::new(HOME_ASSISTANT)
                    .help("The recorder of Home Assistant: home-assistant_v2.db"),
            ),
        }
    }
}

/// A file, and how to read it.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub path: PathBuf,
    pub kind: FileKind,
    pub zone: TimeZone,
}

impl Input {
    /// Finds out what a file is, unless it is said.
    pub fn new(path: PathBuf, kind: Option<FileKind>, zone: TimeZone) -> anyhow::Result<Input> {
        let by_name = || {
            let name = path.to_string_lossy();
            let is_recorder = [".db", ".sqlite", ".sqlite3"]
                .iter()
                .any(|end| name.ends_with(end));
            let rows = Format::from_name(&name).map(|format| FileKind::Rows(format.into()));
            rows.or(is_recorder.then_some(FileKind::HomeAssistant))
        };
        let Some(kind) = kind.or_else(by_name) else {
            bail!(
                "the name of {} does not tell its format: say --format csv, jsonl, line, \
                 parquet or {HOME_ASSISTANT}",
                path.display()
            );
        };
        Ok(Input { path, kind, zone })
    }

    /// Whether it may be read again from the beginning.
    pub fn is_file(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|there| there.is_file())
    }

    /// Opens a file of rows.
    pub fn rows(&self, kind: Kind) -> anyhow::Result<Source> {
        let read = Rc::new(Cell::new(0));
        let (input, size) = self.open()?;
        let reader: Result<Box<dyn RowReader>, ReadError> = match (input, Format::from(kind)) {
            (Some(file), Format::Parquet) => {
                let reader = parquet::Reader::new(BufReader::new(file), self.zone.clone());
                return match reader {
                    Ok(reader) => Ok(Source::Table(reader)),
                    Err(error) => Err(anyhow::Error::from(error).context(self.shown())),
                };
            }
            (Some(file), format) => {
                formats::reader(format, counted(file, &read), self.zone.clone())
            }
            (None, format) => {
                formats::reader(format, counted(io::stdin(), &read), self.zone.clone())
            }
        };
        Ok(Source::Rows {
            reader: reader.with_context(|| self.shown())?,
            read,
            size,
        })
    }

    /// The file and its size; none for standard input.
    fn open(&self) -> anyhow::Result<(Option<File>, u64)> {
        if self.path == Path::new("-") {
            return Ok((None, 0));
        }
        let context = || format!("cannot read {}", self.shown());
        let file = File::open(&self.path).with_context(context)?;
        let size = file.metadata().with_context(context)?.len();
        Ok((Some(file), size))
    }

    pub fn shown(&self) -> String {
        match self.path == Path::new("-") {
            true => "standard input".to_owned(),
            false => self.path.display().to_string(),
        }
    }

    /// Opens the recorder of Home Assistant.
    pub async fn recorder(&self) -> anyhow::Result<(Source, Vec<Entity>)> {
        let recorder = Recorder::open(&self.path).await?;
        let entities = recorder.entities().await?;
        Ok((Source::States(recorder.states().await?), entities))
    }
}

/// Rows on their way out of a file.
pub(super) enum Source {
    Rows {
        reader: Box<dyn RowReader>,
        read: Rc<Cell<u64>>,
        size: u64,
    },
    Table(parquet::Reader<BufReader<File>>),
    States(States),
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Step {
    Row(Row),
    /// A row that cannot be read; the next one may be.
    Wrong(Place, String),
    End,
}

impl Source {
    pub async fn next(&mut self) -> anyhow::Result<Step> {
        let row = match self {
            Source::States(states) => return Ok(step(states.next().await?)),
            Source::Rows { reader, .. } => reader.next(),
            Source::Table(reader) => reader.next(),
        };
        match row {
            Ok(row) => Ok(step(row)),
            Err(ReadError::Row { place, problem }) => Ok(Step::Wrong(place, problem)),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the last row was.
    pub fn place(&self) -> Place {
        match self {
            Source::States(_) => Place::File,
            Source::Rows { reader, .. } => reader.place(),
            Source::Table(reader) => reader.place(),
        }
    }

    /// How far it has come, and how far it is; 0 if nobody knows.
    pub fn progress(&self) -> (u64, u64) {
        match self {
            Source::States(states) => states.progress(),
            Source::Rows { read, size, .. } => (read.get(), *size),
            Source::Table(reader) => reader.progress(),
        }
    }

    /// Rows that said nothing.
    pub fn skipped(&self) -> u64 {
        match self {
            Source::States(states) => states.skipped(),
            Source::Rows { .. } | Source::Table(_) => 0,
        }
    }
}

fn step(row: Option<Row>) -> Step {
    row.map_or(Step::End, Step::Row)
}

fn counted<R: Read>(input: R, read: &Rc<Cell<u64>>) -> Counted<BufReader<R>> {
    Counted {
        input: BufReader::with_capacity(1 << 16, input),
        read: Rc::clone(read),
    }
}

/// Counts what was read.
struct Counted<R> {
    input: R,
    read: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.input.consume(amount);
        self.read.set(self.read.get() + amount as u64);
    }
}
