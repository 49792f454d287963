//! Reads `[gpio]` and `[pin.NAME]`.

use std::time::Duration;

use super::check::Places;
use super::item::Item;
use super::table::Table;
use crate::gpio::{Bias, Direction, Driver, PinSettings, Settings};
use crate::home::Thing;

/// The BCM numbers on the Pi's 40-pin header.
const GPIO: std::ops::RangeInclusive<u32> = 0..=27;
/// Longer than most contacts bounce, shorter than a person notices.
const DEFAULT_DEBOUNCE: Duration = Duration::from_millis(30);
const LONGEST_DEBOUNCE: Duration = Duration::from_secs(60);

const DRIVERS: [(&str, Driver); 3] = [
    ("kernel", Driver::Kernel),
    ("rppal", Driver::Rppal),
    ("simulated", Driver::Simulated),
];
const BIASES: [(&str, Bias); 3] = [
    ("none", Bias::None),
    ("pull-up", Bias::PullUp),
    ("pull-down", Bias::PullDown),
];
const LEVELS: [(&str, bool); 2] = [("off", false), ("on", true)];

#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

const WAYS: [(&str, Way); 2] = [("input", Way::In), ("output", Way::Out)];

pub(super) fn read(root: &Table<'_>, places: &mut Places) -> Settings {
    let read = |table: &Table<'_>| table.optional("driver", driver);
    let title = || "[gpio]".to_owned();
    let driver = root.optional("gpio", |item| item.table(title(), read)?);
    let pins = root.item("pin");
    Settings {
        driver: driver.unwrap_or_default(),
        pins: pins
            .map(|pins| pins.named_tables(|item| read_pin(item, places)))
            .unwrap_or_default(),
    }
}

fn driver(item: Item<'_>) -> Option<Driver> {
    let driver = item.choice(&DRIVERS)?;
    if driver == Driver::Rppal && !cfg!(feature = "rppal") {
        return item.wrong(
            "this hearth was built without the rppal driver",
            "write \"kernel\", or build with `cargo build --release --features rppal`",
        );
    }
    Some(driver)
}

fn read_pin(item: Item<'_>, places: &mut Places) -> Option<PinSettings> {
    let name = item.name_as_word();
    item.table(format!("[pin.{}]", item.name()), |table| {
        let gpio = table.required("gpio", |item| gpio(item, places));
        let room = table.required("room", Item::word);
        if let (Some(room), Some(name)) = (&room, &name) {
            let thing = Thing::new(room.as_str(), name.as_str());
            places.things.push((thing, item.key_spot()));
        }
        let direction = read_direction(table);
        let active_low = table.optional("active_low", Item::flag);
        let device_class = table.optional("device_class", Item::home_word);
        Some(PinSettings {
            name: name?,
            room: room?,
            gpio: gpio?,
            direction: direction?,
            active_low: active_low.unwrap_or(false),
            device_class,
        })
    })?
}

fn gpio(item: Item<'_>, places: &mut Places) -> Option<u8> {
    let gpio = u8::try_from(item.integer(GPIO)?).ok()?;
    places.gpios.push((gpio, item.spot()));
    Some(gpio)
}

fn read_direction(table: &Table<'_>) -> Option<Direction> {
    match table.required("direction", |item| item.choice(&WAYS)) {
        Some(Way::In) => Some(read_input(table)),
        Some(Way::Out) => Some(read_output(table)),
        None => {
            // Which of these fit is unknown, so none of them is a problem.
            table.skip(&["safe", "bias", "debounce"]);
            None
        }
    }
}

fn read_input(table: &Table<'_>) -> Direction {
    table.refuse(
        "safe",
        "an input has no safe level",
        "leave `safe` out, or write direction = \"output\"",
    );
    let bias = table.optional("bias", |item| item.choice(&BIASES));
    let debounce = table.optional("debounce", |item| {
        item.duration_within(Duration::ZERO, LONGEST_DEBOUNCE)
    });
    Direction::Input {
        bias: bias.unwrap_or_default(),
        debounce: debounce.unwrap_or(DEFAULT_DEBOUNCE),
    }
}

fn read_output(table: &Table<'_>) -> Direction {
    let hint = "leave it out, or write direction = \"input\"";
    table.refuse("bias", "only an input has a `bias`", hint);
    table.refuse("debounce", "only an input has a `debounce`", hint);
    let safe = table.optional("safe", |item| item.choice(&LEVELS));
    Direction::Output {
        safe: safe.unwrap_or(false),
    }
}
