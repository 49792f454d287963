//! `hearth history`: what was recorded, into files, out of files, and away.
//!
//! Works on the house's `history.db` and the server that keeps its past if one does, beside a
//! running gateway or without one.

mod check;
mod export;
mod forget;
mod import;
mod mapping;
mod series;
mod source;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use jiff::tz::TimeZone;

use super::ConfigArgs;
use crate::broker::topic;
use crate::config::{self, Config};
use crate::history::formats::Format;
use crate::history::{Address, Location};

const EXAMPLES: &str = "\
Examples:
  hearth history series                                what is there, and how much?
  hearth history export -o house.csv                   everything, as a table
  hearth history export --topic 'home/hall/#' --from -7d --format jsonl | jq .value
  hearth history import house.csv --dry-run            what would come of it?
  hearth history import home-assistant_v2.db           the past of another house
  hearth history check                                 can all of it still be read?
  hearth history forget home/hall/presence             remove it for good

Each has more examples: hearth history export --help. What each format can carry is told in
docs/history-files.md.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The folder of the databases, whatever the config says
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// Only what is in the file there, though the config keeps history in PostgreSQL
    #[arg(long, global = true)]
    local: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write what was recorded into a file that other programs read
    ///
    /// Readings of all series, things and commands, come in order of time. It takes as
    /// little memory for years as for a day, and the house may record on meanwhile.
    #[command(after_help = export::EXAMPLES)]
    Export(export::ExportArgs),
    /// Put what is in a file into the history
    ///
    /// The file is read through before anything is changed: if a line is wrong, its
    /// place is told and nothing is imported. What was there before is not doubled, so
    /// that an import may be repeated.
    #[command(after_help = import::EXAMPLES)]
    Import(import::ImportArgs),
    /// Look whether everything that was recorded can still be read
    ///
    /// Each chunk, block and roll-up has a checksum, and SQLite looks after its tables. What
    /// cannot be read is named, and told again or set aside; the rest stays readable. The
    /// house may record on meanwhile.
    #[command(after_help = check::EXAMPLES)]
    Check(check::CheckArgs),
    /// List what was recorded
    Series(series::SeriesArgs),
    /// Remove what was recorded of a topic, for good
    ///
    /// It is overwritten in the file. What the topic says from now on is recorded
    /// again, unless the config says otherwise: record = false in [[history.series]].
    #[command(after_help = forget::EXAMPLES)]
    Forget(forget::ForgetArgs),
}

pub(super) async fn run(args: HistoryArgs) -> anyhow::Result<()> {
    let house = House::open(&args)?;
    match args.action {
        Action::Export(args) => export::run(args, &house).await,
        Action::Import(args) => import::run(args, &house).await,
        Action::Check(args) => check::run(&args, &house).await,
        Action::Series(args) => series::run(&args, &house).await,
        Action::Forget(args) => forget::run(args, &house).await,
    }
}

/// What matters here of a house's config.
#[derive(Clone, Debug)]
struct House {
    file: PathBuf,
    /// What keeps the history, if not the file.
    server: Option<Address>,
    zone: TimeZone,
}

impl House {
    /// Who names the folder needs no config.
    fn open(args: &HistoryArgs) -> anyhow::Result<House> {
        let mut config = match &args.data {
            Some(_) if !args.config.config.exists() => Config::default(),
            // Rules and certificates do not matter here.
            _ => config::load_untested(&args.config.config)?.0,
        };
        if let Some(data) = &args.data {
            config.keep_data_in(data.clone());
        }
        Ok(House {
            zone: config.home.place().zone,
            file: config.history.file,
            server: config.history.server.filter(|_| !args.local),
        })
    }

    fn location(&self) -> Location {
        Location {
            file: self.file.clone(),
            server: self.server.clone(),
        }
    }
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A table, for spreadsheets
    Csv,
    /// A JSON object on each line
    Jsonl,
    /// InfluxDB's line protocol
    Line,
    /// Columns, packed, for data frames
    Parquet,
}

impl From<Kind> for Format {
    fn from(kind: Kind) -> Format {
        match kind {
            Kind::Csv => Format::Csv,
            Kind::Jsonl => Format::Jsonl,
            Kind::Line => Format::Line,
            Kind::Parquet => Format::Parquet,
        }
    }
}

impl From<Format> for Kind {
    fn from(format: Format) -> Kind {
        match format {
            Format::Csv => Kind::Csv,
            Format::Jsonl => Kind::Jsonl,
            Format::Line => Kind::Line,
            Format::Parquet => Kind::Parquet,
        }
    }
}

/// Topics that somebody chose; all, if nobody chose.
#[derive(Clone, Debug, Default)]
struct Choice(Vec<String>);

impl Choice {
    fn new(filters: Vec<String>) -> anyhow::Result<Choice> {
        for filter in &filters {
            if !topic::valid_filter(filter) {
                bail!(
                    "`{filter}` is no topic or filter: write home/hall/temperature, home/hall/+ \
                     or home/hall/#"
                );
            }
        }
        Ok(Choice(filters))
    }

    fn takes(&self, name: &str) -> bool {
        let mut filters = self.0.iter();
        self.0.is_empty() || filters.any(|filter| topic::matches(filter, name))
    }
}

/// `1 reading`, `2 readings`
pub(super) fn counted(count: u64, one: &str) -> String {
    match (count, one) {
        (1, one) => format!("1 {one}"),
        (count, "series") => format!("{count} series"),
        (count, one) => format!("{count} {one}s"),
    }
}
