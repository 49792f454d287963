//! Which addresses the demo listens on.

use std::io;
use std::net::{SocketAddr, TcpListener};

use anyhow::Context;

/// So many ports are tried after the one that the config names.
const TRIES: u16 = 100;

/// The address that a user asked for, or one like the config's that is free.
///
/// # Errors
/// The address asked for cannot be listened on, or none like the config's.
pub fn choose(
    asked: Option<SocketAddr>,
    config: SocketAddr,
    option: &str,
) -> anyhow::Result<SocketAddr> {
    match asked {
        Some(address) => try_out(address).with_context(|| {
            format!("cannot listen on {address}: give another address with {option}")
        }),
        None => next_free(config).with_context(|| {
            format!("cannot listen on {config}: give a free address with {option}")
        }),
    }
}

fn next_free(first: SocketAddr) -> io::Result<SocketAddr> {
    let ports = first.port()..=first.port().saturating_add(TRIES);
    let free = |port| match try_out(SocketAddr::new(first.ip(), port)) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
        outcome => Some(outcome),
    };
    ports
        .into_iter()
        .find_map(free)
        .unwrap_or(Err(io::ErrorKind::AddrInUse.into()))
}

/// Listens for a moment. Returns the address, with a real port in place of 0.
fn try_out(address: SocketAddr) -> io::Result<SocketAddr> {
    TcpListener::bind(address)?.local_addr()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn taken() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[test]
    fn a_taken_default_makes_way_for_the_next_free_port() {
        let (_listener, address) = taken();
        let chosen = choose(None, address, "--mqtt").unwrap();
        assert_eq!(chosen.ip(), address.ip());
        assert!(chosen.port() > address.port(), "{chosen}");
    }

    #[test]
    fn a_taken_address_that_was_asked_for_is_an_error() {
        let (_listener, address) = taken();
        let error = choose(Some(address), address, "--mqtt").unwrap_err();
        assert!(error.to_string().contains("--mqtt"), "{error}");
    }

    #[test]
    fn port_zero_becomes_a_real_port() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        assert_ne!(choose(Some(any), any, "--http").unwrap().port(), 0);
    }
}
