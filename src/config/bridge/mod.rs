//! Reads `[bridge.NAME]`: other brokers, and what crosses to them.

mod address;
mod topics;

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::check::Places;
use super::item::Item;
use super::problem::{Findings, Problem, Spot, quoted};
use super::table::Table;
use crate::broker::Version;
use crate::broker::bridge::{Address, Scheme, Settings, Tls, tls};
use crate::broker::outbound::WhenFull;
use crate::broker::{tls as certificates, topic};
use crate::clock::Clock;

const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(65_535));
/// MQTT counts seconds in 32 bits (MQTT 5.0, section 3.1.2.11.2).
const LONGEST_SESSION: Duration = Duration::from_secs(366 * 24 * 3600);

/// Where a bridge's parts stand, for what only the whole config or the files
/// show.
#[derive(Debug)]
pub(super) struct BridgePlaces {
    address: Spot,
    ca: Option<Spot>,
    certificate: Option<Spot>,
    key: Option<Spot>,
    password: Option<Spot>,
}

pub(super) fn read(root: &Table<'_>, base: &Path, places: &mut Places) -> Vec<Settings> {
    let mut bridges = Vec::new();
    let Some(item) = root.item("bridge") else {
        return bridges;
    };
    for (settings, place) in item.named_tables(|item| read_bridge(item, base)) {
        bridges.push(settings);
        places.bridges.push(place);
    }
    bridges
}

fn read_bridge(item: Item<'_>, base: &Path) -> Option<(Settings, BridgePlaces)> {
    let name = item.name_as_word();
    item.table(format!("[bridge.{}]", item.name()), |table| {
        let address = table.required("address", |item| Some((address::read(item)?, item.spot())));
        // All is read before the first missing part ends it: each is reported.
        let topics = topics::read(table);
        let (mut settings, places) = read_rest(table, base, address);
        if let (Some(settings), Some(topics)) = (&mut settings, topics) {
            settings.name = name.clone()?;
            settings.topics = topics;
        }
        settings.zip(places)
    })?
}

fn read_rest(
    table: &Table<'_>,
    base: &Path,
    address: Option<(Address, Spot)>,
) -> (Option<Settings>, Option<BridgePlaces>) {
    let scheme = address.as_ref().map(|(address, _)| address.scheme);
    let (tls, tls_places) = read_tls(table, base, scheme);
    let (user, password) = read_login(table, base);
    let version = table.optional("version", version);
    let client_id = table.optional("client_id", Item::text);
    let presence = table.optional("presence", presence);
    let clean_start = table.optional("clean_start", Item::flag);
    let keep_alive = table.optional("keep_alive", |item| {
        whole_seconds(item, item.duration_within(KEEP_ALIVE.0, KEEP_ALIVE.1)?)
    });
    let session_expiry = table.optional("session_expiry", |item| {
        let longest = LONGEST_SESSION;
        whole_seconds(item, item.duration_within(Duration::ZERO, longest)?)
    });
    let when_full = table.optional("when_full", |item| item.choice(&WHEN_FULL));
    let count = |key| table.optional(key, |item| item.integer(1..=u32::MAX));
    let (messages, bytes) = (count("queue_messages"), count("queue_bytes"));
    let Some((address, address_at)) = address else {
        return (None, None);
    };
    let [ca, certificate, key] = tls_places;
    let places = BridgePlaces {
        address: address_at,
        ca,
        certificate,
        key,
        password: password.as_ref().map(|(_, spot)| spot.clone()),
    };
    let mut settings = Settings {
        client_id,
        user,
        password_file: password.map(|(path, _)| path),
        tls,
        presence,
        ..Settings::new("", address)
    };
    take(&mut settings.version, version);
    take(&mut settings.clean_start, clean_start);
    take(&mut settings.keep_alive, keep_alive);
    take(&mut settings.session_expiry, session_expiry);
    take(&mut settings.when_full, when_full);
    take(&mut settings.queue.messages, messages.map(|n| n as usize));
    take(&mut settings.queue.bytes, bytes.map(|n| n as usize));
    (Some(settings), Some(places))
}

fn take<T>(setting: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *setting = given;
    }
}

const WHEN_FULL: [(&str, WhenFull); 2] = [
    ("drop-oldest", WhenFull::DropOldest),
    ("drop-newest", WhenFull::DropNewest),
];

/// `5`, `"5"`, `"5.0"` or `"3.1.1"`
fn version(item: Item<'_>) -> Option<Version> {
    if let DeValue::Integer(number) = item.value()
        && number.as_str() == "5"
    {
        return Some(Version::V5);
    }
    match item.value() {
        DeValue::String(text) if text == "5" => Some(Version::V5),
        DeValue::String(_) => item.choice(&[("5.0", Version::V5), ("3.1.1", Version::V311)]),
        _ => item.expected("a version of MQTT", "write \"5.0\" or \"3.1.1\""),
    }
}

/// A topic of the other side, where we say that we are there.
fn presence(item: Item<'_>) -> Option<String> {
    let text = item.text()?;
    if topic::valid_name(&text) && !text.chars().any(char::is_control) {
        return Some(text);
    }
    item.wrong(
        format!("{} is no topic that can be published to", quoted(&text)),
        "name one topic of the other side, such as \"house7/presence\"",
    )
}

