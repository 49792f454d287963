//! `hearth backup`: the house's databases and config in one file, beside a running gateway.
//!
//! Databases are copied by SQLite itself, each as of one moment. The file is written under
//! another name, synced, read back from the disk, and gets its name last.

pub(super) mod manifest;
pub(super) mod package;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::history::counted;
use super::progress::Progress;
use super::{ConfigArgs, certs, times};
use crate::clock::{Clock, UtcMillis};
use crate::config::{self, Config};
use crate::database::{Kind, folder, state, store};
use crate::history;
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

It takes twice its size on the disk while it is made. Certificates and keys that the config
names are not in it. docs/backup.md tells more.";

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
    let making = Making::begin(&target)?;
    let history = (!args.without_history).then_some(&*config.history.file);
    let mut files = settings(config_path, &making.folder)?;
    files.extend(databases(&config, history, &making.folder).await?);
    let packed = files.iter().map(|(packed, _)| packed.clone()).collect();
    let manifest = Manifest::new(certs::host_name(), now, packed);
    let tar = making.folder.join("backup.tar");
    pack(&tar, &manifest, files)?;
    fs::rename(&tar, &target).with_context(|| format!("cannot make {}", target.display()))?;
    drop(making);
    sync_folder(&target)?;
    let size = fs::metadata(&target)?.len();
    writeln!(
        io::stdout(),
        "{} is written, {}, and was read back whole:\n{}",
        target.display(),
        megabytes(size),
        contents(&manifest)
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
        files.push((packed(&name, &copy, Vec::new())?, copy));
    }
    Ok(files)
}

async fn databases(
    config: &Config,
    history: Option<&Path>,
    to: &Path,
) -> anyhow::Result<Vec<(Packed, PathBuf)>> {
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
    ensure_room(to, 2 * whole)?;
    let mut files = Vec::new();
    for (name, file, kind) in all {
        let copied = to.join(name);
        copy(file, &copied).await?;
        let examined = store::examine(&copied).await;
        let examined = examined.with_context(|| format!("the copy of {}", file.display()))?;
        if let Some(problem) = examined.problem(kind) {
            bail!("{}: {problem}", file.display());
        }
        files.push((packed(name, &copied, examined.rows)?, copied));
    }
    Ok(files)
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

fn pack(tar: &Path, manifest: &Manifest, files: Vec<(Packed, PathBuf)>) -> anyhow::Result<()> {
    let files: Vec<PathBuf> = files.into_iter().map(|(_, file)| file).collect();
    let mut progress = Progress::new("packed");
    let written = package::write(tar, manifest, &files, &mut progress);
    progress.clear();
    written?;
    for file in files {
        fs::remove_file(file)?;
    }
    let mut progress = Progress::new("read back");
    let read = package::unpack(tar, None, &mut progress);
    progress.clear();
    read.context("what was written could not be read back")
}

fn packed(name: &str, file: &Path, rows: Vec<(String, u64)>) -> anyhow::Result<Packed> {
    let (bytes, sha256) = package::sum_of(file).with_context(|| unreadable(file))?;
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

/// Refuses to begin what the disk cannot hold.
pub(super) fn ensure_room(folder: &Path, bytes: u64) -> anyhow::Result<()> {
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        return Ok(()); // writing will tell
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    ensure!(
        free > bytes,
        "the disk of {} has {} left, and {} are needed",
        folder.display(),
        megabytes(free),
        megabytes(bytes)
    );
    Ok(())
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

/// The folder in which a backup is made; it is removed at the end, however that comes.
struct Making {
    folder: PathBuf,
    _claimed: folder::InUse,
}

impl Making {
    fn begin(target: &Path) -> anyhow::Result<Making> {
        let mut name = target.as_os_str().to_owned();
        name.push(".making");
        let path = PathBuf::from(name);
        let cannot = || format!("cannot make {}", path.display());
        let made = DirBuilder::new().mode(0o700).create(&path);
        if let Err(error) = made
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error).with_context(cannot);
        }
        let Some(claimed) = folder::claim(&path).with_context(cannot)? else {
            bail!("{} is being made by somebody else", target.display());
        };
        // Of one that was cut off.
        for left in fs::read_dir(&path).with_context(cannot)? {
            fs::remove_file(left?.path()).with_context(cannot)?;
        }
        Ok(Making {
            folder: path,
            _claimed: claimed,
        })
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // What is left is in nobody's way, and goes with the next one.
        let _ = fs::remove_dir_all(&self.folder);
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
