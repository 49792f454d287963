//! Reads `[home]`, `[broker]` and `[web]`.

use std::path::Path;

use super::HomeSettings;
use super::check::Places;
use super::item::Item;
use super::problem::{nearest, quoted};
use super::table::Table;
use super::ways::{listen, read_tls, read_websocket};
use crate::clock::ClockTrust;
use crate::{broker, web};

/// The house's name where the config gives none.
pub(super) const DEFAULT_NAME: &str = "Home";

pub(super) fn read_home(root: &Table<'_>) -> HomeSettings {
    let read = |home: &Table<'_>| {
        home.goes_with("latitude", "longitude");
        home.goes_with("longitude", "latitude");
        HomeSettings {
            name: home
                .optional("name", Item::text)
                .unwrap_or_else(|| DEFAULT_NAME.to_owned()),
            latitude: home.optional("latitude", |item| item.number_within(-90.0..=90.0)),
            longitude: home.optional("longitude", |item| item.number_within(-180.0..=180.0)),
            timezone: home.optional("timezone", timezone),
            clock: home.optional("clock", clock).unwrap_or_default(),
        }
    };
    root.optional("home", |item| item.table("[home]".to_owned(), read))
        .unwrap_or_else(|| super::Config::default().home)
}

fn timezone(item: Item<'_>) -> Option<String> {
    let name = item.text()?;
    if jiff::tz::TimeZone::get(&name).is_ok() {
        return Some(name);
    }
    let known: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
    let hint = match nearest(&name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "write a name of the IANA database, such as \"Europe/Paris\"".to_owned(),
    };
    item.wrong(format!("{} is no time zone", quoted(&name)), hint)
}

fn clock(item: Item<'_>) -> Option<ClockTrust> {
    item.choice(&[("auto", ClockTrust::Auto), ("trusted", ClockTrust::Trusted)])
}

pub(super) fn read_broker(root: &Table<'_>, base: &Path, places: &mut Places) -> broker::Settings {
    let defaults = broker::Settings::default();
    let read = |table: &Table<'_>| {
        let mut settings = broker::Settings {
            listen: table
                .optional("listen", |item| listen(item, places))
                .unwrap_or(defaults.listen),
            tls: read_tls(table, base, places),
            websocket: read_websocket(table, places),
            mqttsn: super::mqttsn::read(table),
            anonymous: table.optional("anonymous", |item| {
                places.anonymous = Some(item.spot());
                item.flag()
            }),
            ..broker::Settings::default()
        };
        super::limits::read(table, &mut settings);
        settings
    };
    root.optional("broker", |item| item.table("[broker]".to_owned(), read))
        .unwrap_or_default()
}

pub(super) fn read_web(root: &Table<'_>, places: &mut Places) -> web::Settings {
    let defaults = web::Settings::default();
    let read = |table: &Table<'_>| web::Settings {
        listen: table
            .optional("listen", |item| listen(item, places))
            .unwrap_or(defaults.listen),
    };
    root.optional("web", |item| item.table("[web]".to_owned(), read))
        .unwrap_or_default()
}
