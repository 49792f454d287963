//! Where passwords come from: the terminal, without showing them, or standard
//! input. Never from the command line, which every user of the computer sees.

use std::io::{self, Read};

use anyhow::{Context, bail};

/// Longer ones are no passwords, but perhaps a file by mistake.
const MOST_BYTES: u64 = 4096;

/// Asks for a new password, twice.
///
/// # Errors
/// If there is no terminal, or the second is not as the first.
pub(super) fn ask_twice(name: &str) -> anyhow::Result<String> {
    let password = ask(&format!("New password for {name}: "))?;
    if ask("The same again: ")? != password {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(password)
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    rpassword::prompt_password(prompt)
        .context("there is no terminal to ask for a password; give it with --password-stdin")
}

/// Reads a password from standard input, all of it but the last line's end.
///
/// # Errors
/// If there is none.
pub(super) fn from_stdin() -> anyhow::Result<String> {
    read(io::stdin().lock())
}

fn read(input: impl Read) -> anyhow::Result<String> {
    let mut text = String::new();
    input
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .context("standard input holds no password")?;
    if text.len() as u64 > MOST_BYTES {
        bail!("standard input holds more than {MOST_BYTES} bytes, which is no password");
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        bail!("standard input holds no password");
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_line_is_no_part_of_the_password() {
        for text in ["four words", "four words\n", "four words\r\n"] {
            assert_eq!(read(text.as_bytes()).unwrap(), "four words");
        }
        assert_eq!(read(&b"two\nlines\n"[..]).unwrap(), "two\nlines");
    }

    #[test]
    fn what_is_no_password_is_not_taken_and_not_repeated() {
        for bytes in [vec![], b"\n".to_vec(), vec![0xff; 9], vec![b'x'; 5000]] {
            let error = format!("{:#}", read(&bytes[..]).unwrap_err());
            assert!(
                error.contains("standard input") && !error.contains("xxx"),
                "{error}"
            );
        }
    }
}
