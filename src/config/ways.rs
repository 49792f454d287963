//! Reads `[broker.tls]` and `[broker.websocket]`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::check::Places;
use super::item::Item;
use super::problem::{Findings, Problem, Spot, quoted};
use super::table::Table;
use crate::broker::{tls, websocket};
use crate::clock::Clock;

/// Where the files of `[broker.tls]` are named.
#[derive(Debug)]
pub(super) struct TlsPlaces {
    certificate: Spot,
    key: Spot,
    client_ca: Option<Spot>,
}

impl TlsPlaces {
    fn of(&self, file: tls::File) -> Spot {
        let named = match file {
            tls::File::Certificate => Some(&self.certificate),
            tls::File::Key => Some(&self.key),
            tls::File::ClientCa | tls::File::Ca => self.client_ca.as_ref(),
        };
        named.unwrap_or(&self.certificate).clone()
    }
}

/// The address of any listener.
pub(super) fn listen(item: Item<'_>, places: &mut Places) -> Option<SocketAddr> {
    let address = item.address()?;
    places.listen.push((address, item.spot()));
    Some(address)
}

pub(super) fn read_tls(
    broker: &Table<'_>,
    base: &Path,
    places: &mut Places,
) -> Option<tls::Settings> {
    let read = |table: &Table<'_>| tls_settings(table, base, places);
    broker.optional("tls", |item| item.table("[broker.tls]".to_owned(), read)?)
}

fn tls_settings(table: &Table<'_>, base: &Path, places: &mut Places) -> Option<tls::Settings> {
    table.goes_with("require_certificate", "client_ca");
    let file = |item: Item<'_>| Some((base.join(item.text()?), item.spot()));
    // All are read before the first missing one ends it: each is to be reported.
    let address = table.required("listen", |item| listen(item, places));
    let certificate = table.required("certificate", file);
    let key = table.required("key", file);
    let client_ca = table.optional("client_ca", file);
    let require_certificate = table.optional("require_certificate", Item::flag);
    let ((certificate, certificate_at), (key, key_at)) = (certificate?, key?);
    let (client_ca, client_ca_at): (Option<PathBuf>, Option<Spot>) = client_ca.unzip();
    places.tls = Some(TlsPlaces {
        certificate: certificate_at,
        key: key_at,
        client_ca: client_ca_at,
    });
    Some(tls::Settings {
        listen: address?,
        certificate,
        key,
        client_ca,
        require_certificate: require_certificate.unwrap_or(false),
    })
}

/// Reads the certificates, as the start will.
pub(super) fn check_files(settings: &tls::Settings, places: &TlsPlaces, findings: &Findings) {
    let problem =
        |fault: tls::Fault| Problem::at(places.of(fault.file), fault.message).hint(fault.hint);
    match tls::check(settings, Clock::start().now().utc) {
        Ok(warnings) => {
            for fault in warnings {
                findings.warning(problem(fault));
            }
        }
        Err(faults) => {
            for fault in faults {
                findings.error(problem(fault));
            }
        }
    }
}

pub(super) fn read_websocket(broker: &Table<'_>, places: &mut Places) -> websocket::Settings {
    let defaults = websocket::Settings::default();
    let read = |table: &Table<'_>| websocket::Settings {
        listen: table.optional("listen", |item| listen(item, places)),
        page: table.optional("page", Item::flag).unwrap_or(defaults.page),
        origins: table
            .optional("origins", |item| item.one_or_list(origin))
            .unwrap_or_default(),
    };
    let title = "[broker.websocket]".to_owned();
    broker
        .optional("websocket", |item| item.table(title, read))
        .unwrap_or_default()
}

/// Scheme, host and port, as a browser tells them of a page; or `*`.
fn origin(item: Item<'_>) -> Option<String> {
    let text = item.text()?;
    let is_origin = |(scheme, host): (&str, &str)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', ' '])
    };
    if text == "*" || text.split_once("://").is_some_and(is_origin) {
        return Some(text);
    }
    item.wrong(
        format!("{} is no origin of a page", quoted(&text)),
        "write what the browser's address line begins with, such as \"http://localhost:3000\"",
    )
}
