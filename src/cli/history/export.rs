//! `hearth history export`: the history as a file.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};

use super::{Choice, House, Kind, counted};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Progress;
use crate::cli::times;
use crate::clock::{Clock, UtcMillis};
use crate::history::formats::{self, Format, Row, RowWriter, WriteError};
use crate::history::{Archive, SeriesInfo};

pub(super) const EXAMPLES: &str = "\
TIME is 2026-11-28T10:00 or 2026-11-28 (its first moment) on the house's clock, or -2h, -3d for so
long ago. Both ends belong to it.

Examples:
  hearth history export -o house.csv
  hearth history export --topic 'home/+/temperature' --from 2026-01-01 -o winter.jsonl
  hearth history export --topic home/hall/lamp --topic home/hall/lamp/set --from -1d
  hearth history export --format line | gzip > house.line.gz";

#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The format; by the file's name unless given, else csv
    #[arg(long, value_enum)]
    format: Option<Kind>,
    /// A topic, or a filter such as 'home/hall/#'; may be repeated; all unless given
    #[arg(long = "topic", value_name = "FILTER")]
    topics: Vec<String>,
    /// Begin here; at the beginning unless given
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// End here; at the end unless given
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// The file to write, or - for standard output; it is replaced once it is complete
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

pub(super) async fn run(args: ExportArgs, house: &House) -> anyhow::Result<()> {
    let (from, to) = args.stretch(house)?;
    let format = args.format();
    let choice = Choice::new(args.topics)?;
    let archive = Archive::open(house.location()).await?;
    let series = chosen(archive.series().await?, &choice, (from, to), house)?;
    let mut output = Output::open(&args.output)?;
    // Who writes into a pipe leaves nothing, and may wait there for whoever reads.
    let is_file = matches!(output, Output::File { .. });
    let interrupt = is_file.then(Interrupt::listen).transpose()?;
    let mut progress = match &interrupt {
        Some(interrupt) => interrupt.progress("exported"),
        None => Progress::new("exported"),
    };
    let written = {
        let mut writer = formats::writer(format, &mut output)?;
        export(&archive, &series, (from, to), &mut *writer, &mut progress).await
    };
    progress.clear();
    archive.close().await;
    let written = written.with_context(|| format!("cannot write {}", args.output.display()));
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            output.give_up();
            return Err(gone(error));
        }
    };
    output.finish()?;
    if args.output != Path::new("-") {
        written.tell()?;
    }
    Ok(())
}

impl ExportArgs {
    fn format(&self) -> Format {
        let by_name = || Format::from_name(&self.output.to_string_lossy());
        self.format
            .map(Format::from)
            .or_else(by_name)
            .unwrap_or(Format::Csv)
    }

    fn stretch(&self, house: &House) -> anyhow::Result<(UtcMillis, UtcMillis)> {
        let now = Clock::start().now().utc;
        let read = |key: &str, text: &str| {
            times::read(text, now, &house.zone).map_err(|why| anyhow!("--{key}: {why}"))
        };
        let from = self.from.as_deref().map(|text| read("from", text));
        let to = self.to.as_deref().map(|text| read("to", text));
        let from = from.unwrap_or(Ok(UtcMillis(i64::MIN)))?;
        let to = to.unwrap_or(Ok(UtcMillis(i64::MAX)))?;
        if from > to {
            bail!("there is no time from --from to --to: --from must be the earlier one");
        }
        Ok((from, to))
    }
}

/// Whoever reads our output may have seen enough, which is told by this error alone.
fn gone(error: anyhow::Error) -> anyhow::Error {
    let is_gone = |error: &&io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    let is_gone = error
        .chain()
        .filter_map(|cause| cause.downcast_ref())
        .any(|e| is_gone(&e));
    match is_gone {
        true => io::Error::from(io::ErrorKind::BrokenPipe).into(),
        false => error,
    }
}

/// The series that were chosen and have readings then.
fn chosen(
    mut series: Vec<SeriesInfo>,
    choice: &Choice,
    (from, to): (UtcMillis, UtcMillis),
    house: &House,
) -> anyhow::Result<Vec<SeriesInfo>> {
    if series.is_empty() {
        bail!("the history is empty: nothing was recorded yet");
    }
    for filter in &choice.0 {
        let alone = Choice(vec![filter.clone()]);
        if !series.iter().any(|one| alone.takes(&one.topic)) {
            bail!("nothing is recorded of {filter}; `hearth history series` tells what is");
        }
    }
    series.retain(|one| choice.takes(&one.topic));
    let first = series.iter().map(|one| one.first).min();
    let last = series.iter().map(|one| one.last).max();
    series.retain(|one| one.first <= to && one.last >= from);
    if let (true, Some(first), Some(last)) = (series.is_empty(), first, last) {
        let shown = |at| times::shown(at, &house.zone);
        bail!(
            "nothing was recorded then; there are readings from {} to {}",
            shown(first),
            shown(last)
        );
    }
    Ok(series)
}

