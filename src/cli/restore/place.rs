//! Puts new files in the place of old ones: all of them, or none.
//!
//! The new files are brought beside the old ones first, with owner and mode. Then each takes
//! its place by a rename; what was there has got a second name before, in a folder aside.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A file that will take another's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub from: PathBuf,
    pub to: PathBuf,
    /// The folder for what was there.
    pub aside: PathBuf,
    pub mode: Mode,
}

/// Who may use a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its folder's owner alone.
    Secret,
    /// Its folder's owner; others as they may use the folder.
    Database,
    /// As the file that was there; without one, as a database.
    Settings,
}

/// What SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Moves that belong together.
#[derive(Debug, Default)]
pub struct Swap {
    /// New files beside their places.
    ready: Vec<(PathBuf, Move)>,
    /// Files that go, and where to.
    retired: Vec<(PathBuf, PathBuf)>,
    /// What was done, to be undone: where a file is now, and where it was.
    done: Vec<(PathBuf, PathBuf)>,
    /// New files in places where nothing was.
    added: Vec<PathBuf>,
    is_carried_out: bool,
}

impl Swap {
    pub fn new() -> Swap {
        Swap::default()
    }

    /// Brings a new file beside its place. Nothing else is changed.
    ///
    /// # Errors
    /// If it cannot be written there, or cannot get its owner.
    pub fn add(&mut self, one: Move) -> anyhow::Result<()> {
        let cannot = || format!("cannot prepare {}", one.to.display());
        let folder = folder_of(&one.to);
        fs::create_dir_all(folder).with_context(cannot)?;
        let name = one.to.file_name().unwrap_or_default().to_string_lossy();
        let near = one.to.with_file_name(format!(".{name}.restoring"));
        self.ready.push((near.clone(), one.clone()));
        if fs::rename(&one.from, &near).is_err() {
            fs::copy(&one.from, &near).with_context(cannot)?;
        }
        let folder = fs::metadata(folder).with_context(cannot)?;
        let there = fs::metadata(&one.to).ok();
        let like = there.filter(|_| one.mode == Mode::Settings);
        let (mode, owner) = match &like {
            Some(there) => (there.mode() & 0o777, there),
            None if one.mode == Mode::Secret => (0o600, &folder),
            None => (folder.mode() & 0o666, &folder),
        };
        fs::set_permissions(&near, Permissions::from_mode(mode)).with_context(cannot)?;
        let made = fs::metadata(&near).with_context(cannot)?;
        if (made.uid(), made.gid()) != (owner.uid(), owner.gid()) {
            chown(&near, Some(owner.uid()), Some(owner.gid()))
                .with_context(|| format!("{}, try with sudo", cannot()))?;
        }
        File::open(&near)
            .and_then(|file| file.sync_all())
            .with_context(cannot)
    }

    /// A file that goes aside, unless something takes its place.
    ///
    /// # Errors
    /// If it has no name.
    pub fn retire(&mut self, file: &Path, aside: &Path) -> anyhow::Result<()> {
        let name = file.file_name().context("a file without a name")?;
        if !self.ready.iter().any(|(_, one)| one.to == file) {
            self.retired.push((file.to_owned(), aside.join(name)));
        }
        Ok(())
    }

    /// Puts everything in its place; says the folders that have what was there.
    ///
    /// # Errors
    /// If a file cannot be moved; then everything is as it was.
    pub fn carry_out(mut self) -> anyhow::Result<Vec<PathBuf>> {
        let outcome = self.try_to();
        if outcome.is_err() {
            self.undo();
        }
        self.is_carried_out = outcome.is_ok();
        outcome
    }

    fn try_to(&mut self) -> anyhow::Result<Vec<PathBuf>> {
        for (file, aside) in self.retired.clone() {
            self.move_aside(&file, &aside)?;
        }
        for (near, one) in self.ready.clone() {
            let name = one.to.file_name().unwrap_or_default();
            // The log of the old one must not meet the new one.
            for end in BESIDE {
                let mut beside = name.to_owned();
                beside.push(end);
                let file = one.to.with_file_name(&beside);
                if file.exists() {
                    self.move_aside(&file, &one.aside.join(beside))?;
                }
            }
            let cannot = || format!("cannot replace {}", one.to.display());
            let aside = one.aside.join(name);
            if one.to.exists() {
                make_like(&one.aside, folder_of(&one.to)).with_context(cannot)?;
                // A second name, so that there is no moment without the file.
                if fs::hard_link(&one.to, &aside).is_err() {
                    fs::rename(&one.to, &aside).with_context(cannot)?;
                }
                self.done.push((aside, one.to.clone()));
            } else {
                self.added.push(one.to.clone());
            }
            fs::rename(&near, &one.to).with_context(cannot)?;
            File::open(folder_of(&one.to))?.sync_all()?;
        }
        let mut folders: Vec<PathBuf> = self
            .done
            .iter()
            .map(|(aside, _)| folder_of(aside).to_owned())
            .collect();
        folders.sort();
        folders.dedup();
        for folder in &folders {
            File::open(folder)?.sync_all()?;
        }
        Ok(folders)
    }

