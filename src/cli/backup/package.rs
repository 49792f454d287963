//! A backup as a file: a plain tar, so that it can be opened without Hearth too.
//!
//! The manifest comes first. What is read is compared with what it says.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use rustix::fs::{Advice, FallocateFlags, fadvise, fallocate};
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, Header};

use super::manifest::{self, Manifest, Packed};
use crate::cli::progress::Progress;

/// So much is read at once.
const PIECE: usize = 256 * 1024;
/// No manifest is longer.
const MOST_OF_MANIFEST: u64 = 4 * 1024 * 1024;

/// So much is packed before its place is given back.
const GIVEN_BACK: u64 = 1 << 20;

/// Writes a backup of these files, the first one first, and syncs it. They are used up: what is
/// packed of them leaves its place on the disk, where the file system can do that.
///
/// # Errors
/// If it cannot be written, or a file has changed meanwhile.
pub fn write(
    path: &Path,
    manifest: &Manifest,
    files: &[PathBuf],
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let out = private(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut tar = Builder::new(io::BufWriter::with_capacity(PIECE, out));
    let time = u64::try_from(manifest.made.0 / 1000).unwrap_or(0);
    let text = serde_json::to_vec_pretty(manifest)?;
    let mut header = header(text.len() as u64, time);
    tar.append_data(&mut header, manifest::NAME, &text[..])?;
    let whole = bytes(manifest);
    let mut behind = 0;
    for (packed, file) in manifest.files.iter().zip(files) {
        let source = File::options().read(true).write(true).open(file);
        let file = source.with_context(|| format!("cannot read {}", file.display()))?;
        let source = UsedUp {
            file,
            behind: 0,
            given_back: 0,
        };
        let mut counted = Counted {
            source: source.take(packed.bytes),
            behind: &mut behind,
            whole,
            progress: &mut *progress,
        };
        let mut header = self::header(packed.bytes, time);
        tar.append_data(&mut header, &packed.name, &mut counted)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let out = tar
        .into_inner()
        .and_then(|buffered| Ok(buffered.into_inner()?));
    out.and_then(|file| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Opens a backup and reads what it says of itself.
///
/// # Errors
/// If it cannot be read, or is no backup.
pub fn open(path: &Path) -> anyhow::Result<Manifest> {
    let mut tar = Archive::new(file(path)?);
    let mut manifest = None;
    // A tar's first file; whatever else it may be is no backup.
    if let Some(Ok(mut entry)) = tar.entries()?.next() {
        manifest = read_manifest(&mut entry).with_context(|| no_backup(path))?;
    }
    manifest.with_context(|| no_backup(path))
}

/// Reads a backup to its end, and compares it with what it says of itself. Where `folder` is
/// given, the files are put there, flat: a `/` in their names becomes `_`.
///
/// # Errors
/// If something is missing or is not what was packed.
pub fn unpack(path: &Path, folder: Option<&Path>, progress: &mut Progress) -> anyhow::Result<()> {
    let source = file(path)?;
    // What the disk has, not what memory still knows of it.
    let _ = fadvise(&source, 0, None, Advice::DontNeed);
    let mut tar = Archive::new(io::BufReader::with_capacity(PIECE, source));
    let mut entries = tar.entries()?;
    let first = entries.next().with_context(|| no_backup(path))?;
    let manifest = read_manifest(&mut first?)?.with_context(|| no_backup(path))?;
    let (whole, mut behind) = (bytes(&manifest), 0);
    for packed in &manifest.files {
        let entry = entries
            .next()
            .with_context(|| format!("{} ends before {}", path.display(), packed.name))?;
        let mut entry = entry.with_context(|| damaged(path, packed))?;
        let name = entry.path()?.to_string_lossy().into_owned();
        ensure!(
            name == packed.name && entry.header().entry_type().is_file(),
            "{} has {name} in the place of {}",
            path.display(),
            packed.name
        );
        let to = folder.map(|folder| private(&folder.join(flat(&packed.name))));
        let mut to = to.transpose().context("cannot unpack the backup")?;
        let counted = Counted {
            source: &mut entry,
            behind: &mut behind,
            whole,
            progress: &mut *progress,
        };
        let sum = sum(counted, to.as_mut()).with_context(|| damaged(path, packed))?;
        if sum != (packed.bytes, packed.sha256.clone()) {
            bail!("{}: it is not what was packed", damaged(path, packed));
        }
        if let Some(file) = to {
            file.sync_all().context("cannot unpack the backup")?;
        }
    }
    Ok(())
}

/// A small file of text in a backup.
///
/// # Errors
/// If it is not there, or is no text.
pub fn text_of(path: &Path, name: &str) -> anyhow::Result<String> {
    let mut tar = Archive::new(file(path)?);
    for entry in tar.entries()? {
        let entry = entry?;
        if entry.path()?.as_os_str() == name {
            let mut text = String::new();
            entry.take(MOST_OF_MANIFEST).read_to_string(&mut text)?;
            return Ok(text);
        }
    }
    bail!("{} has no {name}", path.display())
}

/// The name of a file where all lie in one folder.
pub fn flat(name: &str) -> String {
    name.replace('/', "_")
}

/// A file's length, and its SHA-256 in hexadecimal digits.
///
/// # Errors
/// If it cannot be read.
pub fn sum_of(file: &Path, progress: &mut Progress) -> io::Result<(u64, String)> {
    let source = File::open(file)?;
    let whole = source.metadata()?.len();
    let counted = Counted {
        source,
        behind: &mut 0,
        whole,
        progress,
    };
    sum(counted, None)
}

/// Gives the disk back the place of these bytes of a file, which are zeros from then on.
///
/// # Errors
/// If the file system cannot do it.
pub fn give_back(file: &File, from: u64, bytes: u64) -> io::Result<()> {
    let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(fallocate(file, how, from, bytes)?)
}

/// A file whose bytes nobody needs once they were read.
struct UsedUp {
    file: File,
    behind: u64,
    given_back: u64,
}

impl Read for UsedUp {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let before = self.behind;
        let read = self.file.read(piece)?;
        self.behind += read as u64;
        // What was read last may not be written yet; what was before is.
        if before - self.given_back >= GIVEN_BACK {
            // Where it cannot be done, the file is removed at the end.
            let _ = give_back(&self.file, self.given_back, before - self.given_back);
            self.given_back = before;
        }
        Ok(read)
    }
}

fn sum(mut from: impl Read, mut to: Option<&mut File>) -> io::Result<(u64, String)> {
    let mut sum = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => &piece[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        sum.update(read);
        bytes += read.len() as u64;
        if let Some(to) = &mut to {
            to.write_all(read)?;
        }
    }
    let digits = sum
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok((bytes, digits))
}

/// Nothing if it is another file.
fn read_manifest(entry: &mut tar::Entry<'_, impl Read>) -> anyhow::Result<Option<Manifest>> {
    if entry.path()?.as_os_str() != manifest::NAME {
        return Ok(None);
    }
    let mut text = Vec::new();
    entry.take(MOST_OF_MANIFEST).read_to_end(&mut text)?;
    let manifest = Manifest::read(&text).map_err(anyhow::Error::msg)?;
    Ok(Some(manifest))
}

fn file(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A new file for its owner alone: there are hashes of passwords in it.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

fn header(bytes: u64, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(time);
    header
}

fn bytes(manifest: &Manifest) -> u64 {
    manifest.files.iter().map(|file| file.bytes).sum()
}

fn no_backup(path: &Path) -> String {
    format!("{} is no backup of Hearth", path.display())
}

fn damaged(path: &Path, packed: &Packed) -> String {
    format!("{} is damaged in {}", path.display(), packed.name)
}

/// Tells how much of the whole was read.
struct Counted<'a, R> {
    source: R,
    behind: &'a mut u64,
    whole: u64,
    progress: &'a mut Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        self.progress.go_on()?;
        let read = self.source.read(piece)?;
        *self.behind += read as u64;
        self.progress.reach(*self.behind, self.whole);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
