//! Reads `[gpio]` and `[pin.NAME]`.

use std::time::Duration;

use super::check::Places;
use super::item::Item;
use super::table::Table;
use crate::gpio::level::Duty;
use crate::gpio::{Bias, Direction, Driver, PinSettings, Settings};
use crate::home::Thing;

/// The BCM numbers on the Pi's 40-pin header.
const GPIO: std::ops::RangeInclusive<u32> = 0..=27;
/// Longer than most contacts bounce, shorter than a person notices.
const DEFAULT_DEBOUNCE: Duration = Duration::from_millis(30);
const LONGEST_DEBOUNCE: Duration = Duration::from_secs(60);
/// The numbers that have PWM on some Pi: 14 and 15 on a Pi 5 alone.
const PWM: [u32; 6] = [12, 13, 14, 15, 18, 19];
/// In Hz. Fast enough for a lamp that does not flicker, slow enough for motors.
const DEFAULT_FREQUENCY: u32 = 1000;
const FREQUENCIES: std::ops::RangeInclusive<u32> = 1..=1_000_000;

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
    Pwm,
}

const WAYS: [(&str, Way); 3] = [("input", Way::In), ("output", Way::Out), ("pwm", Way::Pwm)];

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
        if let (Some(Direction::Pwm { .. }), Some(item)) = (direction, table.item("gpio")) {
            check_pwm(item);
        }
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
        Some(Way::Pwm) => Some(read_pwm(table)),
        None => {
            // Which of these fit is unknown, so none of them is a problem.
            table.skip(&["safe", "bias", "debounce", "frequency"]);
            None
        }
    }
}

/// A number that is no GPIO at all was told already.
fn check_pwm(item: Item<'_>) {
    let Some(gpio) = item.value().as_integer() else {
        return;
    };
    let number = u32::from_str_radix(gpio.as_str(), gpio.radix());
    if number.is_ok_and(|number| GPIO.contains(&number) && !PWM.contains(&number)) {
        item.wrong::<()>(
            "this GPIO has no PWM",
            "write 12, 13, 18 or 19 (on a Pi 5 also 14 or 15), or direction = \"output\"",
        );
    }
}

fn read_input(table: &Table<'_>) -> Direction {
    refuse_frequency(table);
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

fn refuse_frequency(table: &Table<'_>) {
    table.refuse(
        "frequency",
        "only a pin with PWM has a `frequency`",
        "leave it out, or write direction = \"pwm\"",
    );
}

fn refuse_what_inputs_have(table: &Table<'_>) {
    let hint = "leave it out, or write direction = \"input\"";
    table.refuse("bias", "only an input has a `bias`", hint);
    table.refuse("debounce", "only an input has a `debounce`", hint);
}

fn read_pwm(table: &Table<'_>) -> Direction {
    refuse_what_inputs_have(table);
    let frequency = table.optional("frequency", |item| item.integer(FREQUENCIES));
    let safe = table.optional("safe", |item| item.number_within(0.0..=100.0));
    Direction::Pwm {
        frequency: frequency.unwrap_or(DEFAULT_FREQUENCY),
        safe: safe.and_then(Duty::from_percent).unwrap_or(Duty::OFF),
    }
}

fn read_output(table: &Table<'_>) -> Direction {
    refuse_frequency(table);
    refuse_what_inputs_have(table);
    let safe = table.optional("safe", |item| item.choice(&LEVELS));
    Direction::Output {
        safe: safe.unwrap_or(false),
    }
}
