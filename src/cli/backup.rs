//! `hearth backup`: the house's databases and config in one file, beside a running gateway.
//!
//! Databases are copied by SQLite itself, each as of one moment. The file is written under
//! another name, synced, read back from the disk, and gets its name last.

mod making;
pub(super) mod manifest;
pub(super) mod package;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::history::counted;
use super::interrupt::{INTERRUPTED, Interrupt};
use super::progress::Progress;
use super::{ConfigArgs, certs, times};
use crate::clock::{Clock, UtcMillis};
use crate::config::{self, Config};
use crate::database::{Kind, state, store};
use crate::history::{self, ArchiveError, Checked};
use making::Making;
pub(super) use making::ensure_room;
use manifest::{Manifest, Packed};

/// Names within a backup.
pub(super) const CONFIG: &str = "hearth.toml";
pub(super) const RULES: &str = "rules.d/";
pub(super) const STATE: &str = "state.db";
pub(super) const HISTORY: &str = "history.db";

pub(super) const EXAMPLES: &str = "\
Examples:
  sudo hearth backup                            hearth-DATE.tar, in this folder
  sudo hearth backup /media/stick               the same, on a stick
  sudo hearth backup --replace /media/stick/house.tar
                                                every night over the last one
  sudo hearth backup --without-history          what the house needs to run: small
  hearth restore --check house.tar              what is in it, and is it whole?

While it is made it takes a little more than its size on the disk it goes to, and twice its size
on one with FAT or exFAT, as most sticks have; whether there is room is looked at first. Ctrl-C
leaves nothing behind. Certificates and keys that the config names are not in it. docs/backup.md
tells more.";

/// How often it is looked how far a copy has come.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// The new file, or a folder for it [default: hearth-DATE.tar]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace the file if it is there, once the new one is whole
    #[arg(long)]
    replace: bool,
    /// Leave out what was recorded
    #[arg(long)]
    without_history: bool,
    #[command(flatten)]
    config: ConfigArgs,
    /// The folder of the databases, whatever the config says
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) async fn run(args: BackupArgs) -> anyhow::Result<()> {
    let config_path = &args.config.config;
    let config = read_config(config_path, args.data.as_deref())?;
    let now = Clock::start().now().utc;
    let target = target(args.file.as_deref(), &config, now);
    if target.exists() && !args.replace {
        let target = target.display();
        bail!("{target} is there already; name another file, or say --replace");
    }
    let interrupt = Interrupt::listen()?;
    let making = Making::begin(&target)?;
    let history = (!args.without_history).then_some(&*config.history.file);
    let mut files = settings(config_path, &making.folder)?;
    let (copies, checked) = databases(&config, history, &making, &interrupt).await?;
    files.extend(copies);
    let packed = files.iter().map(|(packed, _)| packed.clone()).collect();
    let manifest = Manifest::new(certs::host_name(), now, packed);
    let tar = making.folder.join("backup.tar");
    pack(&tar, &manifest, files, &interrupt)?;
    fs::rename(&tar, &target).with_context(|| format!("cannot make {}", target.display()))?;
    drop(making);
    sync_folder(&target)?;
    let size = fs::metadata(&target)?.len();
    writeln!(
        io::stdout(),
        "{} is written, {}, and was read back whole:\n{}{}",
        target.display(),
        megabytes(size),
        contents(&manifest),
        checked.map_or(String::new(), |checked| verified(&checked))
    )?;
    Ok(())
}

/// Who names the folder needs no config.
fn read_config(path: &Path, data: Option<&Path>) -> anyhow::Result<Config> {
    let mut config = match data {
        Some(_) if !path.exists() => Config::default(),
        _ => config::load_untested(path)?.0,
    };
    if let Some(data) = data {
        config.keep_data_in(data.to_owned());
    }
    let state = state::file(&config.data);
    ensure!(
        state.exists(),
        "there is no house in {}: --data DIR names the folder of its databases",
        config.data.display()
    );
    Ok(config)
}

