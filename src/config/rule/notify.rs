//! Reads `notify`: a word to people, and the way that it takes.

use std::time::Duration;

use hyper::Uri;

use crate::config::item::Item;
use crate::config::problem::{Problem, quoted};
use crate::config::table::Table;
use crate::rules::{ActionSettings, Channel, NotifySettings};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUTS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
const DEFAULT_RETRIES: u32 = 3;
const RETRIES: std::ops::RangeInclusive<u32> = 0..=10;

pub(super) fn read(table: &Table<'_>, kind: Item<'_>) -> Option<ActionSettings> {
    let message = kind.text();
    let title = table.optional("title", Item::text);
    let way = read_way(table);
    let (timeout, retries) = match way.map(|way| way.name()) {
        Some("topic") => {
            for key in ["timeout", "retries"] {
                let message = format!("`{key}` belongs to `ntfy` or `webhook`, not to `topic`");
                table.refuse(
                    key,
                    &message,
                    "leave it out: this house's own broker is always there",
                );
            }
            let message = "`title` belongs to `ntfy` or `webhook`, not to `topic`";
            let hint = "put it into the text: a message at a topic is its payload, and no more";
            table.refuse("title", message, hint);
            (None, None)
        }
        _ => {
            let [shortest, longest] = TIMEOUTS;
            let within = |item: Item<'_>| item.duration_within(shortest, longest);
            (
                table.optional("timeout", within),
                table.optional("retries", |item| item.integer(RETRIES)),
            )
        }
    };
    Some(ActionSettings::Notify(NotifySettings {
        message: message?,
        title,
        to: read_channel(way?)?,
        timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
        retries: retries.unwrap_or(DEFAULT_RETRIES),
    }))
}

fn read_way<'a>(table: &Table<'a>) -> Option<Item<'a>> {
    const WAYS: [&str; 3] = ["topic", "ntfy", "webhook"];
    if table.has_any(&WAYS) {
        return table.exactly_one(&WAYS);
    }
    let problem = Problem::at(table.spot(), "this `notify` does not say by which way");
    let hint = "add topic = \"home-news\", ntfy = \"https://ntfy.sh/your-topic\" or \
                webhook = \"https://…\"";
    table.miss(WAYS.to_vec(), problem.hint(hint));
    None
}

fn read_channel(way: Item<'_>) -> Option<Channel> {
    if way.value().as_str().is_some_and(|text| text.contains("{{")) {
        let message = format!("`{}` is fixed, without {{{{ … }}}}", way.name());
        return way.wrong(message, "what changes belongs into the text of `notify`");
    }
    match way.name() {
        "topic" => way.topic_to_publish().map(Channel::Topic),
        "ntfy" => read_ntfy(way).map(Channel::Ntfy),
        _ => read_address(way).map(|(text, _)| Channel::Webhook(text)),
    }
}

/// An address that a message can be posted to.
fn read_address(item: Item<'_>) -> Option<(String, Uri)> {
    let example = match item.name() {
        "ntfy" => "write it in full, such as \"https://ntfy.sh/your-topic\"",
        _ => "write it in full, such as \"https://example.org/hook\"",
    };
    let text = item.text()?;
    let Some((scheme, _)) = text.split_once("://") else {
        let message = format!("{} is no address of the web", quoted(&text));
        return item.wrong(message, example);
    };
    if !matches!(scheme, "http" | "https") {
        let message = format!(
            "messages go out by https or http, not by {}",
            quoted(scheme)
        );
        return item.wrong(message, example);
    }
    let uri = text.parse::<Uri>().ok();
    let uri = uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
    let Some(uri) = uri.filter(|_| text.is_ascii()) else {
        let message = format!("{} is no address of the web", quoted(&text));
        return item.wrong(message, example);
    };
    if uri
        .authority()
        .is_some_and(|host| host.as_str().contains('@'))
    {
        let message = "an address holds no user and no password";
        return item.wrong(message, "leave out what stands before the `@`, and the `@`");
    }
    Some((text, uri))
}

/// The last level of the address is the topic on the ntfy server.
fn read_ntfy(item: Item<'_>) -> Option<String> {
    let (text, uri) = read_address(item)?;
    if uri.path().trim_matches('/').is_empty() {
        let server = text.trim_end_matches('/');
        return item.wrong(
            "this address names no topic of the ntfy server",
            format!("write ntfy = \"{server}/your-topic\", and choose a topic nobody guesses"),
        );
    }
    Some(text)
}
