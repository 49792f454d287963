//! A day of the demo house under its own rules, in a moment: proof that they
//! close the loop, and soon enough to be watched. Tests only.
//!
//! The rules are read from the example itself, by a reader as plain as can be;
//! the boards are the demo's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use toml::{Table, Value};

use super::EXAMPLE;
use super::firmware::Firmware;
use super::physics::House;
use super::served::Served;
use super::sketch::{Place, Sketch};
use super::wiring::Wiring;
use crate::clock::Moment;

const TICK: Duration = Duration::from_millis(250);

/// Whether values of the house start it. Buttons wait for a person, and what is kept is
/// no edge: for these their own tests have to do.
fn waits_for_values(rule: &Table) -> bool {
    let when = rule.get("when");
    let first = when.and_then(|when| when.get(0).or(Some(when)));
    first.is_some_and(|trigger| trigger.get("topic").is_some())
}

/// One firing: seconds since the start, and the rule's name.
type Fired = (u64, String);

struct Demo {
    now: Moment,
    house: House,
    sketches: Vec<(Place, Sketch)>,
    stations: Vec<(Wiring, Firmware, Served)>,
    rules: Vec<Table>,
    values: BTreeMap<String, String>,
    /// Of each trigger: since when its test holds, and whether it has fired.
    held: BTreeMap<(usize, usize), (Moment, bool)>,
    fired: Vec<Fired>,
}

impl Demo {
    fn new(seed: u64) -> Demo {
        let example: Table = EXAMPLE.parse().unwrap();
        let table = |rule: &Value| rule.as_table().unwrap().clone();
        let rules = example["rule"].as_array().unwrap();
        let sketch = |place| (place, Sketch::new(place, Moment(0)));
        let station = |wiring| {
            let firmware = Firmware::new(wiring, Moment(0));
            (wiring, firmware, Served::new(wiring))
        };
        Demo {
            now: Moment(0),
            house: House::new(seed),
            sketches: Place::ALL.map(sketch).into(),
            stations: Wiring::ALL.map(station).into(),
            rules: rules.iter().map(table).filter(waits_for_values).collect(),
            values: BTreeMap::new(),
            held: BTreeMap::new(),
            fired: Vec::new(),
        }
    }

    fn live(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now = self.now + TICK;
            let now = self.now;
            self.house.pass(TICK);
            for index in 0..self.sketches.len() {
                let (place, sketch) = &mut self.sketches[index];
                let (place, printed) = (*place, sketch.run(now, &mut self.house));
                self.read(place, &printed);
            }
            for (wiring, firmware, served) in &mut self.stations {
                served.serve(firmware, now, &mut self.house);
                for (thing, value) in &served.values {
                    let topic = format!("home/{}/{thing}", wiring.name());
                    self.values.insert(topic, value.clone());
                }
            }
            self.judge(now);
        }
    }

    /// The values that a board printed, in whichever style.
    fn read(&mut self, place: Place, printed: &str) {
        let plain = printed.replace(['{', '}', '"'], "");
        for line in plain.lines() {
            let words: Vec<&str> = line.split([' ', ',', ':', '=']).collect();
            for pair in words.windows(2) {
                let topic = format!("home/{}/{}", place.name(), pair[0].replace('_', "-"));
                self.values.insert(topic, pair[1].to_owned());
            }
        }
    }

    fn judge(&mut self, now: Moment) {
        for index in 0..self.rules.len() {
            let rule = self.rules[index].clone();
            let when = match &rule["when"] {
                Value::Array(triggers) => triggers.clone(),
                trigger => vec![trigger.clone()],
            };
            for (number, trigger) in when.iter().enumerate() {
                if self.triggers((index, number), trigger, now) && self.condition(&rule) {
                    self.act(&rule, now);
                }
            }
        }
    }

    /// Whether the trigger fires now.
    fn triggers(&mut self, key: (usize, usize), trigger: &Value, now: Moment) -> bool {
        let topic = trigger["topic"].as_str().unwrap();
        let Some(value) = self.values.get(topic) else {
            return false;
        };
        let held = self.held.get(&key).copied();
        if !holds(trigger, value, held.is_some()) {
            self.held.remove(&key);
            return false;
        }
        let (since, fired) = held.unwrap_or((now, false));
        let seconds = |text: &str| text.trim_end_matches('s').parse::<u64>().unwrap();
        let hold = trigger
            .get("for")
            .map_or(0, |hold| seconds(hold.as_str().unwrap()));
        let due = now.since(since) >= Duration::from_secs(hold);
        self.held.insert(key, (since, fired || due));
        due && !fired
    }

    /// `value('a') == 'on' && value('b') < 100`, and nothing cleverer.
    fn condition(&self, rule: &Table) -> bool {
        let Some(condition) = rule.get("if") else {
            return true;
        };
        condition.as_str().unwrap().split(" && ").all(|part| {
            let (value, compared) = part.split_once(") ").unwrap();
            let topic = value.trim_start_matches("value(").trim_matches('\'');
            let value = &self.values[topic];
            match compared.split_once(' ').unwrap() {
                ("==", text) => value == text.trim_matches('\''),
                ("<", limit) => number(value) < number(limit),
                other => panic!("{other:?}"),
            }
        })
    }

    fn act(&mut self, rule: &Table, now: Moment) {
        self.fired
            .push((now.0 / 1000, rule["name"].as_str().unwrap().to_owned()));
        for action in rule["then"].as_array().unwrap() {
            let Some(topic) = action.get("set") else {
                continue;
            };
            let mut words = topic.as_str().unwrap().splitn(3, '/').skip(1);
            let (room, thing) = (words.next().unwrap(), words.next().unwrap());
            let to = action["to"].as_str().unwrap();
            let stations = &mut self.stations;
            let station = stations.iter_mut().find(|(place, ..)| place.name() == room);
            if let Some((.., served)) = station {
                served.command(thing, to);
                continue;
            }
            let sketches = &mut self.sketches;
            let sketch = sketches.iter_mut().find(|(place, _)| place.name() == room);
            let command = format!("{thing} {to}\n");
            assert_eq!(sketch.unwrap().1.receive(command.as_bytes()), 0);
        }
    }

    /// The rules that fired within the first `seconds`.
    fn fired_within(&self, seconds: u64) -> BTreeSet<&str> {
        let early = self.fired.iter().filter(|(at, _)| *at <= seconds);
        early.map(|(_, rule)| rule.as_str()).collect()
    }
}

