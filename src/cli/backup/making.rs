//! The folder in which a backup is made, and whether the disk has room for it.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use super::megabytes;
use super::package::give_back;
use crate::database::folder;

/// So many times it is tried to remove it: what is still being written puts something there.
const TRIES: u32 = 50;
/// A disk that has no more than this left is full for others.
const MARGIN: u64 = 16 << 20;

/// The folder in which a backup is made; it is removed at the end, however that comes.
pub(super) struct Making {
    pub folder: PathBuf,
    _claimed: folder::InUse,
}

impl Making {
    pub fn begin(target: &Path) -> anyhow::Result<Making> {
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

    /// Refuses to begin what the disk cannot hold: copies of so many bytes, and the file that
    /// is made of them.
    pub fn ensure_room(&self, bytes: u64) -> anyhow::Result<()> {
        let needed = match self.gives_back() {
            true => bytes + bytes / 16 + MARGIN,
            false => 2 * bytes + MARGIN,
        };
        ensure_room(&self.folder, needed)
    }

    /// Whether the file system takes back the place of what was packed.
    fn gives_back(&self) -> bool {
        let probe = self.folder.join("probe");
        let tried = || {
            fs::write(&probe, [1; 1 << 16])?;
            let file = File::options().read(true).write(true).open(&probe)?;
            give_back(&file, 0, 1 << 16)
        };
        let tried = tried().is_ok();
        // If it cannot be removed, nothing else can be written there either.
        let _ = fs::remove_file(&probe);
        tried
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // What is left is in nobody's way, and goes with the next one.
        for _ in 0..TRIES {
            if fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists() {
                break;
            }
        }
    }
}

/// Refuses to begin what the disk cannot hold.
pub(in crate::cli) fn ensure_room(folder: &Path, bytes: u64) -> anyhow::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_cannot_hold_is_not_begun_and_both_sizes_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let making = Making::begin(&folder.path().join("house.tar")).unwrap();
        making.ensure_room(1).unwrap();
        let error = making.ensure_room(u64::MAX / 4).unwrap_err().to_string();
        let error = error.replace(folder.path().to_str().unwrap(), "FOLDER");
        assert!(
            error.starts_with("the disk of FOLDER/house.tar.making has "),
            "{error}"
        );
        let sizes = error.matches(" MB").count();
        assert_eq!(sizes, 2, "{error}");
        let begun = making.folder.clone();
        drop(making);
        assert!(!begun.exists());
    }
}
