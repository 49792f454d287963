//! What a bridge shows and demands where the other side speaks TLS, and what is
//! wrong with the files for it.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::settings::Tls;
use crate::broker::tls::{Fault, File, files};
use crate::clock::UtcMillis;

/// Looks at the files as a connection would.
///
/// # Errors
/// What keeps them from being used; otherwise what the user should know.
pub fn check(settings: &Tls, now: UtcMillis) -> Result<Vec<Fault>, Vec<Fault>> {
    let roots = match &settings.ca {
        Some(ca) => trusted(ca).map(|_| ()),
        None => Ok(()),
    };
    let own = own(settings);
    if let (Ok(()), Ok(own)) = (&roots, &own) {
        let Some((chain, _)) = own else {
            return Ok(Vec::new());
        };
        let warnings = [
            settings
                .certificate
                .as_deref()
                .and_then(|path| files::lifetime(path, &chain[0], now)),
            settings.key.as_deref().and_then(files::open_to_all),
        ];
        return Ok(warnings.into_iter().flatten().collect());
    }
    Err([roots.err(), own.err()].into_iter().flatten().collect())
}

/// How to begin a connection. Reads files, so not from where nobody may wait.
///
/// # Errors
/// What is wrong with the first file that cannot be used.
pub fn config(settings: &Tls) -> Result<Arc<ClientConfig>, Fault> {
    let roots = match &settings.ca {
        Some(ca) => trusted(ca)?,
        None => of_the_system()?,
    };
    let own = own(settings)?;
    let key = settings.key.as_deref().unwrap_or(Path::new("key"));
    let mut config = client(roots, own).map_err(|error| files::unfit(key, &error))?;
    let alpn = settings.alpn.iter();
    config.alpn_protocols = alpn.map(|name| name.clone().into_bytes()).collect();
    Ok(Arc::new(config))
}

/// TLS 1.2 and 1.3.
fn client(roots: Arc<RootCertStore>, own: Option<Own>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    match own {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key),
        None => Ok(builder.with_no_client_auth()),
    }
}

/// The CAs of one file.
fn trusted(path: &Path) -> Result<Arc<RootCertStore>, Fault> {
    let mut roots = RootCertStore::empty();
    for certificate in files::read_chain(File::Ca, path)? {
        roots.add(certificate).map_err(|error| Fault {
            file: File::Ca,
            message: format!("{} cannot vouch for anybody: {error}", path.display()),
            hint: "name the certificate of the CA that signs the other broker's".to_owned(),
        })?;
    }
    Ok(Arc::new(roots))
}

/// The CAs that the administrator of this computer trusts.
fn of_the_system() -> Result<Arc<RootCertStore>, Fault> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(Arc::new(roots));
    }
    Err(Fault {
        file: File::Ca,
        message: "this computer trusts no CA".to_owned(),
        hint: "sudo apt-get install ca-certificates, or name the other broker's CA with `ca`"
            .to_owned(),
    })
}

type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Our certificate and its key, if the settings name them.
fn own(settings: &Tls) -> Result<Option<Own>, Fault> {
    let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) else {
        return Ok(None);
    };
    let chain = files::read_chain(File::Certificate, certificate)?;
    let private = files::read_key(key)?;
    files::fit(certificate, &chain, key, &private)?;
    Ok(Some((chain, private)))
}