fn target(file: Option<&Path>, config: &Config, now: UtcMillis) -> PathBuf {
    let zone = config.home.place().zone;
    let time = times::zoned(now, &zone).strftime("%Y-%m-%d-%H%M%S");
    let name = format!("hearth-{time}.tar");
    match file {
        None => name.into(),
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file.to_owned(),
    }
}

/// The config and its rules, copied, so that they do not change any more.
fn settings(config: &Path, to: &Path) -> anyhow::Result<Vec<(Packed, PathBuf)>> {
    if !config.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for (nth, file) in config::files(config).into_iter().enumerate() {
        let name = match file.file_name() {
            Some(rules) if nth > 0 => format!("{RULES}{}", rules.to_string_lossy()),
            _ => CONFIG.to_owned(),
        };
        let copy = to.join(package::flat(&name));
        fs::copy(&file, &copy).with_context(|| format!("cannot copy {}", file.display()))?;
        let mut progress = Progress::new("summed up");
        files.push((packed(&name, &copy, Vec::new(), &mut progress)?, copy));
    }
    Ok(files)
}

/// Copies of the databases, and what the history's own check says of its copy.
async fn databases(
    config: &Config,
    history: Option<&Path>,
    making: &Making,
    interrupt: &Interrupt,
) -> anyhow::Result<(Vec<(Packed, PathBuf)>, Option<Checked>)> {
    let state = state::file(&config.data);
    let mut all: Vec<(&str, &Path, &Kind)> = vec![(STATE, &state, &state::STATE)];
    match history {
        Some(file) if file.exists() => all.push((HISTORY, file, history::kind())),
        Some(file) => writeln!(
            io::stderr(),
            "warning: there is no history at {}",
            file.display()
        )?,
        None => {}
    }
    let mut whole = 0;
    for (_, file, _) in &all {
        whole += store::size(file).await.with_context(|| unreadable(file))?;
    }
    making.ensure_room(whole)?;
    let (mut files, mut checked) = (Vec::new(), None);
    for (name, file, kind) in all {
        let copied = making.folder.join(name);
        interrupt.or(copy(file, &copied)).await?;
        let examined = interrupt.or(examine(&copied)).await;
        let examined = examined.with_context(|| format!("the copy of {}", file.display()))?;
        if let Some(problem) = examined.problem(kind) {
            bail!("{}: {problem}", file.display());
        }
        if name == HISTORY {
            checked = interrupt.or(check(&copied)).await?;
        }
        let mut progress = interrupt.progress("summed up");
        let packed = packed(name, &copied, examined.rows, &mut progress);
        progress.clear();
        files.push((packed?, copied));
    }
    Ok((files, checked))
}

/// Lets SQLite look through a copy.
async fn examine(copied: &Path) -> anyhow::Result<store::Examined> {
    let mut progress = Progress::new("looked through");
    let mut examining = std::pin::pin!(store::examine(copied));
    let examined = loop {
        tokio::select! {
            examined = &mut examining => break examined,
            () = tokio::time::sleep(LOOK) => progress.wait(),
        }
    };
    progress.clear();
    Ok(examined?)
}

/// Looks whether every checksum in a copy of the history is right; none for one that an older
/// Hearth wrote.
async fn check(copied: &Path) -> anyhow::Result<Option<Checked>> {
    let whole = fs::metadata(copied)?.len();
    let mut progress = Progress::new("checked");
    let checked = history::check(copied, false, |behind| progress.tell(behind, whole)).await;
    progress.clear();
    match checked {
        Ok(checked) => Ok(Some(checked)),
        Err(ArchiveError::Old(_)) => Ok(None),
        Err(error) => Err(error).context("the copy of the history"),
    }
}

