//! What is in a backup, as its first file says.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMillis;
use crate::database::store::Examined;

/// The name of the file that says it.
pub const NAME: &str = "hearth-backup.json";
/// Grows when older programs could not restore what newer ones write.
const FORMAT: u32 = 1;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The version of the program that made it.
    pub hearth: String,
    /// The computer's name.
    pub host: String,
    pub made: UtcMillis,
    /// In the order in which they follow.
    pub files: Vec<Packed>,
}

/// A file in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// Such as `history.db` or `rules.d/night.toml`.
    pub name: String,
    pub bytes: u64,
    /// In hexadecimal digits.
    pub sha256: String,
    /// Of a database: the rows of each table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<(String, u64)>,
}

impl Manifest {
    pub fn new(host: String, made: UtcMillis, files: Vec<Packed>) -> Manifest {
        Manifest {
            format: FORMAT,
            hearth: env!("CARGO_PKG_VERSION").to_owned(),
            host,
            made,
            files,
        }
    }

    /// Reads it, and refuses what must not be unpacked.
    ///
    /// # Errors
    /// Why it cannot be used, to stand after "this is no backup of Hearth: ".
    pub fn read(bytes: &[u8]) -> Result<Manifest, String> {
        let manifest: Manifest =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if manifest.format > FORMAT {
            return Err(format!(
                "it was made by hearth {}, and this one is older; update hearth first",
                manifest.hearth
            ));
        }
        let mut names: Vec<&str> = manifest.files.iter().map(|file| &*file.name).collect();
        if let Some(name) = names.iter().find(|name| !is_known(name)) {
            return Err(format!("it holds {name:?}, which no backup has"));
        }
        names.sort_unstable();
        match names.windows(2).find(|two| two[0] == two[1]) {
            Some(two) => Err(format!("it holds {:?} twice", two[0])),
            None => Ok(manifest),
        }
    }

    pub fn file(&self, name: &str) -> Option<&Packed> {
        self.files.iter().find(|file| file.name == name)
    }
}

impl Packed {
    /// Whether a database is the one that was packed.
    pub fn has_rows_of(&self, examined: &Examined) -> bool {
        self.rows == examined.rows
    }

    /// Rows of a table; zero without it.
    pub fn rows_of(&self, table: &str) -> u64 {
        let mut rows = self.rows.iter();
        rows.find(|(name, _)| name == table).map_or(0, |row| row.1)
    }
}

/// Nothing else is unpacked, wherever a backup comes from.
fn is_known(name: &str) -> bool {
    let is_rules = |file: &str| {
        let stem = file.strip_suffix(".toml").unwrap_or_default();
        !stem.is_empty() && !stem.starts_with('.') && !file.contains(['/', '\0'])
    };
    matches!(name, super::CONFIG | super::STATE | super::HISTORY)
        || name.strip_prefix(super::RULES).is_some_and(is_rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(name: &str) -> Packed {
        Packed {
            name: name.to_owned(),
            bytes: 1,
            sha256: String::new(),
            rows: vec![("users".to_owned(), 2)],
        }
    }

    fn read(names: &[&str]) -> Result<Manifest, String> {
        let files = names.iter().map(|name| packed(name)).collect();
        let manifest = Manifest::new("pi".to_owned(), UtcMillis(5), files);
        Manifest::read(&serde_json::to_vec(&manifest).unwrap())
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let names = [
            "hearth.toml",
            "rules.d/night.toml",
            "state.db",
            "history.db",
        ];
        let manifest = read(&names).unwrap();
        assert_eq!(manifest.files.len(), 4);
        assert_eq!(manifest.file("state.db").unwrap().rows_of("users"), 2);
        assert_eq!(manifest.made, UtcMillis(5));
    }

    #[test]
    fn files_that_would_go_elsewhere_are_refused() {
        for name in [
            "../etc/passwd",
            "/etc/passwd",
            "rules.d/../../x.toml",
            "rules.d/.toml",
            "rules.d/x",
            "state.db-wal",
        ] {
            assert!(read(&[name]).is_err(), "{name}");
        }
        assert!(
            read(&["state.db", "state.db"])
                .unwrap_err()
                .contains("twice")
        );
    }

    #[test]
    fn a_later_format_is_refused() {
        let text = r#"{"format":2,"hearth":"9.9","host":"","made":0,"files":[]}"#;
        assert!(Manifest::read(text.as_bytes()).unwrap_err().contains("9.9"));
        assert!(Manifest::read(b"{").is_err());
    }
}