/// MQTT counts in seconds.
fn whole_seconds(item: Item<'_>, duration: Duration) -> Option<Duration> {
    if duration.subsec_nanos() == 0 {
        return Some(duration);
    }
    let message = format!("`{}` is counted in whole seconds", item.name());
    item.wrong(message, format!("write \"{}s\"", duration.as_secs() + 1))
}

fn read_login(table: &Table<'_>, base: &Path) -> (Option<String>, Option<(PathBuf, Spot)>) {
    table.goes_with("password_file", "user");
    table.refuse(
        "password",
        "a password does not belong in the config, which others may read",
        "write it into a file that only hearth may read, and name that: password_file = \"…\"",
    );
    let user = table.optional("user", Item::text);
    let file = |item: Item<'_>| Some((base.join(item.text()?), item.spot()));
    (user, table.optional("password_file", file))
}

fn read_tls(table: &Table<'_>, base: &Path, scheme: Option<Scheme>) -> (Tls, [Option<Spot>; 3]) {
    if scheme == Some(Scheme::Mqtt) {
        for key in ["ca", "certificate", "key", "alpn"] {
            let message = format!("`{key}` says nothing where no TLS is spoken");
            table.refuse(
                key,
                &message,
                "write mqtts:// in `address`, or leave it out",
            );
        }
        return (Tls::default(), [None, None, None]);
    }
    table.goes_with("certificate", "key");
    table.goes_with("key", "certificate");
    let file = |key| {
        let read = |item: Item<'_>| Some((base.join(item.text()?), item.spot()));
        let found: (Option<PathBuf>, Option<Spot>) = table.optional(key, read).unzip();
        found
    };
    let (ca, certificate, key) = (file("ca"), file("certificate"), file("key"));
    let tls = Tls {
        ca: ca.0,
        certificate: certificate.0,
        key: key.0,
        alpn: table.optional("alpn", Item::text),
    };
    (tls, [ca.1, certificate.1, key.1])
}

/// Looks at the bridges beside the rest of the config.
pub(super) fn check(bridges: &[Settings], places: &Places, findings: &Findings) {
    for (settings, place) in bridges.iter().zip(&places.bridges) {
        let address = &settings.address;
        let itself = places
            .listen
            .iter()
            .find(|(listen, _)| listen.port() == address.port && is_this_computer(&address.host));
        if let Some((_, spot)) = itself {
            let message = format!("{address} is this house's own broker");
            let problem = Problem::at(place.address.clone(), message);
            findings.error(problem.also(spot.clone(), "it listens here"));
        }
        let is_exposed = address.scheme == Scheme::Mqtt && !is_this_computer(&address.host);
        if let Some(password) = place.password.as_ref().filter(|_| is_exposed) {
            let message = format!(
                "the password crosses the network to {} readable",
                address.host
            );
            let hint = "write mqtts:// in `address`, if the other side speaks TLS";
            findings.warning(Problem::at(password.clone(), message).hint(hint));
        }
    }
}

pub(super) fn is_this_computer(host: &str) -> bool {
    let address: Option<std::net::IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// Reads the files that bridges need, as a connection will.
pub(super) fn check_files(bridges: &[Settings], places: &[BridgePlaces], findings: &Findings) {
    let now = Clock::start().now().utc;
    for (settings, place) in bridges.iter().zip(places) {
        let problem = |fault: certificates::Fault| {
            Problem::at(place.of(fault.file), fault.message).hint(fault.hint)
        };
        match tls::check(&settings.tls, now) {
            Ok(warnings) => warnings
                .into_iter()
                .for_each(|one| findings.warning(problem(one))),
            Err(faults) => faults
                .into_iter()
                .for_each(|one| findings.error(problem(one))),
        }
        if let (Some(path), Some(spot)) = (&settings.password_file, &place.password) {
            check_secret("password", path, spot, findings);
        }
    }
}

/// Whether a file with a secret can be read, and by whom.
pub(super) fn check_secret(what: &str, path: &Path, spot: &Spot, findings: &Findings) {
    let name = quoted(&path.display().to_string());
    if let Err(error) = std::fs::File::open(path) {
        let message = format!("the {what} file {name} cannot be read: {error}");
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("write the {what} into it: sudo install -m 640 -g hearth /dev/stdin FILE")
            }
            _ => "the user that runs hearth must be allowed to read it".to_owned(),
        };
        findings.error(Problem::at(spot.clone(), message).hint(hint));
    } else if certificates::is_open_to_all(path) {
        let message = format!("everyone on this computer can read the {what} in {name}");
        let hint = "sudo chgrp hearth FILE && sudo chmod 640 FILE";
        findings.warning(Problem::at(spot.clone(), message).hint(hint));
    }
}

impl BridgePlaces {
    fn of(&self, file: certificates::File) -> Spot {
        let named = match file {
            certificates::File::Ca | certificates::File::ClientCa => &self.ca,
            certificates::File::Certificate => &self.certificate,
            certificates::File::Key => &self.key,
        };
        named.as_ref().unwrap_or(&self.address).clone()
    }
}
