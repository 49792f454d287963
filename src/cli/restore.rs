//! `hearth restore`: the house as a backup has it.
//!
//! Everything is unpacked beside the house and looked through first. Then each file takes the
//! place of what is there, which is kept aside.

mod place;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use jiff::tz::TimeZone;

use super::backup::manifest::Manifest;
use super::backup::package;
use super::backup::{CONFIG, HISTORY, RULES, STATE, contents, ensure_room};
use super::interrupt::{INTERRUPTED, Interrupt};
use super::progress::Progress;
use super::{ConfigArgs, times};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::database::folder::{self, InUse};
use crate::database::{Kind, state, store};
use crate::history;
use place::{Mode, Move, Swap};

pub(super) const EXAMPLES: &str = "\
Examples:
  hearth restore --check house.tar              what is in it, and is it whole?
  sudo systemctl stop hearth
  sudo hearth restore house.tar                 the house, its history and its config
  sudo hearth restore --keep-config house.tar   the databases alone
  sudo systemctl start hearth
  hearth restore --data ./try --keep-config house.tar
                                                elsewhere, to look at it

To go back, stop the gateway and move the files from the folder before-restore-… back.";

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// What `hearth backup` has made
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Say what is in it and whether it is whole, and change nothing
    #[arg(long)]
    check: bool,
    /// Leave the config and the rules as they are
    #[arg(long)]
    keep_config: bool,
    #[command(flatten)]
    config: ConfigArgs,
    /// The folder of the databases, whatever the config says
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) async fn run(args: RestoreArgs) -> anyhow::Result<()> {
    let manifest = package::open(&args.file)?;
    let zone = TimeZone::system();
    say(&format!(
        "{} is of the computer {}, made {} by hearth {}:\n{}",
        args.file.display(),
        manifest.host,
        times::shown(manifest.made, &zone),
        manifest.hearth,
        contents(&manifest)
    ))?;
    if args.check {
        let mut progress = Progress::new("checked");
        let read = package::unpack(&args.file, None, &mut progress);
        progress.clear();
        read?;
        return say("It is whole.");
    }
    let with_config = !args.keep_config && manifest.file(CONFIG).is_some();
    let config = Staged::config(&args, with_config)?;
    let claimed = claim(&config.data)?;
    // From here on nothing ends this half way.
    let interrupt = Interrupt::listen()?;
    let staged = Staged::unpack(&args.file, &manifest, &config.data, claimed, &interrupt)?;
    staged.examine(&manifest).await?;
    let history = &config.history.file;
    for file in [&state::file(&config.data), history] {
        ensure_unused(file).await?;
    }
    let stamp = times::zoned(Clock::start().now().utc, &zone).strftime("%Y-%m-%d-%H%M%S");
    let aside = format!("before-restore-{stamp}");
    let mut swap = Swap::new();
    for one in staged.moves(&manifest, &config, &args, with_config, &aside) {
        swap.add(one)?;
    }
    if with_config {
        for file in config::files(&args.config.config).into_iter().skip(1) {
            swap.retire(&file, &aside_of(&args.config.config, &aside).join(RULES))?;
        }
    }
    let kept = swap.carry_out()?;
    drop(staged);
    say(&format!(
        "The house is restored in {}.",
        config.data.display()
    ))?;
    for folder in kept {
        say(&format!("What was there is in {}.", folder.display()))?;
    }
    Ok(())
}

/// The folder beside a file for what was there.
fn aside_of(file: &Path, aside: &str) -> PathBuf {
    file.with_file_name(aside)
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

fn claim(data: &Path) -> anyhow::Result<InUse> {
    fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    let claimed = folder::claim(data).with_context(|| format!("cannot use {}", data.display()))?;
    claimed.with_context(|| {
        let data = data.display();
        format!("a gateway uses {data}; stop it first: sudo systemctl stop hearth")
    })
}

async fn ensure_unused(file: &Path) -> anyhow::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let released = store::release(file).await;
    let released = released.with_context(|| format!("cannot open {}", file.display()))?;
    ensure!(
        released,
        "{} is being used; stop the gateway, and whatever else reads it",
        file.display()
    );
    Ok(())
}

/// An unpacked backup; it is removed at the end.
struct Staged {
    folder: PathBuf,
    _claimed: InUse,
}

impl Staged {
    /// The config by which the house will live.
    fn config(args: &RestoreArgs, with_config: bool) -> anyhow::Result<Config> {
        let path = &args.config.config;
        let mut config = if with_config {
            let text = package::text_of(&args.file, CONFIG)?;
            let base = path.parent().unwrap_or(Path::new(""));
            let name = format!("{CONFIG} of the backup");
            config::load_text_untested(&name, &text, base)?.0
        } else if args.data.is_some() && !path.exists() {
            Config::default()
        } else {
            config::load_untested(path)?.0
        };
        if let Some(data) = &args.data {
            config.keep_data_in(data.clone());
        }
        Ok(config)
    }

    fn unpack(
        file: &Path,
        manifest: &Manifest,
        data: &Path,
        claimed: InUse,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Staged> {
        let folder = data.join(".restoring");
        if folder.exists() {
            fs::remove_dir_all(&folder).context("what an earlier restore has left")?;
        }
        ensure_room(data, manifest.files.iter().map(|one| one.bytes).sum())?;
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("cannot write in {}", data.display()))?;
        let staged = Staged {
            folder,
            _claimed: claimed,
        };
        let mut progress = interrupt.progress("unpacked");
        let unpacked = package::unpack(file, Some(&staged.folder), &mut progress);
        progress.clear();
        ensure!(progress.go_on().is_ok(), INTERRUPTED);
        unpacked?;
        Ok(staged)
    }

    /// Looks through the databases before they take anybody's place.
    async fn examine(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let kinds: [(&str, &Kind); 2] = [(STATE, &state::STATE), (HISTORY, history::kind())];
        for (name, kind) in kinds {
            let Some(packed) = manifest.file(name) else {
                continue;
            };
            let examined = store::examine(&self.folder.join(name)).await;
            let examined = examined.with_context(|| format!("{name} of the backup"))?;
            if let Some(problem) = examined.problem(kind) {
                bail!("{name} of the backup: {problem}");
            }
            ensure!(
                packed.has_rows_of(&examined),
                "{name} of the backup has not the rows that it had"
            );
        }
        Ok(())
    }

    /// What goes where.
    fn moves(
        &self,
        manifest: &Manifest,
        config: &Config,
        args: &RestoreArgs,
        with_config: bool,
        aside: &str,
    ) -> Vec<Move> {
        let path = &args.config.config;
        let mut moves = Vec::new();
        for file in &manifest.files {
            let name = file.name.as_str();
            let (to, mode, folder) = match name {
                STATE => (state::file(&config.data), Mode::Secret, PathBuf::new()),
                HISTORY => (config.history.file.clone(), Mode::Database, PathBuf::new()),
                _ if !with_config => continue,
                CONFIG => (path.clone(), Mode::Settings, PathBuf::new()),
                rules => (path.with_file_name(rules), Mode::Settings, RULES.into()),
            };
            let beside = if mode == Mode::Settings { path } else { &to };
            moves.push(Move {
                from: self.folder.join(package::flat(name)),
                aside: aside_of(beside, aside).join(folder),
                to,
                mode,
            });
        }
        moves
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What is left goes with the next one.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
