//! Reads `[history.influx]`: where readings are pushed besides, and which.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::series::filter;
use super::{MB, size, within};
use crate::broker::bridge::{Tls, tls};
use crate::clock::Clock;
use crate::config::bridge::{check_secret, is_this_computer};
use crate::config::item::Item;
use crate::config::problem::{Findings, Problem, Spot, quoted};
use crate::config::table::Table;
use crate::history::influx::{Login, Settings};
use crate::post::Address;

const TIMEOUT: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
const QUEUE: [u64; 2] = [MB, 10_000 * MB];
/// The port of InfluxDB itself.
const INFLUXDB: u16 = 8086;
/// Times go out in nanoseconds, whatever the other side calls them.
const NANOSECONDS: [&str; 3] = ["ns", "n", "nanosecond"];
/// Tags that each line has, and what InfluxDB itself calls something.
const TAKEN: [&str; 4] = ["room", "topic", "unit", "time"];

/// Where parts stand that only the files and the world can judge.
#[derive(Debug)]
pub(in crate::config) struct InfluxPlaces {
    url: Spot,
    ca: Option<Spot>,
    secret: Option<Spot>,
}

pub(super) fn read(history: &Table<'_>, base: &Path) -> Option<(Settings, InfluxPlaces)> {
    history.optional("influx", |item| {
        item.table("[history.influx]".to_owned(), |table| {
            let url = table.required_hint(
                "url",
                "write the whole address that takes lines, such as \
                 url = \"http://127.0.0.1:8086/write?db=house\"",
                |item| Some((url(item)?, item.spot())),
            );
            let (login, secret) = login(table, base).unzip();
            let ca = ca(table, base, url.as_ref().map(|(to, _)| to));
            let topics = table.optional("topics", |item| topics(table, item));
            let tags = table.optional("tags", tags);
            let [shortest, longest] = TIMEOUT;
            let timeout = table.optional("timeout", |item| item.duration_within(shortest, longest));
            let queue = table.optional("queue", queue);
            let (to, url) = url?;
            let mut settings = Settings {
                login,
                ca: ca.as_ref().map(|(file, _)| file.clone()),
                tags: tags.unwrap_or_default(),
                ..Settings::new(to)
            };
            settings.topics = topics.unwrap_or(settings.topics);
            settings.timeout = timeout.unwrap_or(settings.timeout);
            settings.queue = queue.unwrap_or(settings.queue);
            let places = InfluxPlaces {
                url,
                ca: ca.map(|(_, spot)| spot),
                secret,
            };
            Some((settings, places))
        })?
    })
}

fn url(item: Item<'_>) -> Option<Address> {
    const EXAMPLE: &str = "write it in full, such as \"http://127.0.0.1:8086/write?db=house\"";
    let text = item.text()?;
    match text.split_once("://") {
        Some(("http" | "https", rest)) => {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            if host.contains('@') {
                let message = "an address holds no user and no password";
                return item.wrong(message, "name them with `user` and `password_file`");
            }
        }
        Some((scheme, _)) => {
            let message = format!(
                "readings are pushed over http or https, not over {}",
                quoted(scheme)
            );
            return item.wrong(message, EXAMPLE);
        }
        None => {
            let message = format!("{} does not say how to get there", quoted(&text));
            let hint = format!("write \"https://{text}\" for TLS, or \"http://{text}\" without");
            return item.wrong(message, hint);
        }
    }
    match Address::parse(&text).ok().filter(|_| text.is_ascii()) {
        Some(to) => names_a_place(item, to),
        // The address may hold a secret: what is wrong with it is shown by the caret.
        None => item.wrong("this is no address of the web", EXAMPLE),
    }
}

