//! Where the history is kept if not in the file: `postgres://hearth@db.example/house`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use thiserror::Error;

const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

/// A PostgreSQL database and who asks there. It is shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    shown: String,
    /// A file that holds the password.
    password: Option<PathBuf>,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WrongAddress {
    #[error("it does not begin with postgres://")]
    NoScheme,
    #[error("history is not kept in {0}")]
    Scheme(String),
    #[error("it does not name a database")]
    NoDatabase,
    /// What the driver says against it, which repeats nothing of it.
    #[error("it cannot be read: {0}")]
    Other(String),
}

impl Address {
    /// Reads a URL. What it does not say comes from the environment, as for `psql`:
    /// `PGPASSWORD`, `PGUSER`, `PGSSLMODE`, …, and `~/.pgpass`.
    ///
    /// # Errors
    /// If it is none of PostgreSQL, or names no database.
    pub fn parse(url: &str) -> Result<Address, WrongAddress> {
        let Some((scheme, _)) = url.split_once("://") else {
            return Err(WrongAddress::NoScheme);
        };
        if !SCHEMES.contains(&scheme) {
            return Err(WrongAddress::Scheme(scheme.to_owned()));
        }
        let options = PgConnectOptions::from_str(url);
        let options = options.map_err(|error| WrongAddress::Other(said(&error)))?;
        let Some(database) = options.get_database() else {
            return Err(WrongAddress::NoDatabase);
        };
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        Ok(Address {
            url: url.to_owned(),
            shown: format!("{}@{host}/{database}", options.get_username()),
            password: None,
        })
    }

    /// With the password that is in a file when it is asked for.
    #[must_use]
    pub fn with_password_file(self, file: Option<PathBuf>) -> Address {
        Address {
            password: file,
            ..self
        }
    }

    /// Whether the URL itself holds a password.
    pub fn holds_password(&self) -> bool {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let login = rest.split(['/', '?']).next().unwrap_or_default();
        let login = login.rsplit_once('@').map_or("", |(login, _)| login);
        login.contains(':') || rest.contains("password=")
    }

    /// The file that holds the password.
    pub fn password_file(&self) -> Option<&Path> {
        self.password.as_deref()
    }

    /// What a connection needs.
    ///
    /// # Errors
    /// If the password's file cannot be read.
    pub fn options(&self) -> std::io::Result<PgConnectOptions> {
        let options = PgConnectOptions::from_str(&self.url);
        let options = options.map_err(|error| std::io::Error::other(said(&error)))?;
        let options = match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("hearth"),
        };
        let Some(file) = &self.password else {
            return Ok(options);
        };
        let read = std::fs::read_to_string(file).map_err(|error| {
            let file = file.display();
            std::io::Error::other(format!("the password file {file} cannot be read: {error}"))
        });
        Ok(options.password(read?.trim_end_matches(['\r', '\n'])))
    }
}

fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Configuration(error) => error.to_string(),
        other => other.to_string(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL at {}", self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = "postgres://hearth:s3cret@db.example:5433/house?sslmode=require";
        let address = Address::parse(url).unwrap();
        assert_eq!(
            address.to_string(),
            "PostgreSQL at hearth@db.example:5433/house"
        );
        assert!(!format!("{address:?}").contains("s3cret"));
        assert!(address.holds_password());
        let other = Address::parse("postgresql://hearth@db.example/house").unwrap();
        assert!(!other.holds_password());
        let third = Address::parse("postgres:///house?host=/run/pg&user=a&password=b").unwrap();
        assert!(third.holds_password());
        assert_eq!(third.to_string(), "PostgreSQL at a@/run/pg/house");
    }

    #[test]
    fn what_is_no_address_is_told_without_repeating_it() {
        let wrong = |url| Address::parse(url).unwrap_err().to_string();
        for url in [
            "postgres://u:s3cret@db:port/house",
            "postgres://u:s3cret@db/house?sslmode=perhaps&x=s3cret",
            "mysql://u:s3cret@db/house",
            "u:s3cret@db/house",
        ] {
            assert!(!wrong(url).contains("s3cret"), "{}", wrong(url));
        }
        assert_eq!(wrong("mysql://db/house"), "history is not kept in mysql");
    }

    #[test]
    fn a_password_may_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let address = Address::parse("postgres://hearth@db/house").unwrap();
        let address = address.with_password_file(Some(file.clone()));
        let error = address.options().unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
        std::fs::write(&file, "s3cret\n").unwrap();
        let options = address.options().unwrap();
        // The driver shows it, and so is never shown itself.
        assert!(format!("{options:?}").contains("\"s3cret\""));
    }
}
