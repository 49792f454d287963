//! `hearth history import`: the history out of a file.

mod survey;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, anyhow};

use self::survey::{Plan, Survey};
use super::mapping::Mapping;
use super::source::{FileKind, Input, Source};
use super::{Choice, House, counted};
use crate::cli::owner;
use crate::cli::progress::Progress;
use crate::history::home_assistant::{Entity, topics};
use crate::history::{Imported, Importer};

pub(super) const EXAMPLES: &str = "\
Examples:
  hearth history import house.csv
  zcat house.line.gz | hearth history import - --format line
  hearth history import other.jsonl --map oven=home/kitchen/oven-temperature --map secret=

The past of Home Assistant, in three steps: see which topics its entities would get, change what
should be otherwise, import. Its database is in its folder config.
  hearth history import home-assistant_v2.db --dry-run > maps.txt
  nano maps.txt
  hearth history import home-assistant_v2.db --maps maps.txt

A table needs a first line that names its columns: time, topic and value, and if you like type,
unit, clock, boot and sequence. A time is 2026-11-28T10:00:00Z, 2026-11-28 10:00 on the house's
clock, or milliseconds since 1970.";

#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// The file to read, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The format; by the file's name unless given
    #[arg(long, value_enum)]
    format: Option<FileKind>,
    /// Only what becomes this topic, or a filter such as 'home/hall/#'; may be repeated
    #[arg(long = "topic", value_name = "FILTER")]
    topics: Vec<String>,
    /// The topic for something with another name; NAME= leaves it out; may be repeated
    #[arg(long = "map", value_name = "NAME=TOPIC")]
    map: Vec<String>,
    /// A file of such mappings, one a line, as --dry-run prints them
    #[arg(long, value_name = "FILE")]
    maps: Option<PathBuf>,
    /// Only tell what would come of it
    #[arg(long)]
    dry_run: bool,
    /// Leave out lines that are wrong instead of stopping there
    #[arg(long)]
    keep_going: bool,
}

pub(super) async fn run(args: ImportArgs, house: &House) -> anyhow::Result<()> {
    let mut mapping = args.mapping()?;
    let (dry_run, keep_going) = (args.dry_run, args.keep_going);
    let choice = Choice::new(args.topics)?;
    let input = Input::new(args.file, args.format, house.zone.clone())?;
    let entities = suggest(&input, &mut mapping).await?;
    let plan = Plan {
        mapping,
        choice,
        entities,
        keep_going,
    };
    // What can be read twice is looked through first, so that it is imported as a whole.
    if dry_run || input.is_file() && matches!(input.kind, FileKind::Rows(_)) {
        let seen = pass(&input, open(&input).await?, &plan, None).await?;
        if dry_run {
            return Ok(io::stdout().write_all(seen.text(&house.zone).as_bytes())?);
        }
    }
    // What cannot be opened makes no history.
    let source = open(&input).await?;
    let mut importer = Importer::open(house.location()).await?;
    let outcome = pass(&input, source, &plan, Some(&mut importer)).await;
    let imported = importer.finish().await?;
    owner::give_away(&house.file)?;
    let seen = outcome.with_context(|| {
        let readings = counted(imported.samples, "reading");
        format!("{readings} before it are imported; the same again does not double them")
    })?;
    Ok(writeln!(io::stdout(), "{}", told(imported, &seen))?)
}

impl ImportArgs {
    fn mapping(&self) -> anyhow::Result<Mapping> {
        let mut mapping = Mapping::default();
        if let Some(file) = &self.maps {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let read = mapping.want_all(&text);
            read.map_err(|why| anyhow!("{}: {why}", file.display()))?;
        }
        for text in &self.map {
            mapping.want(text).map_err(|why| anyhow!("--map: {why}"))?;
        }
        Ok(mapping)
    }
}

/// Finds topics for the entities of Home Assistant.
async fn suggest(input: &Input, mapping: &mut Mapping) -> anyhow::Result<Vec<Entity>> {
    if input.kind != FileKind::HomeAssistant {
        return Ok(Vec::new());
    }
    let (_, entities) = input.recorder().await?;
    for (entity, topic) in entities.iter().zip(topics::topics(&entities)) {
        mapping.suggest(&entity.id, topic);
    }
    Ok(entities)
}

async fn open(input: &Input) -> anyhow::Result<Source> {
    match input.kind {
        FileKind::Rows(kind) => input.rows(kind),
        FileKind::HomeAssistant => Ok(input.recorder().await?.0),
    }
}

/// Reads the file once, to its end.
async fn pass(
    input: &Input,
    mut source: Source,
    plan: &Plan,
    importer: Option<&mut Importer>,
) -> anyhow::Result<Survey> {
    let mut progress = Progress::new(match importer {
        Some(_) => "imported",
        None => "looked through",
    });
    let outcome = survey::go(&mut source, plan, importer, &mut progress).await;
    progress.clear();
    outcome.with_context(|| input.shown())
}

fn told(imported: Imported, seen: &Survey) -> String {
    let mut told = format!(
        "{} of {} are imported",
        counted(imported.samples, "reading"),
        counted(seen.series.len() as u64, "series")
    );
    for (count, what) in [
        (imported.doubled, "were there already"),
        (imported.refused, "are no finite numbers"),
        (seen.skipped, "said nothing (unknown, unavailable)"),
        (seen.left_out, "are left out as you said"),
        (seen.wrong, "are wrong and left out"),
    ] {
        if count > 0 {
            told += &format!("; {count} {what}");
        }
    }
    told
}
