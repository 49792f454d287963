//! Reads certificates and keys, and says what is wrong with them.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio_rustls::rustls;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::name;
use crate::clock::UtcMillis;

/// No chain of certificates is longer; it bounds what a wrong path costs.
const MOST_BYTES: u64 = 1024 * 1024;
/// A certificate that ends sooner is worth a word.
const SOON_DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    Certificate,
    Key,
    /// Vouches for clients.
    ClientCa,
    /// Vouches for another broker.
    Ca,
}

/// What is wrong with a file, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: File,
    pub message: String,
    pub hint: String,
}

/// Whether a certificate and a key belong together, and can be used.
pub fn fit(
    certificate: &Path,
    chain: &[CertificateDer<'static>],
    key: &Path,
    private: &PrivateKeyDer<'static>,
) -> Result<(), Fault> {
    let provider = ring::default_provider();
    match CertifiedKey::from_der(chain.to_vec(), private.clone_key(), &provider) {
        Ok(_) => Ok(()),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(Fault {
            file: File::Key,
            message: format!(
                "the key {} does not fit the certificate {}",
                key.display(),
                certificate.display()
            ),
            hint: "each certificate has a key of its own: name the one that was made with it"
                .to_owned(),
        }),
        Err(error) => Err(unfit(key, &error)),
    }
}

/// A key, or its certificate, of a kind that cannot be used.
pub fn unfit(key: &Path, error: &dyn fmt::Display) -> Fault {
    Fault {
        file: File::Key,
        message: format!(
            "{} cannot be used with its certificate: {error}",
            key.display()
        ),
        hint: "use an RSA key of 2048 bits or more, an ECDSA key (P-256, P-384) or Ed25519"
            .to_owned(),
    }
}

/// A certificate and those that lead to its CA, at least one.
pub fn read_chain(file: File, path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let bytes = read_file(file, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(no_pem(file, path, &bytes, "certificate", None)),
        Err(error) => Err(no_pem(file, path, &bytes, "certificate", Some(&error))),
    }
}

/// A private key.
pub fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    let bytes = read_file(File::Key, path)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => no_pem(File::Key, path, &bytes, "private key", None),
        error => no_pem(File::Key, path, &bytes, "private key", Some(&error)),
    })
}

fn read_file(file: File, path: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|opened| opened.take(MOST_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => Err(unreadable(file, path, &error)),
    }
}

fn unreadable(file: File, path: &Path, error: &io::Error) -> Fault {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "the user that runs hearth must be allowed to read it",
        _ if file == File::Ca => {
            "name a PEM file with the certificate of the other broker's CA, or leave `ca` out to \
             trust those that this computer trusts"
        }
        _ => "`hearth certs DIR` makes a CA and certificates of your own; see docs/tls.md",
    };
    Fault {
        file,
        message: format!("cannot read {}: {error}", path.display()),
        hint: hint.to_owned(),
    }
}

/// A file without what it should hold, with the likely slip.
fn no_pem(file: File, path: &Path, bytes: &[u8], what: &str, error: Option<&pem::Error>) -> Fault {
    let path = path.display();
    let holds = |label: &[u8]| bytes.windows(label.len()).any(|window| window == label);
    let hint = if bytes.first() == Some(&0x30) {
        "it looks like DER: convert it with `openssl x509 -inform der` or `openssl pkey -inform der`"
    } else if holds(b"ENCRYPTED PRIVATE KEY") || holds(b"Proc-Type: 4,ENCRYPTED") {
        "it is locked with a passphrase: unlock a copy with `openssl pkey -in FILE -out COPY`"
    } else if file == File::Key && holds(b"BEGIN CERTIFICATE") {
        "it holds a certificate: are the two files swapped?"
    } else if file != File::Key && holds(b"PRIVATE KEY") {
        "it holds a private key: are the two files swapped?"
    } else {
        "a PEM file is text with lines such as -----BEGIN CERTIFICATE-----"
    };
    let message = match error {
        Some(error) => format!("{path} holds no {what} that can be read: {error}"),
        None => format!("{path} holds no {what}"),
    };
    Fault {
        file,
        message,
        hint: hint.to_owned(),
    }
}

/// Clients refuse a certificate out of its time.
pub fn lifetime(path: &Path, certificate: &CertificateDer<'_>, now: UtcMillis) -> Option<Fault> {
    let path = path.display();
    let (from, until) = name::lifetime(certificate)?;
    let days = (until.0 - now.0) / DAY_MS;
    let message = if now < from {
        format!("{path} is not valid yet")
    } else if now > until {
        format!("{path} has expired")
    } else if days < SOON_DAYS {
        format!("{path} expires in {days} days")
    } else {
        return None;
    };
    Some(Fault {
        file: File::Certificate,
        message,
        hint: match now < from {
            true => "is this computer's clock right?".to_owned(),
            false => "clients refuse an expired certificate; a new file is taken over \
                      while hearth runs"
                .to_owned(),
        },
    })
}

/// Whether everyone on this computer can read a file.
pub fn is_open_to_all(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.mode() & 0o004 != 0)
}

/// A key is nobody else's business.
pub fn open_to_all(path: &Path) -> Option<Fault> {
    is_open_to_all(path).then(|| Fault {
        file: File::Key,
        message: format!(
            "everyone on this computer can read the key {}",
            path.display()
        ),
        hint: "sudo chgrp hearth FILE && sudo chmod 640 FILE".to_owned(),
    })
}