/// Whether the test holds; once it did, up to the other limit.
fn holds(trigger: &Value, value: &str, held: bool) -> bool {
    let limit = |key: &str| {
        let limit = trigger.get(key)?;
        limit.as_float().or(limit.as_integer().map(|i| i as f64))
    };
    if let Some(wanted) = trigger.get("is") {
        return wanted.as_str() == Some(value);
    }
    if let Some(above) = limit("above") {
        let until = limit("until_below").unwrap();
        return number(value) > above || (held && number(value) >= until);
    }
    let (below, until) = (limit("below").unwrap(), limit("until_above").unwrap());
    number(value) < below || (held && number(value) <= until)
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn rules_fire_within_a_minute_and_most_within_five() {
    for seed in 0..5 {
        let mut demo = Demo::new(seed);
        demo.live(Duration::from_secs(300));
        let minute = demo.fired_within(60);
        assert!(minute.len() >= 3, "seed {seed}: {minute:?}");
        let five = demo.fired_within(300);
        assert!(five.len() >= 7, "seed {seed}: {five:?}");
    }
}

#[test]
fn every_rule_fires_in_a_day_and_none_chatters() {
    for seed in 0..5 {
        let mut demo = Demo::new(seed);
        demo.live(Duration::from_secs(600));
        for rule in &demo.rules {
            let name = rule["name"].as_str().unwrap();
            let times = demo.fired.iter().filter(|(_, fired)| fired == name).count();
            assert!((1..=40).contains(&times), "seed {seed}: {name}: {times}");
        }
    }
}

#[test]
fn the_rules_keep_the_house_comfortable() {
    let mut demo = Demo::new(1);
    demo.live(Duration::from_secs(60));
    for _ in 0..540 {
        demo.live(Duration::from_secs(1));
        let (living, green) = (&demo.house.living_room, &demo.house.greenhouse);
        assert!((19.0..26.0).contains(&living.temperature), "{living:?}");
        assert!(green.temperature < 29.0, "{green:?}");
        assert!((33.0..53.0).contains(&green.soil_moisture), "{green:?}");
    }
}

#[test]
fn without_a_gateway_the_boards_keep_the_house_by_their_own_rules() {
    let mut demo = Demo::new(1);
    demo.live(Duration::from_secs(10));
    for _ in 0..590 {
        demo.now = demo.now + Duration::from_secs(1);
        demo.house.pass(Duration::from_secs(1));
        for (_, firmware, _) in &mut demo.stations {
            // Nobody hears what it says.
            while firmware.next_wake() <= demo.now {
                firmware.run(firmware.next_wake(), &mut demo.house);
            }
        }
        let (living, green) = (&demo.house.living_room, &demo.house.greenhouse);
        assert!((18.5..26.0).contains(&living.temperature), "{living:?}");
        assert!(green.temperature < 29.0, "{green:?}");
        assert!((30.0..55.0).contains(&green.soil_moisture), "{green:?}");
    }
}
