//! Topics for the entities of Home Assistant: `sensor.living_room_temperature` is
//! `home/living-room/temperature`.
//!
//! Entities have no rooms in the recorder's file, but most have one in their name.

use std::collections::HashSet;

use super::Entity;
use crate::home::{DeviceClass, Quantity, Thing, topic::word};

/// A topic for each entity, no two the same.
pub fn topics(entities: &[Entity]) -> Vec<String> {
    let mut taken = HashSet::new();
    let free = |entity: &Entity| {
        let thing = thing(entity);
        let domain = word(domain(&entity.id).0);
        let further = (2..).map(|n| format!("{}-{n}", thing.name));
        let mut names = [thing.name.clone(), format!("{}-{domain}", thing.name)]
            .into_iter()
            .chain(further)
            .map(|name| Thing::new(&*thing.room, name).topic());
        let free = names.find(|topic| taken.insert(topic.clone()));
        free.unwrap_or_default()
    };
    entities.iter().map(free).collect()
}

/// A class under the name that it has in Home Assistant.
pub fn class(name: &str) -> Option<DeviceClass> {
    serde_json::from_value(name.into()).ok()
}

/// What an entity is called, and where it seems to be.
fn thing(entity: &Entity) -> Thing {
    let (domain, object) = domain(&entity.id);
    let words: Vec<&str> = object.split('_').filter(|word| !word.is_empty()).collect();
    let (named, nth) = match words.split_last() {
        // `temperature_2` is the second of that name.
        Some((last, rest)) if rest.len() > 1 && last.parse::<u32>().is_ok() => (rest, Some(*last)),
        _ => (&words[..], None),
    };
    let class = entity.device_class.as_deref();
    if let Some(place) = split(named, class) {
        let name: Vec<&str> = named[place..].iter().copied().chain(nth).collect();
        return made(&named[..place], &name.join("-"), domain);
    }
    let unit = entity.unit.as_deref().and_then(Quantity::from_unit);
    let of_unit = unit.and_then(|quantity| quantity.device_class);
    let of_unit = of_unit.and_then(|class| serde_json::to_value(class).ok());
    let of_unit = of_unit.as_ref().and_then(|name| name.as_str());
    made(&words, class.or(of_unit).unwrap_or(domain), domain)
}

/// Where the room ends and the thing begins, if the name tells.
fn split(words: &[&str], class: Option<&str>) -> Option<usize> {
    let class: Vec<&str> = class.map_or(Vec::new(), |class| class.split('_').collect());
    let before = words.len().saturating_sub(class.len());
    if !class.is_empty() && before > 0 && words[before..] == class[..] {
        return Some(before);
    }
    let last = words.last().filter(|_| words.len() > 1)?;
    // A single letter may be anything.
    let tells = last.len() > 1 && Quantity::from_name(last).is_some();
    tells.then(|| words.len() - 1)
}

fn made(room: &[&str], name: &str, domain: &str) -> Thing {
    let or = |made: String, other: &str| match made.is_empty() {
        true => other.to_owned(),
        false => made,
    };
    let room = or(word(&room.join("-")), "home-assistant");
    Thing::new(room, or(word(name), &or(word(domain), "thing")))
}

fn domain(id: &str) -> (&str, &str) {
    id.split_once('.').unwrap_or(("entity", id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(id: &str, class: Option<&str>, unit: Option<&str>) -> Entity {
        Entity {
            id: id.to_owned(),
            unit: unit.map(str::to_owned),
            device_class: class.map(str::to_owned),
        }
    }

    #[test]
    fn most_names_tell_room_and_thing() {
        for (id, class, unit, topic) in [
            (
                "sensor.living_room_temperature",
                Some("temperature"),
                Some("°C"),
                "home/living-room/temperature",
            ),
            (
                "sensor.hall_carbon_dioxide",
                Some("carbon_dioxide"),
                None,
                "home/hall/carbon-dioxide",
            ),
            ("sensor.garden_humidity", None, None, "home/garden/humidity"),
            (
                "sensor.garden_temperature_2",
                Some("temperature"),
                None,
                "home/garden/temperature-2",
            ),
            ("switch.garden_pump", None, None, "home/garden/pump"),
            (
                "binary_sensor.front_door",
                Some("door"),
                None,
                "home/front/door",
            ),
            (
                "sensor.outdoor",
                Some("temperature"),
                None,
                "home/outdoor/temperature",
            ),
            ("sensor.meter", None, Some("kWh"), "home/meter/energy"),
            (
                "light.kitchen_ceiling",
                None,
                None,
                "home/kitchen-ceiling/light",
            ),
            ("sun.sun", None, None, "home/sun/sun"),
            ("sensor.temperature", None, None, "home/temperature/sensor"),
            ("person.Änne", None, None, "home/änne/person"),
            ("sensor._", None, None, "home/home-assistant/sensor"),
            ("odd", None, None, "home/odd/entity"),
        ] {
            let thing = thing(&entity(id, class, unit));
            assert_eq!(thing.topic(), topic, "{id}");
        }
    }

    #[test]
    fn no_two_entities_have_one_topic() {
        let ids = [
            "number.hall_temperature",
            "sensor.hall_temperature",
            "sensor.hall__temperature",
            "sensor.hall_temperature_",
        ];
        let entities = ids.map(|id| entity(id, None, None));
        assert_eq!(
            topics(&entities),
            [
                "home/hall/temperature",
                "home/hall/temperature-sensor",
                "home/hall/temperature-2",
                "home/hall/temperature-3",
            ]
        );
    }
}
