//! What the rules are told at which time, and what they do then if nothing happens to
//! them: all in milliseconds since the script's beginning.
//!
//! An input that falls in a downtime comes late, and what is late must not change what
//! is done. So whatever ends a wait, or has to come before the end of one, is more than
//! [`MOST_DOWN`] away from it.

use std::time::Duration;

/// A downtime that is longer makes another story of the script.
pub const MOST_DOWN: Duration = Duration::from_millis(2000);

/// When nothing is left to be done.
pub const OVER: u64 = 7400;

/// Where the pump takes commands, and where it reports.
pub const PUMP_SET: &str = "home/pond/pump/set";
pub const PUMP: &str = "home/pond/pump";

pub const RULES: &str = r#"
[[rule]]
name = "Motion light"
when = { topic = "home/hall/motion", is = "on" }
then = [
    { set = "home/hall/light", to = "on" },
    { delay = "1s" },
    { set = "home/hall/light", to = "off" },
]

[[rule]]
name = "Pond is low"
when = { topic = "home/pond/level", below = 10, for = "1s" }
then = [{ notify = "low: {{ payload }}", topic = "act/pond" }]

[[rule]]
name = "Blink"
mode = "queued"
when = { topic = "home/door/bell", changes = true }
then = [{ repeat = 2, do = [
    { publish = "act/blink", payload = "{{ payload }} on {{ round }}", qos = 1 },
    { delay = "200ms" },
    { publish = "act/blink", payload = "{{ payload }} off {{ round }}", qos = 1 },
    { delay = "200ms" },
] }]

[[rule]]
name = "Gate"
cooldown = "3500ms"
when = { topic = "home/gate/push", changes = true }
then = [{ publish = "act/gate", payload = "{{ payload }}", qos = 1 }]

[[rule]]
name = "Stairs"
mode = "restart"
when = { topic = "home/stairs/step", changes = true }
then = [
    { publish = "act/stairs", payload = "light {{ payload }}", qos = 1 },
    { delay = "3s" },
    { publish = "act/stairs", payload = "dark {{ payload }}", qos = 1 },
]

[[rule]]
name = "Windows"
mode = "parallel"
when = { matches = "home/{room}/window", is = "open" }
then = [
    { publish = "act/window/{{ room }}", payload = "opened", qos = 1 },
    { delay = "1200ms" },
    { publish = "act/window/{{ room }}", payload = "still open", qos = 1 },
]

[[rule]]
name = "Garage"
when = { topic = "home/garage/door", is = "open" }
then = [
    { wait_for = "value('home/garage/car') == 'away'", timeout = "1500ms", on_timeout = "go_on" },
    { publish = "act/garage", payload = "waited", qos = 1 },
]

[[rule]]
name = "Shed"
when = { topic = "home/shed/door", is = "open" }
then = [
    { wait_for = "value('home/shed/mower') == 'away'", timeout = "4s", on_timeout = "stop" },
    { publish = "act/shed", payload = "away", qos = 1 },
]

[[rule]]
name = "Pump"
keep = { thing = "home/pond/pump", at = "on", unless = "value('home/pond/dry') == 'on'", otherwise = "off" }
"#;

/// How the house is found.
pub const FOUND: [(&str, &str); 11] = [
    (PUMP, "on"),
    ("home/hall/motion", "off"),
    ("home/pond/level", "30"),
    ("home/door/bell", "a"),
    ("home/gate/push", "1"),
    ("home/stairs/step", "w"),
    ("home/kitchen/window", "shut"),
    ("home/bath/window", "shut"),
    ("home/garage/door", "shut"),
    ("home/shed/door", "shut"),
    ("home/pond/dry", "off"),
];

/// What boards report, retained, in order of time.
pub const INPUTS: [(u64, &str, &str); 22] = [
    (500, "home/hall/motion", "on"),
    (800, "home/garage/door", "open"),
    (800, "home/shed/door", "open"),
    (1000, "home/pond/level", "8"),
    (1000, "home/door/bell", "b"),
    (1000, "home/gate/push", "2"),
    (1000, "home/stairs/step", "x"),
    (1200, "home/kitchen/window", "open"),
    (1300, "home/door/bell", "c"),
    (1300, "home/gate/push", "3"),
    (1500, "home/bath/window", "open"),
    (1500, "home/stairs/step", "y"),
    (2000, "home/pond/dry", "on"),
    (2200, "home/shed/mower", "away"),
    (3800, "home/hall/motion", "off"),
    (4800, "home/pond/level", "20"),
    (5000, "home/hall/motion", "on"),
    (5000, "home/door/bell", "d"),
    (5000, "home/pond/dry", "off"),
    (5000, "home/kitchen/window", "shut"),
    (5400, "home/kitchen/window", "open"),
    (5500, "home/pond/level", "7"),
];

/// The last one has a rest behind it that a downtime must not eat.
pub const LAST_INPUT: (u64, &str, &str) = (7000, "home/gate/push", "4");

/// What comes of it, by topic.
pub fn expected() -> Vec<(&'static str, Vec<(u64, &'static str)>)> {
    vec![
        (
            "home/hall/light/set",
            vec![(500, "on"), (1500, "off"), (5000, "on"), (6000, "off")],
        ),
        ("act/pond", vec![(2000, "low: 8"), (6500, "low: 7")]),
        (
            "act/blink",
            vec![
                (1000, "b on 1"),
                (1200, "b off 1"),
                (1400, "b on 2"),
                (1600, "b off 2"),
                (1800, "c on 1"),
                (2000, "c off 1"),
                (2200, "c on 2"),
                (2400, "c off 2"),
                (5000, "d on 1"),
                (5200, "d off 1"),
                (5400, "d on 2"),
                (5600, "d off 2"),
            ],
        ),
        ("act/gate", vec![(1000, "2"), (7000, "4")]),
        (
            "act/stairs",
            vec![(1000, "light x"), (1500, "light y"), (4500, "dark y")],
        ),
        (
            "act/window/kitchen",
            vec![
                (1200, "opened"),
                (2400, "still open"),
                (5400, "opened"),
                (6600, "still open"),
            ],
        ),
        (
            "act/window/bath",
            vec![(1500, "opened"), (2700, "still open")],
        ),
        ("act/garage", vec![(2300, "waited")]),
        ("act/shed", vec![(2200, "away")]),
        (PUMP_SET, vec![(2000, "off"), (5000, "on")]),
    ]
}
