//! What shows that a file is another one than before, without reading it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Device, inode, size, and time of change; nothing if there is no such file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(Option<(u64, u64, u64, i64, i64)>);

impl Stamp {
    /// The file's, as it is now.
    pub fn of(path: &Path) -> Stamp {
        let stamp = |file: std::fs::Metadata| {
            let (seconds, nanos) = (file.mtime(), file.mtime_nsec());
            (file.dev(), file.ino(), file.size(), seconds, nanos)
        };
        Stamp(std::fs::metadata(path).ok().map(stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_or_replaced_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let missing = Stamp::of(&file);
        std::fs::write(&file, "a").unwrap();
        let first = Stamp::of(&file);
        assert!(first != missing && first == Stamp::of(&file));
        std::fs::write(&file, "ab").unwrap();
        let longer = Stamp::of(&file);
        assert_ne!(longer, first);
        let other = folder.path().join("other");
        std::fs::write(&other, "cd").unwrap();
        std::fs::rename(&other, &file).unwrap();
        assert_ne!(Stamp::of(&file), longer);
    }
}
