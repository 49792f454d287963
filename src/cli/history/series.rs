//! `hearth history series`: what was recorded.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::{Choice, House, counted};
use crate::cli::times;
use crate::history::{Archive, SeriesSize};

const HEAD: [&str; 6] = ["TOPIC", "UNIT", "READINGS", "SIZE", "FIRST", "LAST"];
/// Columns of figures.
const FIGURES: [usize; 2] = [2, 3];

#[derive(Debug, clap::Args)]
pub(super) struct SeriesArgs {
    /// A topic, or a filter such as 'home/hall/#'; may be repeated; all unless given
    #[arg(long = "topic", value_name = "FILTER")]
    topics: Vec<String>,
}

pub(super) async fn run(args: &SeriesArgs, house: &House) -> anyhow::Result<()> {
    let choice = Choice::new(args.topics.clone())?;
    let archive = Archive::open(house.location()).await?;
    let mut sizes = archive.sizes().await?;
    archive.close().await;
    sizes.retain(|one| choice.takes(&one.info.topic));
    io::stdout().write_all(table(&sizes, &house.zone).as_bytes())?;
    Ok(())
}

/// The series below each other, and the sum.
pub(super) fn table(sizes: &[SeriesSize], zone: &TimeZone) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(sizes.iter().map(|one| row(one, zone)));
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: [usize; HEAD.len()] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match FIGURES.contains(&column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text += line.trim_end();
        text.push('\n');
    }
    let readings = sizes.iter().map(|one| one.samples).sum();
    let bytes = sizes.iter().map(|one| one.bytes).sum();
    let (series, readings) = (
        counted(sizes.len() as u64, "series"),
        counted(readings, "reading"),
    );
    text += &format!("{series}, {readings}, {}\n", size(bytes));
    text
}

fn row(one: &SeriesSize, zone: &TimeZone) -> [String; HEAD.len()] {
    let printable = |text: &str| text.replace(char::is_control, "\u{fffd}");
    [
        printable(&one.info.topic),
        printable(one.info.unit.as_deref().unwrap_or("-")),
        one.samples.to_string(),
        size(one.bytes),
        times::shown(one.info.first, zone),
        times::shown(one.info.last, zone),
    ]
}

/// `712 B`, `1.4 kB`, `35.0 MB`
pub(super) fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut size, mut unit) = (bytes as f64 / 1000.0, "kB");
    for larger in ["MB", "GB", "TB"] {
        if size >= 999.95 {
            (size, unit) = (size / 1000.0, larger);
        }
    }
    format!("{size:.1} {unit}")
}
