//! Reads `[serial]` and `[board.NAME]`.

use std::collections::BTreeMap;
use std::path::Path;

use super::check::Places;
use super::item::Item;
use super::problem::{Problem, Spot, quoted};
use super::table::Table;
use crate::boards::{BoardSettings, FoundBy, Settings, ThingSettings};
use crate::home::topic::word;
use crate::home::{Kind, Thing};

/// Speeds that some serial chip between a Pi and a board can do.
const BAUD: std::ops::RangeInclusive<u32> = 300..=4_000_000;

pub(super) fn read(root: &Table<'_>, base: &Path, places: &mut Places) -> Settings {
    let mut settings = root
        .optional("serial", |item| {
            item.table("[serial]".to_owned(), read_serial)
        })
        .unwrap_or_default();
    if let Some(boards) = root.item("board") {
        settings.boards = boards.named_tables(|item| read_board(item, places));
    }
    start_paths_at(base, &mut settings);
    settings
}

fn start_paths_at(base: &Path, settings: &mut Settings) {
    let named = settings
        .boards
        .iter_mut()
        .filter_map(|board| match &mut board.found_by {
            FoundBy::Port(port) => Some(port),
            FoundBy::Id(_) | FoundBy::Usb(_) => None,
        });
    for port in settings.ports.iter_mut().chain(named) {
        *port = base.join(&*port);
    }
}

fn read_serial(table: &Table<'_>) -> Settings {
    let ports = table.optional("ports", |item| item.list(Item::device_path));
    Settings {
        scan: table.optional("scan", Item::flag).unwrap_or(true),
        ports: ports.unwrap_or_default(),
        boards: Vec::new(),
    }
}

fn read_board(item: Item<'_>, places: &mut Places) -> Option<BoardSettings> {
    let name = item.name_as_word();
    item.table(format!("[board.{}]", item.name()), |table| {
        let found_by = read_found_by(table, places);
        let room = table.optional("room", Item::word);
        let baud = table.optional("baud", |item| item.integer(BAUD));
        let in_room = room.clone().or_else(|| name.clone());
        let things = table
            .item("thing")
            .map(|item| read_things(item, in_room.as_deref(), places));
        Some(BoardSettings {
            name: name?,
            found_by: found_by?,
            room,
            baud,
            things: things.unwrap_or_default(),
        })
    })?
}

fn read_found_by(table: &Table<'_>, places: &mut Places) -> Option<FoundBy> {
    let item = table.exactly_one(&["id", "usb", "port"])?;
    let found_by = match item.name() {
        "id" => FoundBy::Id(item.word()?),
        "usb" => FoundBy::Usb(item.text()?),
        _ => FoundBy::Port(item.device_path()?),
    };
    let sign = match &found_by {
        FoundBy::Id(id) => format!("the id {}", quoted(id)),
        FoundBy::Usb(serial) => format!("the USB serial number {}", quoted(serial)),
        FoundBy::Port(path) => format!("the port {}", path.display()),
    };
    places.boards.push((sign, item.spot()));
    Some(found_by)
}

fn read_things(
    item: Item<'_>,
    room: Option<&str>,
    places: &mut Places,
) -> BTreeMap<String, ThingSettings> {
    let mut seen: BTreeMap<String, Spot> = BTreeMap::new();
    let read = |item: Item<'_>| {
        let key = thing_key(item, &mut seen)?;
        let thing = read_thing(item)?;
        let name = thing.name.as_ref().unwrap_or(&key);
        if let Some(room) = thing.room.as_deref().or(room) {
            let thing = Thing::new(room, name.as_str());
            places.things.push((thing, item.key_spot()));
        }
        Some((key, thing))
    };
    item.named_tables(read).into_iter().collect()
}

/// The name that the sketch prints, made a word.
fn thing_key(item: Item<'_>, seen: &mut BTreeMap<String, Spot>) -> Option<String> {
    let key = word(item.name());
    if key.is_empty() {
        item.error(Problem::at(
            item.key_spot(),
            "this name holds no letter or digit",
        ));
        return None;
    }
    if let Some(first) = seen.insert(key.clone(), item.key_spot()) {
        let message = format!("two names that both read as `{key}`");
        item.error(Problem::at(item.key_spot(), message).also(first, "first here"));
    }
    Some(key)
}

fn read_thing(item: Item<'_>) -> Option<ThingSettings> {
    item.table(format!("thing `{}`", item.name()), |table| {
        let kind = table.optional("kind", Item::home_word);
        range_fits(table, kind);
        ThingSettings {
            name: table.optional("name", Item::word),
            room: table.optional("room", Item::word),
            kind,
            device_class: table.optional("device_class", Item::home_word),
            unit: table.optional("unit", Item::text),
            min: table.optional("min", Item::number),
            max: table.optional("max", Item::number),
        }
    })
}

fn range_fits(table: &Table<'_>, kind: Option<Kind>) {
    if kind.is_some_and(|kind| kind != Kind::Number) {
        let hint = "leave it out, or write kind = \"number\"";
        table.refuse("min", "only a number that can be set has a `min`", hint);
        table.refuse("max", "only a number that can be set has a `max`", hint);
        return;
    }
    let (Some(min), Some(max)) = (table.item("min"), table.item("max")) else {
        return;
    };
    if let (Some(low), Some(high)) = (as_number(&min), as_number(&max))
        && low >= high
    {
        let problem = Problem::at(max.spot(), "`max` must be above `min`");
        table.error(problem.also(min.spot(), "`min` is here"));
    }
}

/// The number, without a report if it is none: its reader reports that.
fn as_number(item: &Item<'_>) -> Option<f64> {
    match item.value() {
        toml::de::DeValue::Integer(_) | toml::de::DeValue::Float(_) => item.number(),
        _ => None,
    }
}
