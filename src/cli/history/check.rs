//! `hearth history check`: whether everything in the file can still be read.

use std::io::{self, Write};

use anyhow::bail;

use super::{House, counted, series};
use crate::cli::owner;
use crate::cli::progress::Progress;
use crate::history::{self, Archive, Checked, Damage};

pub(super) const EXAMPLES: &str = "\
Examples:
  hearth history check                                 everything, and put right what can be
  hearth history check --look                          the same, and change nothing
  hearth history check --look --data /media/stick/old  another house's

A chunk (samples of one topic) or a block (of the log) that is damaged is lost; it is set aside,
so that the rest can be read. Minutes and hours that are damaged are told again: minutes from
samples, hours from minutes. Where those are kept no longer, what is lost is named with its time.

It ends with 0 if nothing is damaged or all of it was told again, and else with 1. The gateway does
the same after each start.";

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Change nothing: what is damaged is named and stays as it is
    #[arg(long)]
    look: bool,
}

pub(super) async fn run(args: &CheckArgs, house: &House) -> anyhow::Result<()> {
    let whole = std::fs::metadata(&house.file).map_or(0, |file| file.len());
    let mut progress = Progress::new("checked");
    let checked = history::check(&house.file, !args.look, |behind| {
        progress.tell(behind, whole);
    });
    let checked = checked.await;
    progress.clear();
    let checked = checked?;
    if !args.look {
        owner::give_away(&house.file)?;
    }
    io::stdout().write_all(summary(&checked).as_bytes())?;
    if let Some(server) = &house.server {
        let kept = kept_by(house).await?;
        writeln!(io::stdout(), "{server} answers: {kept}")?;
    }
    let left = checked.damage.iter().filter(|one| !one.is_mended());
    match left.count() as u64 {
        0 => Ok(()),
        count if args.look => bail!("{} cannot be read", counted(count, "part")),
        count => bail!(
            "{} could not be read; everything else can, see docs/backup.md",
            counted(count, "part")
        ),
    }
}

/// PostgreSQL looks after its own disk: that it answers is all that can be told of it.
async fn kept_by(house: &House) -> anyhow::Result<String> {
    let archive = Archive::open(house.location()).await?;
    let sizes = archive.sizes().await?;
    archive.close().await;
    let readings = sizes.iter().map(|one| one.samples).sum();
    let (readings, series) = (
        counted(readings, "reading"),
        counted(sizes.len() as u64, "series"),
    );
    Ok(format!("{readings} of {series}"))
}

fn summary(checked: &Checked) -> String {
    let mut text = format!(
        "{}, {} and {} of minutes and hours are checked, {}\n",
        counted(checked.chunks, "chunk"),
        counted(checked.blocks, "block"),
        counted(checked.rollups, "row"),
        series::size(checked.bytes)
    );
    for one in &checked.damage {
        text += &format!("damaged: {one}\n");
    }
    for one in &checked.aside {
        text += &format!("set aside earlier: {one}\n");
    }
    if checked.damage.iter().all(Damage::is_mended) {
        text += "All of it can be read.\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UtcMillis;
    use crate::history::Then;

    #[test]
    fn a_summary_names_what_is_damaged() {
        let whole = Checked {
            chunks: 1,
            blocks: 2,
            rollups: 30,
            bytes: 1_250_000,
            ..Checked::default()
        };
        assert_eq!(
            summary(&whole),
            "1 chunk, 2 blocks and 30 rows of minutes and hours are checked, 1.2 MB\n\
             All of it can be read.\n"
        );
        let damage = Damage {
            what: "chunk 12".to_owned(),
            topic: Some("home/hall/lux".to_owned()),
            stretch: Some((UtcMillis(0), UtcMillis(5000))),
            reason: "is damaged: its checksum is wrong".to_owned(),
            is_rollup: false,
            then: Then::Aside,
        };
        let damaged = Checked {
            damage: vec![damage],
            ..whole
        };
        let said = summary(&damaged);
        let line = "damaged: chunk 12 of home/hall/lux (1970-01-01T00:00:00Z to \
                    1970-01-01T00:00:05Z) is damaged: its checksum is wrong; it is set \
                    aside\n";
        assert!(said.ends_with(line), "{said}");
    }
}
