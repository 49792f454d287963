//! What a certificate says: whom it names, and how long it holds.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::clock::UtcMillis;

/// Longer names are no names.
const MOST_CHARS: usize = 64;
/// Letters that have a meaning in topics, where users' names may stand too.
const RESERVED: [char; 4] = ['/', '+', '#', '%'];

/// The user that a certificate names: its common name, or else its first
/// alternative name. `None` if there is none that could be a user's.
pub fn user(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let mut common = certificate.subject().iter_common_name();
    let name = match common.next() {
        Some(name) => name.as_str().ok().map(str::to_owned),
        None => alternative(&certificate),
    };
    name.filter(|name| is_user(name))
}

/// From when and until when a certificate holds.
pub fn lifetime(certificate: &[u8]) -> Option<(UtcMillis, UtcMillis)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    let utc = |seconds: i64| UtcMillis(seconds.saturating_mul(1000));
    let (from, until) = (&validity.not_before, &validity.not_after);
    Some((utc(from.timestamp()), utc(until.timestamp())))
}

fn alternative(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) => Some((*name).to_owned()),
            _ => None,
        })
}

/// Whether a user can be called so.
pub fn is_user(name: &str) -> bool {
    let reserved = |c: char| c.is_control() || RESERVED.contains(&c);
    !name.is_empty() && name.chars().count() <= MOST_CHARS && !name.contains(reserved)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    fn certificate(common: Option<&str>, alternative: &[&str]) -> Vec<u8> {
        let names: Vec<String> = alternative.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = common {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_common_name_comes_first() {
        let user = |common, alternative: &[&str]| user(&certificate(common, alternative));
        assert_eq!(user(Some("küche"), &["a.local"]).unwrap(), "küche");
        assert_eq!(user(None, &["a.local", "b.local"]).unwrap(), "a.local");
        assert_eq!(user(None, &["127.0.0.1"]), None, "an address is no name");
        assert_eq!(user(None, &[]), None);
    }

    #[test]
    fn names_that_would_mean_more_in_a_topic_are_none() {
        for name in ["", "a/b", "#", "a+", "%u", "a\nb", &"x".repeat(65)] {
            assert_eq!(user(&certificate(Some(name), &[])), None, "{name:?}");
        }
    }

    #[test]
    fn what_is_no_certificate_names_nobody() {
        assert_eq!(user(b"\x30\x82"), None);
        assert_eq!(lifetime(b""), None);
    }
}
