//! What clients are shown over TLS, made of the files of `[broker.tls]`.

use std::sync::Arc;

use tokio_rustls::rustls;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use super::Settings;
use super::files::{self, Fault, File};
use crate::clock::UtcMillis;

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
    let chain = files::read_chain(File::Certificate, &settings.certificate);
    let key = files::read_key(&settings.key);
    let verifier = client_verifier(settings, &provider);
    let (chain, key, verifier) = match (chain, key, verifier) {
        (Ok(chain), Ok(key), Ok(verifier)) => (chain, key, verifier),
        (chain, key, verifier) => {
            let faults = [chain.err(), key.err(), verifier.err()];
            return Err(faults.into_iter().flatten().collect());
        }
    };
    let mut warnings = Vec::new();
    warnings.extend(files::lifetime(&settings.certificate, &chain[0], now));
    warnings.extend(files::open_to_all(&settings.key));
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
    files::fit(&settings.certificate, &chain, &settings.key, &key)?;
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_client_cert_verifier(verifier)
                .with_single_cert(chain, key)
        })
        .map(Arc::new)
        .map_err(|error| files::unfit(&settings.key, &error))
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
    for certificate in files::read_chain(File::ClientCa, path)? {
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
