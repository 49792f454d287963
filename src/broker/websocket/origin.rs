//! Which browser pages may speak MQTT.
//!
//! A browser lets every page of the internet open WebSockets to the computer
//! it runs on and to its network, and tells only the page's origin. Programs
//! say none, or the address that they connect to.

use axum::http::{HeaderMap, HeaderName, header};

use crate::home::host;

/// Programs and our own pages may; pages of other sites only if they are named.
pub fn may_enter(headers: &HeaderMap, trusted: &[String]) -> bool {
    let Some(origin) = text(headers, header::ORIGIN) else {
        return true;
    };
    let named = |trusted: &String| trusted == "*" || trusted.eq_ignore_ascii_case(origin);
    trusted.iter().any(named) || is_own(origin, text(headers, header::HOST).unwrap_or_default())
}

/// The same host and port, under a name that cannot be a stranger's.
fn is_own(origin: &str, host: &str) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let is_it = |authority: &str| authority.eq_ignore_ascii_case(host);
    host::is_local(host::name_of(host)) && authority.is_some_and(is_it)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let value = headers.get(name)?;
    Some(value.to_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enters(origin: Option<&str>, host: &str, trusted: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let trusted: Vec<String> = trusted.iter().map(|origin| (*origin).to_owned()).collect();
        may_enter(&headers, &trusted)
    }

    #[test]
    fn programs_and_own_pages_enter() {
        assert!(enters(None, "pi.local:8083", &[]));
        assert!(enters(Some("http://pi.local:8083"), "pi.local:8083", &[]));
        assert!(enters(Some("http://127.0.0.1:1"), "127.0.0.1:1", &[]));
    }

    #[test]
    fn pages_of_other_sites_do_not() {
        assert!(!enters(Some("http://evil.example"), "127.0.0.1:8083", &[]));
        assert!(!enters(Some("http://pi.local"), "pi.local:8083", &[]));
        assert!(!enters(Some("null"), "pi.local:8083", &[]));
        // A name of theirs that they made point here.
        let rebound = Some("http://evil.example:8083");
        assert!(!enters(rebound, "evil.example:8083", &[]));
    }

    #[test]
    fn pages_that_the_config_names_do() {
        let (origin, host) = (Some("http://localhost:3000"), "pi.local:8083");
        assert!(enters(origin, host, &["http://localhost:3000"]));
        assert!(enters(origin, host, &["*"]));
        assert!(!enters(origin, host, &["http://localhost"]));
    }
}
