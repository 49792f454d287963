//! Reads where another broker is: `mqtts://broker.example:8883`.

use crate::broker::bridge::{Address, Scheme};
use crate::config::item::Item;
use crate::config::problem::{nearest, quoted};

const SCHEMES: [Scheme; 2] = [Scheme::Mqtt, Scheme::Mqtts];
const EXAMPLE: &str = "write it as \"mqtts://broker.example:8883\"";

pub(super) fn read(item: Item<'_>) -> Option<Address> {
    let text = item.text()?;
    let Some((scheme, rest)) = text.split_once("://") else {
        let hint = format!("write \"mqtts://{text}\" for TLS, or \"mqtt://{text}\" without");
        return item.wrong(
            format!("{} does not say how to get there", quoted(&text)),
            hint,
        );
    };
    let Some(known) = SCHEMES.iter().copied().find(|known| known.name() == scheme) else {
        return unknown_scheme(item, scheme, rest);
    };
    if rest.contains('@') {
        let message = "an address holds no user and no password";
        return item.wrong(message, "name them with `user` and `password_file`");
    }
    if let Some((_, path)) = rest.split_once('/').filter(|(_, path)| !path.is_empty()) {
        return item.wrong(
            format!("MQTT knows no path such as {}", quoted(path)),
            EXAMPLE,
        );
    }
    let rest = rest.trim_end_matches('/');
    let Some((host, port)) = split_port(rest) else {
        return item.wrong(format!("{} is no host with a port", quoted(rest)), EXAMPLE);
    };
    let port = match port {
        None => known.port(),
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return item.wrong(format!("{} is no port", quoted(port)), EXAMPLE),
        },
    };
    Some(Address {
        scheme: known,
        host: host.to_owned(),
        port,
    })
}

fn unknown_scheme(item: Item<'_>, scheme: &str, rest: &str) -> Option<Address> {
    let message = format!("bridges do not speak {}", quoted(scheme));
    let hint = match scheme {
        "tcp" => format!("write \"mqtt://{rest}\""),
        "ssl" | "tls" => format!("write \"mqtts://{rest}\""),
        "ws" | "wss" | "http" | "https" => {
            "use the other broker's port for MQTT itself, with mqtt:// or mqtts://".to_owned()
        }
        other => match nearest(other, SCHEMES.iter().map(|known| known.name())) {
            Some(near) => format!("did you mean \"{near}://{rest}\"?"),
            None => EXAMPLE.to_owned(),
        },
    };
    item.wrong(message, hint)
}

/// Host and port; an IPv6 address stands in brackets.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            match rest {
                "" => (host, None),
                _ => (host, Some(rest.strip_prefix(':')?)),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control());
    is_host.then_some((host, port))
}