/// What was found in the copy of the history, in a sentence below the contents.
fn verified(checked: &Checked) -> String {
    let parts = checked.chunks + checked.blocks + checked.rollups;
    match checked.damage.len() as u64 {
        0 => format!(
            "\nAll checksums of the history are right, of {}.",
            counted(parts, "part")
        ),
        count => format!(
            "\nwarning: {} of {} of the history cannot be read, in the house as in this file: \
             `hearth history check` names them and puts right what can be.",
            count,
            counted(parts, "part")
        ),
    }
}

/// Copies a database, and tells how far it has come.
async fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let whole = store::size(from).await.with_context(|| unreadable(from))?;
    let mut progress = Progress::new("copied");
    let mut copying = std::pin::pin!(store::copy(from, to));
    let copied = loop {
        tokio::select! {
            copied = &mut copying => break copied,
            () = tokio::time::sleep(LOOK) => {
                let behind = fs::metadata(to).map_or(0, |file| file.len());
                progress.tell(behind, whole);
            }
        }
    };
    progress.clear();
    copied.with_context(|| format!("{} could not be copied", from.display()))
}

fn pack(
    tar: &Path,
    manifest: &Manifest,
    files: Vec<(Packed, PathBuf)>,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let files: Vec<PathBuf> = files.into_iter().map(|(_, file)| file).collect();
    let mut progress = interrupt.progress("packed");
    let written = package::write(tar, manifest, &files, &mut progress);
    progress.clear();
    ensure!(progress.go_on().is_ok(), INTERRUPTED);
    written?;
    for file in files {
        fs::remove_file(file)?;
    }
    let mut progress = interrupt.progress("read back");
    let read = package::unpack(tar, None, &mut progress);
    progress.clear();
    // The last moment for it: from here on there is a backup.
    ensure!(progress.go_on().is_ok(), INTERRUPTED);
    read.context("what was written could not be read back")
}

fn packed(
    name: &str,
    file: &Path,
    rows: Vec<(String, u64)>,
    progress: &mut Progress,
) -> anyhow::Result<Packed> {
    let sum = package::sum_of(file, progress);
    ensure!(progress.go_on().is_ok(), INTERRUPTED);
    let (bytes, sha256) = sum.with_context(|| unreadable(file))?;
    Ok(Packed {
        name: name.to_owned(),
        bytes,
        sha256,
        rows,
    })
}

fn unreadable(file: &Path) -> String {
    let file = file.display();
    format!("cannot read {file}; try with sudo, or as the user that runs hearth")
}

/// Makes sure that a new name survives a power cut.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// What is in a backup, a line for each file or kind of files.
pub(super) fn contents(manifest: &Manifest) -> String {
    let mut lines = Vec::new();
    for file in &manifest.files {
        let (size, rows) = (megabytes(file.bytes), |table, one| {
            counted(file.rows_of(table), one)
        });
        match file.name.as_str() {
            STATE => lines.push(format!("  {STATE}, {size}: {}", rows("users", "user"))),
            HISTORY => {
                let (series, chunks) = (rows("series", "series"), rows("chunks", "chunk"));
                let blocks = rows("blocks", "block");
                lines.push(format!(
                    "  {HISTORY}, {size}: {series} in {chunks} and {blocks}"
                ));
            }
            name => lines.push(format!("  {name}")),
        }
    }
    lines.join("\n")
}

pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_counted() {
        let packed = |name: &str, bytes, rows: &[(&str, u64)]| Packed {
            name: name.to_owned(),
            bytes,
            sha256: String::new(),
            rows: rows
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        };
        let history = [("series", 12), ("chunks", 900), ("blocks", 1)];
        let files = vec![
            packed(CONFIG, 300, &[]),
            packed(STATE, 53_248, &[("users", 1)]),
            packed(HISTORY, 35_040_000, &history),
        ];
        let manifest = Manifest::new("pi".to_owned(), UtcMillis(0), files);
        assert_eq!(
            contents(&manifest),
            "  hearth.toml\n  state.db, 54 kB: 1 user\n  \
             history.db, 35.0 MB: 12 series in 900 chunks and 1 block"
        );
    }
}