/// Whether the address leads to something that takes lines, as far as that can be seen.
fn names_a_place(item: Item<'_>, to: Address) -> Option<Address> {
    let query = to.target.query().unwrap_or_default();
    let value = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut found = pairs.filter(|(name, value)| *name == key && !value.is_empty());
        found.next().map(|(_, value)| value)
    };
    let path = to.target.path();
    if path == "/" {
        let hint = format!(
            "add the path: {to}/write?db=house for InfluxDB 1, \
             {to}/api/v2/write?org=home&bucket=house for InfluxDB 2 and 3, {to}/write for \
             VictoriaMetrics, and for Telegraf the one that its config names"
        );
        return item.wrong(
            "this address names a server, but nothing that takes lines",
            hint,
        );
    }
    if to.port == INFLUXDB && path == "/write" && value("db").is_none() {
        let hint = "say which: …/write?db=house; `CREATE DATABASE house` makes one";
        return item.wrong("this address names no database of InfluxDB", hint);
    }
    if to.port == INFLUXDB && path == "/api/v2/write" && value("bucket").is_none() {
        let hint = "say which: …/api/v2/write?org=home&bucket=house";
        return item.wrong("this address names no bucket of InfluxDB", hint);
    }
    match value("precision").filter(|precision| !NANOSECONDS.contains(precision)) {
        Some(_) => item.wrong(
            "times are pushed in nanoseconds, and this address says otherwise",
            "leave `precision` out of it, or write precision=ns",
        ),
        None => Some(to),
    }
}

/// What is shown to the server; the place is that of the secret.
fn login(table: &Table<'_>, base: &Path) -> Option<(Login, Spot)> {
    for (key, file) in [("token", "token_file"), ("password", "password_file")] {
        let message = format!("a {key} does not belong in the config, which others may read");
        let hint = format!(
            "write it into a file that only hearth may read, and name that: {file} = \"…\""
        );
        table.refuse(key, &message, &hint);
    }
    table.goes_with("user", "password_file");
    table.goes_with("password_file", "user");
    if table.has_any(&["token_file", "user"]) {
        table.exactly_one(&["token_file", "user"]);
    }
    let file = |item: Item<'_>| Some((base.join(item.text()?), item.spot()));
    let token = table.optional("token_file", file);
    let user = table.optional("user", Item::text);
    let password = table.optional("password_file", file);
    match (token, user, password) {
        (Some((file, spot)), ..) => Some((Login::Token(file), spot)),
        (None, Some(user), Some((file, spot))) => Some((Login::Password { user, file }, spot)),
        _ => None,
    }
}

fn ca(table: &Table<'_>, base: &Path, to: Option<&Address>) -> Option<(PathBuf, Spot)> {
    if to.is_some_and(|to| !to.secure) {
        let message = "`ca` says nothing where no TLS is spoken";
        table.refuse("ca", message, "write https:// in `url`, or leave it out");
        return None;
    }
    table.optional("ca", |item| Some((base.join(item.text()?), item.spot())))
}

fn topics(table: &Table<'_>, item: Item<'_>) -> Option<Vec<String>> {
    let topics = item.one_or_list(|one| filter(table, one))?;
    match topics.is_empty() && item.value().as_array().is_some_and(|list| list.is_empty()) {
        true => item.wrong(
            "nothing is pushed of no topics",
            "name some, such as topics = [\"home/#\"], or take [history.influx] out",
        ),
        false => Some(topics),
    }
}

/// `{ house = "elm street" }`
fn tags(item: Item<'_>) -> Option<Vec<(String, String)>> {
    Some(item.named_tables(|item| {
        let key = item.name();
        let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if TAKEN.contains(&key) {
            let message = format!("a tag cannot be called {}", quoted(key));
            let hint = "lines have `room`, `topic` and `unit` by themselves: choose another name";
            item.error(Problem::at(item.key_spot(), message).hint(hint));
            return None;
        }
        if !key.starts_with(|c: char| c.is_ascii_alphabetic()) || !key.chars().all(is_key) {
            let message = format!("{} is no name of a tag", quoted(key));
            let hint = "letters, digits, `-` and `_` make one, and a letter begins it";
            item.error(Problem::at(item.key_spot(), message).hint(hint));
            return None;
        }
        let value = item.text()?;
        match value.chars().any(|c| c.is_control() || c == '\\') {
            true => item.wrong(
                format!("{} cannot be the value of a tag", quoted(&value)),
                "write it on one line, without backslashes",
            ),
            false => Some((key.to_owned(), value)),
        }
    }))
}

/// `"64 MB"`
fn queue(item: Item<'_>) -> Option<u64> {
    const EXAMPLE: &str = "write how much may wait while nothing is taken, such as \"64 MB\"";
    let text = item.text_as("a size in quotes", EXAMPLE)?;
    let Some(bytes) = size::parse(text) else {
        let message = format!("{} is no size", quoted(text));
        return item.wrong(message, size::hint(text, "").unwrap_or(EXAMPLE.into()));
    };
    within(item, bytes, QUEUE, "")
}

