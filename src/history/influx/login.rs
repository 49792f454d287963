//! What is shown to the server, read from its file.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use hyper::http::HeaderValue;

use super::settings::Login;
use crate::post::address::basic;

/// Nobody's secret is longer.
const MOST_SECRET: u64 = 64 * 1024;

/// A login as it goes over the wire.
#[derive(Clone)]
pub struct Shown {
    pub header: HeaderValue,
    /// Must not be repeated, whoever says it.
    pub secret: String,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

/// Reads the file that a login names.
///
/// # Errors
/// Why it cannot be used; names the file, and not what is in it.
pub fn read(login: &Login) -> Result<Shown, String> {
    let (file, user) = match login {
        Login::Token(file) => (file, None),
        Login::Password { user, file } => (file, Some(user)),
    };
    let name = file.display();
    let secret = secret(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    if secret.is_empty() {
        return Err(format!("{name} is empty: write the secret into it"));
    }
    let header = match user {
        Some(user) => Some(basic(user.as_bytes(), secret.as_bytes())),
        None => HeaderValue::from_str(&format!("Token {secret}")).ok(),
    };
    let mut header = header.ok_or_else(|| {
        format!("{name} holds no token: one line of letters, digits and signs is expected")
    })?;
    header.set_sensitive(true);
    Ok(Shown { header, secret })
}

fn secret(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut file = std::fs::File::open(file)?.take(MOST_SECRET);
    file.read_to_string(&mut text)?;
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_shown_to_the_server_and_printed_to_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let told = |login: &Login| read(login).map(|shown| (shown.header, shown.secret));
        let token = Login::Token(file.clone());
        let password = Login::Password {
            user: "pi".to_owned(),
            file: file.clone(),
        };
        std::fs::write(&file, "s3cret==\r\n").unwrap();
        let (header, secret) = told(&token).unwrap();
        assert_eq!(
            (header.to_str().unwrap(), &*secret),
            ("Token s3cret==", "s3cret==")
        );
        assert!(header.is_sensitive());
        let (header, _) = told(&password).unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic cGk6czNjcmV0PT0=");
        assert_eq!(format!("{:?}", read(&token).unwrap()), "Shown");
        for (text, told) in [("\n", "is empty"), ("two\nlines", "holds no token")] {
            std::fs::write(&file, text).unwrap();
            let error = read(&token).unwrap_err();
            assert!(error.contains(told) && !error.contains("two"), "{error}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(read(&token).unwrap_err().contains("cannot be read"));
    }
}
