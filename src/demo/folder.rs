//! The demo's folder: the config that a user may change, the links to the
//! simulated ports, and the databases.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Where a board's port is found, within the folder.
pub fn port(board: &str) -> PathBuf {
    Path::new("dev").join(board)
}

/// A prepared folder, ours alone until it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Whether the user has changed the config.
    pub edited: bool,
    _lock: File,
}

impl Folder {
    /// Makes what is missing, and brings the config up to date unless the user
    /// has changed it. Blocks on the disk.
    ///
    /// # Errors
    /// The folder cannot be written, or another demo runs in it.
    pub fn prepare(path: &Path, example: &str) -> anyhow::Result<Folder> {
        fs::create_dir_all(path.join("dev"))
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        let lock = lock(path)?;
        let mut folder = Folder {
            path: path.to_owned(),
            edited: false,
            _lock: lock,
        };
        let written = folder.write_config(example);
        folder.edited =
            written.with_context(|| format!("cannot write {}", folder.config().display()))?;
        Ok(folder)
    }

    /// The config that the demo runs with.
    pub fn config(&self) -> PathBuf {
        self.path.join("hearth.toml")
    }

    /// Where a board's port is found.
    pub fn port(&self, board: &str) -> PathBuf {
        self.path.join(port(board))
    }

    /// Returns whether the user's own version was found and kept.
    fn write_config(&self, example: &str) -> io::Result<bool> {
        // What we wrote last, so that a later Hearth can tell its own old
        // example from one that was edited.
        let original = self.path.join(".hearth.toml.original");
        let current = read(&self.config())?;
        let edited = current.is_some() && current != read(&original)?;
        if edited && current.as_deref() != Some(example) {
            return Ok(true);
        }
        fs::write(original, example)?;
        fs::write(self.config(), example)?;
        Ok(false)
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let name = path.join("lock");
    let file = File::create(&name).with_context(|| format!("cannot write {}", name.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another hearth demo runs in {}: end it, or give this one a folder of its own with --data",
            path.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", name.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path) -> String {
        fs::read_to_string(folder.join("hearth.toml")).unwrap()
    }

    #[test]
    fn an_unchanged_example_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        for example in ["# one", "# two"] {
            let prepared = Folder::prepare(folder.path(), example).unwrap();
            assert!(!prepared.edited);
            assert_eq!(config(folder.path()), example);
        }
    }

    #[test]
    fn an_edited_config_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        drop(Folder::prepare(folder.path(), "# one").unwrap());
        fs::write(folder.path().join("hearth.toml"), "# mine").unwrap();
        for example in ["# one", "# two", "# two"] {
            let prepared = Folder::prepare(folder.path(), example).unwrap();
            assert!(prepared.edited);
            assert_eq!(config(folder.path()), "# mine");
        }
    }

    #[test]
    fn a_config_that_was_there_before_us_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hearth.toml"), "# mine").unwrap();
        let prepared = Folder::prepare(folder.path(), "# one").unwrap();
        assert!(prepared.edited);
        assert_eq!(config(folder.path()), "# mine");
    }

    #[test]
    fn a_deleted_config_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        drop(Folder::prepare(folder.path(), "# one").unwrap());
        fs::remove_file(folder.path().join("hearth.toml")).unwrap();
        drop(Folder::prepare(folder.path(), "# one").unwrap());
        assert_eq!(config(folder.path()), "# one");
    }

    #[test]
    fn two_demos_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::prepare(folder.path(), "# one").unwrap();
        let second = Folder::prepare(folder.path(), "# one").unwrap_err();
        assert!(second.to_string().contains("--data"), "{second}");
        drop(first);
        assert!(Folder::prepare(folder.path(), "# one").is_ok());
    }
}
