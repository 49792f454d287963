//! Where something is posted: an address of the web, taken apart.
//!
//! What stands behind the host may be a secret, such as the name of an ntfy topic, and
//! so may what stands before it. Neither is ever printed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::http::HeaderValue;
use hyper::http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

/// `https://user:password@host:port/path?query`. Printed as `https://host:port`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub secure: bool,
    /// A name or an IP address, the latter without brackets.
    pub host: String,
    pub port: u16,
    /// As the `Host` header has it: the port only where it is not the usual one.
    pub authority: HeaderValue,
    /// Path and query.
    pub target: PathAndQuery,
    /// An `Authorization` header, if the address has a user or a password.
    pub login: Option<HeaderValue>,
}

impl Address {
    /// Takes an address apart.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the address.
    pub fn parse(text: &str) -> Result<Address, String> {
        let wrong = || "it is no address such as https://example.org/path".to_owned();
        let uri: Uri = text.trim().parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("its address starts neither with https:// nor with http://".to_owned()),
        };
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or_else(wrong)?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let (login, place) = match authority.as_str().rsplit_once('@') {
            Some((login, place)) => (Some(of_login(login)), place),
            None => (None, authority.as_str()),
        };
        let port = match place.strip_prefix(host).unwrap_or_default() {
            "" | ":" => usual_port(secure),
            port => port_of(port).ok_or_else(wrong)?,
        };
        let path = uri.path_and_query().cloned();
        Ok(Address {
            secure,
            host: host.trim_matches(['[', ']']).to_owned(),
            authority: authority_of(host, port, secure).ok_or_else(wrong)?,
            port,
            target: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
            login,
        })
    }

    /// Where a redirection leads. A login stays with the host that it is for.
    ///
    /// # Errors
    /// A sentence, if it leads out of HTTP or into the other kind of it.
    pub fn moved(&self, location: &str) -> Result<Address, String> {
        if location.starts_with('/') && !location.starts_with("//") {
            let target = location.parse();
            let target = target.map_err(|_| format!("{self} wants it at no proper address"))?;
            return Ok(Address {
                target,
                ..self.clone()
            });
        }
        let there = Address::parse(location);
        let mut there = there.map_err(|_| format!("{self} wants it at no proper address"))?;
        if there.secure != self.secure {
            let (https, name) = (there.secure, there.scheme());
            let advice = match https {
                true => "write the address with https://",
                false => "that is not safe, so it was not followed",
            };
            return Err(format!("{self} wants it over {name}; {advice}"));
        }
        if there.login.is_none() && (&there.host, there.port) == (&self.host, self.port) {
            there.login.clone_from(&self.login);
        }
        Ok(there)
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

/// Scheme and host alone.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.authority.to_str().unwrap_or(&self.host);
        write!(f, "{}://{host}", self.scheme())
    }
}

/// No more than [`fmt::Display`] says.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn usual_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// Of `:8080`.
fn port_of(text: &str) -> Option<u16> {
    let port = text.strip_prefix(':')?.parse().ok()?;
    (port > 0).then_some(port)
}

fn authority_of(host: &str, port: u16, secure: bool) -> Option<HeaderValue> {
    let text = match port == usual_port(secure) {
        true => host.to_owned(),
        false => format!("{host}:{port}"),
    };
    HeaderValue::from_str(&text).ok()
}

/// Of `user:password` as an address has it.
fn of_login(login: &str) -> HeaderValue {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let plain = |text| percent_decode_str(text).collect::<Vec<u8>>();
    basic(&plain(user), &plain(password))
}

/// What `Authorization` says of a user with a password (RFC 7617).
pub fn basic(user: &[u8], password: &[u8]) -> HeaderValue {
    let plain = [user, b":", password].concat();
    let text = format!("Basic {}", STANDARD.encode(plain));
    // Base64 is always fit for a header.
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> String {
        let address = Address::parse(text).unwrap();
        let Address {
            host, port, target, ..
        } = &address;
        let login = address.login.as_ref().map(|login| login.to_str().unwrap());
        format!("{address} {host} {port} {target} {}", login.unwrap_or("-"))
    }

    #[test]
    fn an_address_is_taken_apart_and_printed_without_its_secrets() {
        assert_eq!(
            parts("https://ntfy.sh/s3cret?auth=x"),
            "https://ntfy.sh ntfy.sh 443 /s3cret?auth=x -"
        );
        assert_eq!(
            parts("http://a%40b:p%3Aw@[::1]:8080"),
            "http://[::1]:8080 ::1 8080 / Basic YUBiOnA6dw=="
        );
        assert_eq!(
            parts("http://:tk_abc@ntfy.example:80/x"),
            "http://ntfy.example ntfy.example 80 /x Basic OnRrX2FiYw=="
        );
        let address = Address::parse("https://user:pass@host/s3cret").unwrap();
        assert_eq!(
            format!("{address:?} {address}"),
            "https://host https://host"
        );
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "",
            "ntfy.sh/x",
            "ftp://h/s3cret",
            "https:///s3cret",
            "https://h:0/s3cret",
            "https://h h/s3cret",
            "https://h:99999/s3cret",
            "/s3cret",
        ] {
            let refusal = Address::parse(text).unwrap_err();
            assert!(!refusal.contains("s3cret"), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_redirection_stays_in_its_scheme_and_keeps_the_login_at_home() {
        let from = Address::parse("https://u:p@a.example/x").unwrap();
        let path = from.moved("/y?z=1").unwrap();
        assert_eq!((path.target.as_str(), &path.login), ("/y?z=1", &from.login));
        let same = from.moved("https://a.example/z").unwrap();
        assert_eq!(same.login, from.login);
        assert_eq!(from.moved("https://b.example/z").unwrap().login, None);
        assert_eq!(from.moved("https://a.example:444/z").unwrap().login, None);
        assert!(
            from.moved("http://a.example/x")
                .unwrap_err()
                .contains("not safe")
        );
        let plain = Address::parse("http://a.example/x").unwrap();
        let secure = plain.moved("https://a.example/x").unwrap_err();
        assert!(
            secure.contains("write the address with https://"),
            "{secure}"
        );
        for nowhere in ["//b.example/x", "file:///etc/passwd", "x", ""] {
            assert!(from.moved(nowhere).is_err(), "{nowhere}");
        }
    }
}
