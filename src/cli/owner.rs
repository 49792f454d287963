//! Whose the house's files are.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

/// What root makes in the house's folder is for the user that runs hearth, who owns it.
pub(super) fn give_away(file: &Path) -> anyhow::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::metadata(folder.unwrap_or(Path::new(".")))?;
    let made = std::fs::metadata(file)?;
    if made.uid() == 0 && folder.uid() != 0 {
        std::os::unix::fs::chown(file, Some(folder.uid()), Some(folder.gid()))
            .with_context(|| format!("cannot give {} to its folder's owner", file.display()))?;
    }
    Ok(())
}