    fn move_aside(&mut self, file: &Path, aside: &Path) -> anyhow::Result<()> {
        let cannot = || format!("cannot move {} aside", file.display());
        make_like(folder_of(aside), folder_of(file)).with_context(cannot)?;
        fs::rename(file, aside).with_context(cannot)?;
        self.done.push((aside.to_owned(), file.to_owned()));
        Ok(())
    }

    /// As far as it can be; what cannot stays aside, and was named.
    fn undo(&mut self) {
        for file in &self.added {
            let _ = fs::remove_file(file);
        }
        for (aside, file) in self.done.drain(..).rev() {
            let _ = fs::rename(&aside, &file);
            // Two names of one file are none the less for a rename.
            let _ = fs::remove_file(&aside);
        }
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        if !self.is_carried_out {
            for (near, _) in &self.ready {
                let _ = fs::remove_file(near);
            }
        }
    }
}

/// A folder for whoever may use another one.
fn make_like(folder: &Path, other: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let other = fs::metadata(other)?;
    fs::set_permissions(folder, Permissions::from_mode(other.mode() & 0o777))?;
    let made = fs::metadata(folder)?;
    if (made.uid(), made.gid()) != (other.uid(), other.gid()) {
        chown(folder, Some(other.uid()), Some(other.gid()))?;
    }
    Ok(())
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &Path) -> Option<String> {
        fs::read_to_string(file).ok()
    }

    fn new(folder: &Path, name: &str, mode: Mode) -> Move {
        let from = folder.join("staged").join(name);
        fs::create_dir_all(folder_of(&from)).unwrap();
        fs::write(&from, format!("new {name}")).unwrap();
        Move {
            from,
            to: folder.join("house").join(name),
            aside: folder.join("house/before"),
            mode,
        }
    }

    fn house() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let house = folder.path().join("house");
        fs::create_dir(&house).unwrap();
        fs::set_permissions(&house, Permissions::from_mode(0o750)).unwrap();
        for name in ["state.db", "state.db-wal", "old.toml"] {
            fs::write(house.join(name), format!("old {name}")).unwrap();
        }
        (folder, house)
    }

    #[test]
    fn what_was_there_is_aside_and_the_new_in_its_place() {
        let (folder, house) = house();
        let mut swap = Swap::new();
        swap.add(new(folder.path(), "state.db", Mode::Secret))
            .unwrap();
        swap.add(new(folder.path(), "history.db", Mode::Database))
            .unwrap();
        swap.retire(&house.join("old.toml"), &house.join("before"))
            .unwrap();
        assert_eq!(read(&house.join("state.db")).unwrap(), "old state.db");
        assert_eq!(swap.carry_out().unwrap(), [house.join("before")]);
        for (name, mode) in [("state.db", 0o600), ("history.db", 0o640)] {
            assert_eq!(read(&house.join(name)).unwrap(), format!("new {name}"));
            let found = fs::metadata(house.join(name)).unwrap().mode();
            assert_eq!(found & 0o777, mode, "{name}");
        }
        for name in ["state.db", "state.db-wal", "old.toml"] {
            let aside = house.join("before").join(name);
            assert_eq!(read(&aside).unwrap(), format!("old {name}"));
        }
        assert!(!house.join("state.db-wal").exists() && !house.join("old.toml").exists());
        let names = fs::read_dir(&house).unwrap().count();
        assert_eq!(names, 3, "nothing else is left");
    }

    #[test]
    fn if_one_cannot_be_moved_all_are_as_before() {
        let (folder, house) = house();
        let mut swap = Swap::new();
        swap.add(new(folder.path(), "added.db", Mode::Database))
            .unwrap();
        swap.add(new(folder.path(), "state.db", Mode::Secret))
            .unwrap();
        swap.add(new(folder.path(), "history.db", Mode::Database))
            .unwrap();
        // Nothing goes over a folder.
        fs::create_dir_all(house.join("history.db/full")).unwrap();
        fs::create_dir_all(house.join("before/history.db/full")).unwrap();
        assert!(swap.carry_out().is_err());
        assert_eq!(read(&house.join("state.db")).unwrap(), "old state.db");
        assert_eq!(
            read(&house.join("state.db-wal")).unwrap(),
            "old state.db-wal"
        );
        assert!(!house.join("added.db").exists());
        assert!(!house.join(".state.db.restoring").exists());
    }
}