/// Looks at the push beside what it says of itself.
pub(in crate::config) fn check(settings: &Settings, places: &InfluxPlaces, findings: &Findings) {
    let to = &settings.to;
    if settings.login.is_some() && !to.secure && !is_this_computer(&to.host) {
        let message = format!(
            "the token or password crosses the network to {} readable",
            to.host
        );
        let hint = "write https:// in `url`, if the other side speaks TLS";
        let spot = places.secret.as_ref().unwrap_or(&places.url);
        findings.warning(Problem::at(spot.clone(), message).hint(hint));
    }
}

/// Reads the files that a push needs, as a request will.
pub(in crate::config) fn check_files(
    settings: &Settings,
    places: &InfluxPlaces,
    findings: &Findings,
) {
    if let (Some(ca), Some(spot)) = (&settings.ca, &places.ca) {
        let trust = Tls {
            ca: Some(ca.clone()),
            ..Tls::default()
        };
        for fault in tls::check(&trust, Clock::start().now().utc)
            .err()
            .unwrap_or_default()
        {
            let hint = "name a PEM file with the certificate of the CA that signs the server's, or \
                        leave `ca` out to trust those that this computer trusts";
            findings.error(Problem::at(spot.clone(), fault.message).hint(hint));
        }
    }
    let file = match &settings.login {
        Some(Login::Token(file)) => Some(("token", file)),
        Some(Login::Password { file, .. }) => Some(("password", file)),
        None => None,
    };
    if let (Some((what, file)), Some(spot)) = (file, &places.secret) {
        check_secret(what, file, spot, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text_untested;

    fn read(text: &str) -> (Option<Settings>, String) {
        let text = format!("[history.influx]\n{text}");
        let base = Path::new("/etc/hearth");
        let (config, warnings) = load_text_untested("hearth.toml", &text, base).unwrap();
        (config.history.influx, warnings.to_string())
    }

    #[test]
    fn keys_mean_what_they_say() {
        let url = "url = 'http://127.0.0.1:8086/write?db=house'";
        let (settings, warnings) = read(url);
        assert!(warnings.is_empty(), "{warnings}");
        let to = Address::parse("http://127.0.0.1:8086/write?db=house").unwrap();
        assert_eq!(settings, Some(Settings::new(to)));
        let (settings, warnings) = read(
            "url = 'https://db.example/api/v2/write?org=a&bucket=b&precision=ns'\n\
             token_file = 'influx.token'\nca = 'ca.pem'\ntopics = ['home/+/+', 'hearth/hook/#']\n\
             tags = { house = 'elm street' }\ntimeout = '5s'\nqueue = '1 GB'",
        );
        assert!(warnings.is_empty(), "{warnings}");
        let to = Address::parse("https://db.example/api/v2/write?org=a&bucket=b&precision=ns");
        let expected = Settings {
            to: to.unwrap(),
            login: Some(Login::Token("/etc/hearth/influx.token".into())),
            ca: Some("/etc/hearth/ca.pem".into()),
            topics: vec!["home/+/+".to_owned(), "hearth/hook/#".to_owned()],
            tags: vec![("house".to_owned(), "elm street".to_owned())],
            timeout: Duration::from_secs(5),
            queue: 1000 * MB,
        };
        assert_eq!(settings, Some(expected));
    }

    #[test]
    fn a_password_that_others_can_read_on_its_way_is_warned_of() {
        let (settings, warnings) = read(
            "url = 'http://db.example:8086/write?db=house'\nuser = 'pi'\npassword_file = 'secret'",
        );
        let login = Login::Password {
            user: "pi".to_owned(),
            file: "/etc/hearth/secret".into(),
        };
        assert_eq!(settings.unwrap().login, Some(login));
        insta::assert_snapshot!(warnings, @"
        warning: the token or password crosses the network to db.example readable
         --> hearth.toml:4:17
          |
        4 | password_file = 'secret'
          |                 ^^^^^^^^
          |
          = help: write https:// in `url`, if the other side speaks TLS
        ");
    }
}
