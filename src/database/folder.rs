//! Who uses the house's folder: a gateway, or somebody who puts other files there.
//!
//! The lock is the kernel's, on the folder itself: it leaves no file, and ends with the
//! program, however that ends.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// A folder in use, until this is dropped.
#[derive(Debug)]
pub struct InUse {
    _folder: File,
}

/// Says that the files of the folder are being used. `None` while somebody replaces them.
///
/// # Errors
/// If the folder cannot be opened.
pub fn use_files(folder: &Path) -> io::Result<Option<InUse>> {
    lock(folder, FlockOperation::NonBlockingLockShared)
}

/// Keeps everybody else from using the files of the folder. `None` while somebody does.
///
/// # Errors
/// If the folder cannot be opened.
pub fn claim(folder: &Path) -> io::Result<Option<InUse>> {
    lock(folder, FlockOperation::NonBlockingLockExclusive)
}

fn lock(folder: &Path, how: FlockOperation) -> io::Result<Option<InUse>> {
    let folder = File::open(folder)?;
    match flock(&folder, how) {
        Ok(()) => Ok(Some(InUse { _folder: folder })),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_use_a_folder_and_one_alone_claims_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let users = [use_files(folder).unwrap(), use_files(folder).unwrap()];
        assert!(users.iter().all(Option::is_some));
        assert!(claim(folder).unwrap().is_none());
        drop(users);
        let claimed = claim(folder).unwrap();
        assert!(claimed.is_some());
        assert!(use_files(folder).unwrap().is_none());
        drop(claimed);
        assert!(use_files(folder).unwrap().is_some());
    }
}