/// What an export came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Exported {
    pub readings: u64,
    pub series: u64,
    /// Readings that the format cannot carry, and why.
    pub uncarried: Option<(u64, &'static str)>,
    /// Chunks and blocks that cannot be read, or were set aside because of that.
    pub unreadable: u64,
}

impl Exported {
    fn tell(self) -> io::Result<()> {
        let (readings, series) = (
            counted(self.readings, "reading"),
            counted(self.series, "series"),
        );
        let mut stderr = io::stderr();
        writeln!(stderr, "{readings} of {series} are exported")?;
        if let Some((count, why)) = self.uncarried {
            let count = counted(count, "reading");
            writeln!(stderr, "warning: {count} could not be: {why}")?;
        }
        if self.unreadable > 0 {
            let count = counted(self.unreadable, "part");
            writeln!(
                stderr,
                "warning: {count} of the history cannot be read and are not in it; \
                 `hearth history check` names them"
            )?;
        }
        Ok(())
    }
}

/// Writes what these series said.
pub(super) async fn export(
    archive: &Archive,
    series: &[SeriesInfo],
    (from, to): (UtcMillis, UtcMillis),
    writer: &mut dyn RowWriter,
    progress: &mut Progress,
) -> anyhow::Result<Exported> {
    let unit = |one: &SeriesInfo| Some((one.topic.clone(), one.unit.as_deref()?.into()));
    let units: HashMap<String, Arc<str>> = series.iter().filter_map(unit).collect();
    let begin = series
        .iter()
        .map(|one| one.first)
        .min()
        .unwrap_or(from)
        .max(from);
    let end = series
        .iter()
        .map(|one| one.last)
        .max()
        .unwrap_or(to)
        .min(to);
    let millis =
        |until: UtcMillis| u64::try_from(until.since(begin).as_millis()).unwrap_or(u64::MAX);
    let topics = series.iter().map(|one| one.topic.clone());
    let mut samples = archive.samples(topics, from, to).await?;
    let mut exported = Exported {
        series: series.len() as u64,
        ..Exported::default()
    };
    while let Some(said) = samples.next().await? {
        progress.go_on()?;
        progress.reach(millis(said.sample.at), millis(end));
        let row = Row {
            unit: units.get(&*said.topic).cloned(),
            topic: said.topic,
            sample: said.sample,
        };
        match writer.write(&row) {
            Ok(()) => exported.readings += 1,
            Err(WriteError::Uncarried(why)) => {
                let before = exported.uncarried.map_or(0, |(count, _)| count);
                exported.uncarried = Some((before + 1, why));
            }
            Err(WriteError::Io(error)) => return Err(error.into()),
        }
    }
    let aside = archive.damaged().await?.into_iter();
    // Minutes and hours are in no export.
    let aside = aside.filter(|one| !one.is_rollup);
    let is_in_it = |topic: &String| series.iter().any(|one| one.topic == *topic);
    let aside = aside.filter(|one| one.topic.as_ref().is_none_or(is_in_it));
    exported.unreadable = samples.unreadable() + aside.count() as u64;
    writer.finish()?;
    Ok(exported)
}

/// Where the bytes go. A file takes its name once it is complete.
#[derive(Debug)]
pub(super) enum Output {
    Stdout(BufWriter<io::Stdout>),
    /// What is no plain file, such as a pipe, is written as it is.
    Special(BufWriter<File>),
    File {
        out: BufWriter<File>,
        part: PathBuf,
        path: PathBuf,
    },
}

impl Output {
    pub fn open(path: &Path) -> anyhow::Result<Output> {
        let context = || format!("cannot write {}", path.display());
        if path == Path::new("-") {
            return Ok(Output::Stdout(BufWriter::new(io::stdout())));
        }
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            let file = File::options()
                .write(true)
                .open(path)
                .with_context(context)?;
            return Ok(Output::Special(BufWriter::new(file)));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let out = BufWriter::new(File::create(&part).with_context(context)?);
        Ok(Output::File {
            out,
            part,
            path: path.to_owned(),
        })
    }

    /// Everything is written.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        if let Output::File { out, part, path } = self {
            let context = || format!("cannot write {}", path.display());
            out.get_ref().sync_all().with_context(context)?;
            fs::rename(&part, &path).with_context(context)?;
        }
        Ok(())
    }

    /// Leaves what was there before.
    pub fn give_up(self) {
        if let Output::File { part, .. } = self {
            // It is in nobody's way.
            let _ = fs::remove_file(part);
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Stdout(out) => out.write(bytes),
            Output::Special(out) | Output::File { out, .. } => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Stdout(out) => out.flush(),
            Output::Special(out) | Output::File { out, .. } => out.flush(),
        }
    }
}
