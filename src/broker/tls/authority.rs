//! A certificate authority of one's own: makes certificates that TLS clients
//! and this broker trust. It keeps no files.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use thiserror::Error;

use crate::clock::UtcMillis;

/// For how long the CA's certificate holds.
const CA_DAYS: i64 = 20 * 365;
/// For how long the others hold. Some systems accept no more (825 days).
const DAYS: i64 = 820;
/// Clocks without a battery start late.
const BEFORE_NOW: Duration = Duration::from_secs(24 * 3600);
const DAY_SECONDS: i64 = 24 * 3600;

/// Why a certificate cannot be made.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Unmade(String);

impl From<rcgen::Error> for Unmade {
    fn from(error: rcgen::Error) -> Unmade {
        Unmade(error.to_string())
    }
}

/// A certificate and its private key, as PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}

/// Signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    now: UtcMillis,
}

impl Authority {
    /// Makes a new CA, with the files that keep it.
    ///
    /// # Errors
    /// If there is no randomness to make a key of.
    pub fn create(name: &str, now: UtcMillis) -> Result<(Authority, Pair), Unmade> {
        let mut params = params(name, Vec::new(), now, CA_DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pair = Pair {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        };
        let issuer = Issuer::new(params, key);
        Ok((Authority { issuer, now }, pair))
    }

    /// Takes up a CA that was made before.
    ///
    /// # Errors
    /// If the two are no CA.
    pub fn open(pair: &Pair, now: UtcMillis) -> Result<Authority, Unmade> {
        let key = KeyPair::from_pem(&pair.key)?;
        let issuer = Issuer::from_ca_cert_pem(&pair.certificate, key)?;
        Ok(Authority { issuer, now })
    }

    /// For a broker that is reached under these names and addresses.
    ///
    /// # Errors
    /// If a name is none.
    pub fn server(&self, hosts: &[String]) -> Result<Pair, Unmade> {
        let name = hosts.first().map_or("hearth", String::as_str);
        self.sign(name, hosts.to_vec(), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For a client that becomes the user of this name.
    ///
    /// # Errors
    /// If the name cannot be a user's.
    pub fn client(&self, user: &str) -> Result<Pair, Unmade> {
        if !super::name::is_user(user) {
            let why = "a user has up to 64 letters, without control characters, /, +, # and %";
            return Err(Unmade(format!("\"{user}\" is no user's name: {why}")));
        }
        self.sign(user, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        name: &str,
        hosts: Vec<String>,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Pair, Unmade> {
        let mut params = params(name, hosts, self.now, DAYS)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        Ok(Pair {
            certificate: params.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn params(
    name: &str,
    hosts: Vec<String>,
    now: UtcMillis,
    days: i64,
) -> Result<CertificateParams, Unmade> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let seconds = (now - BEFORE_NOW).0 / 1000;
    params.not_before = date(seconds)?;
    params.not_after = date(seconds + days * DAY_SECONDS)?;
    Ok(params)
}

fn date(seconds: i64) -> Result<time::OffsetDateTime, Unmade> {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map_err(|_| Unmade("this computer's clock is far off".to_owned()))
}
