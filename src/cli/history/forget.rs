//! `hearth history forget`: removes series for good.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail};

use super::{Choice, House, counted, series};
use crate::history::{self, Archive};
use crate::home::Thing;

pub(super) const EXAMPLES: &str = "\
Examples:
  hearth history forget home/hall/lamp                 the lamp and its commands
  hearth history forget home/hall/lamp/set             its commands alone
  hearth history forget 'home/guest-room/#' --yes      a room, without a question";

#[derive(Debug, clap::Args)]
pub(super) struct ForgetArgs {
    /// A topic, or a filter such as 'home/hall/#'
    #[arg(value_name = "TOPIC", required = true)]
    topics: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(args: ForgetArgs, house: &House) -> anyhow::Result<()> {
    let choice = Choice::new(args.topics)?;
    let archive = Archive::open(house.location()).await?;
    let mut found = archive.sizes().await?;
    // Whoever reads the file keeps it from being overwritten.
    archive.close().await;
    found.retain(|one| takes(&choice, &one.info.topic));
    if found.is_empty() {
        // Somebody may ask again because traces were left.
        ensure_no_traces(house).await?;
        bail!(
            "nothing is recorded of {}; `hearth history series` tells what is",
            choice.0.join(", ")
        );
    }
    if !args.yes && !agreed(&series::table(&found, &house.zone))? {
        bail!("nothing is forgotten");
    }
    let mut readings = 0;
    for one in &found {
        let topic = &one.info.topic;
        let forgotten = history::forget(house.location(), topic).await;
        readings += forgotten.with_context(|| format!("cannot forget {topic}"))?;
    }
    ensure_no_traces(house).await?;
    let (readings, series) = (
        counted(readings, "reading"),
        counted(found.len() as u64, "series"),
    );
    writeln!(io::stdout(), "{readings} of {series} are forgotten")?;
    Ok(())
}

/// The file's write-ahead log holds them until nobody reads it.
async fn ensure_no_traces(house: &House) -> anyhow::Result<()> {
    if !history::cut_traces(&house.file).await? {
        bail!(
            "it is removed, but traces of it are left beside {} for as long as another program \
             reads the history, such as an export or a backup; say the same again when that \
             has ended",
            house.file.display()
        );
    }
    Ok(())
}

/// A thing is forgotten with its commands.
fn takes(choice: &Choice, topic: &str) -> bool {
    let thing = Thing::from_set_topic(topic);
    choice.takes(topic) || thing.is_some_and(|thing| choice.takes(&thing.topic()))
}

/// Asks whoever sits there.
fn agreed(table: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("this cannot be undone: say --yes if you mean it");
    }
    let mut stderr = io::stderr();
    write!(stderr, "{table}Forget this for good? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
