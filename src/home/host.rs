//! Names by which browsers reach the computers of a house.
//!
//! A page of the internet can make a public name of its own point into the
//! house (DNS rebinding). It cannot do so with an address or a local name, so
//! what is asked for under those is meant for this house.

// Of `core`, because an address alone is no way to the network.
use core::net::IpAddr;

/// Endings of names that no public DNS server answers for (RFC 6761, RFC 6762,
/// RFC 8375, and `internal` and `lan`, which are never delegated).
const LOCAL_ENDINGS: [&str; 5] = [".localhost", ".local", ".home.arpa", ".internal", ".lan"];

/// Host without port and brackets.
pub fn name_of(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or("", |(name, _)| name);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Whether no public DNS name can stand behind `name`.
pub fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_word = !name.is_empty() && !name.contains('.');
    let ends_locally = || LOCAL_ENDINGS.iter().any(|end| name.ends_with(end));
    name.parse::<IpAddr>().is_ok() || is_word || ends_locally()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_local_names_are_local() {
        for host in [
            "localhost:8080",
            "127.0.0.1",
            "[::1]:8080",
            "192.168.1.7:8080",
            "raspberrypi",
            "Hearth.LOCAL:8080",
            "pi.home.arpa",
        ] {
            assert!(is_local(name_of(host)), "{host}");
        }
    }

    #[test]
    fn public_names_are_not() {
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:80",
            "127.0.0.1.nip.io",
            "[",
            ":",
        ] {
            assert!(!is_local(name_of(host)), "{host}");
        }
    }
}
