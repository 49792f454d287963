//! Reads certificates and keys, and says what is wrong with them.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};

use super::{Settings, name};
use crate::clock::UtcMillis;

/// No chain of certificates is longer; it bounds what a wrong path costs.
const MOST_BYTES: u64 = 1024 * 1024;
/// A certificate that ends sooner is worth a word.
const SOON_DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// One of the files that `[broker.tls]` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    Certificate,
    Key,
    ClientCa,
}

/// What is wrong with a file, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: File,
    pub message: String,
    pub hint: String,
}

/// Certificates that can be used.
#[derive(Debug)]
pub struct Certificates {
    pub server: Arc<ServerConfig>,
    /// What the user should know all the same.
    pub warnings: Vec<Fault>,
}

/// Looks at the files as a start would.
///
/// # Errors
/// What keeps them from being used; otherwise what the user should know.
pub fn check(settings: &Settings, now: UtcMillis) -> Result<Vec<Fault>, Vec<Fault>> {
    read(settings, now).map(|certificates| certificates.warnings)
}

/// Reads all files, and reports all of their faults.
pub(super) fn read(settings: &Settings, now: UtcMillis) -> Result<Certificates, Vec<Fault>> {
    let provider = Arc::new(ring::default_provider());
    let chain = read_chain(File::Certificate, &settings.certificate);
    let key = read_key(&settings.key);
    let verifier = client_verifier(settings, &provider);
    let (chain, key, verifier) = match (chain, key, verifier) {
        (Ok(chain), Ok(key), Ok(verifier)) => (chain, key, verifier),
        (chain, key, verifier) => {
            let faults = [chain.err(), key.err(), verifier.err()];
            return Err(faults.into_iter().flatten().collect());
        }
    };
    let mut warnings = Vec::new();
    warnings.extend(lifetime(&settings.certificate, &chain[0], now));
    warnings.extend(open_to_all(&settings.key));
    let server = server(settings, chain, key, verifier, provider).map_err(|fault| vec![fault])?;
    Ok(Certificates { server, warnings })
}

/// TLS 1.2 and 1.3. Sessions may be resumed, from memory.
fn server(
    settings: &Settings,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    verifier: Arc<dyn ClientCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ServerConfig>, Fault> {
    let path = settings.key.display();
    CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider)
        .and_then(|_| {
            ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_client_cert_verifier(verifier)
                .with_single_cert(chain, key)
        })
        .map(Arc::new)
        .map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Fault {
                file: File::Key,
                message: format!(
                    "the key {path} does not fit the certificate {}",
                    settings.certificate.display()
                ),
                hint: "each certificate has a key of its own: name the one that was made with it"
                    .to_owned(),
            },
            error => Fault {
                file: File::Key,
                message: format!("{path} cannot be used with its certificate: {error}"),
                hint: "use an RSA key of 2048 bits or more, an ECDSA key (P-256, P-384) or Ed25519"
                    .to_owned(),
            },
        })
}

fn client_verifier(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Fault> {
    let Some(path) = &settings.client_ca else {
        return Ok(Arc::new(NoClientAuth));
    };
    let unusable = |error: &dyn std::fmt::Display| Fault {
        file: File::ClientCa,
        message: format!("{} cannot vouch for clients: {error}", path.display()),
        hint: "name the certificate of the CA that signs the clients' certificates".to_owned(),
    };
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(File::ClientCa, path)? {
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = match settings.require_certificate {
        true => builder,
        false => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|error| unusable(&error))
}

fn read_chain(file: File, path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let bytes = read_file(file, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(no_pem(file, path, &bytes, "certificate", None)),
        Err(error) => Err(no_pem(file, path, &bytes, "certificate", Some(&error))),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
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
fn lifetime(path: &Path, certificate: &CertificateDer<'_>, now: UtcMillis) -> Option<Fault> {
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

fn open_to_all(path: &Path) -> Option<Fault> {
    let mode = std::fs::metadata(path).ok()?.mode();
    (mode & 0o004 != 0).then(|| Fault {
        file: File::Key,
        message: format!(
            "everyone on this computer can read the key {}",
            path.display()
        ),
        hint: "sudo chgrp hearth FILE && sudo chmod 640 FILE".to_owned(),
    })
}
