//! Which topic something gets that has another name in a file.

use std::collections::HashMap;

use crate::broker::topic;
use crate::home::Thing;

/// Names and their topics.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping {
    /// What somebody wants; none leaves it out.
    wanted: HashMap<String, Option<String>>,
    /// What is sensible where nobody wants anything.
    sensible: HashMap<String, String>,
}

impl Mapping {
    /// Reads `NAME=TOPIC`, or `NAME=` for what is to be left out.
    ///
    /// # Errors
    /// What to write instead.
    pub fn want(&mut self, text: &str) -> Result<(), String> {
        let Some((name, topic)) = text.rsplit_once('=') else {
            return Err(format!(
                "`{text}` is no mapping: write NAME=TOPIC, or NAME= to leave something out"
            ));
        };
        let (name, topic) = (name.trim(), topic.trim());
        let topic = match topic {
            "" => None,
            topic if is_of_the_house(topic) => Some(topic.to_owned()),
            topic => return Err(no_topic(topic)),
        };
        self.wanted.insert(name.to_owned(), topic);
        Ok(())
    }

    /// Reads a file of mappings, one a line; what follows ` #` is a remark.
    ///
    /// # Errors
    /// The line, and what to write instead.
    pub fn want_all(&mut self, text: &str) -> Result<(), String> {
        for (index, line) in text.lines().enumerate() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if !line.is_empty() && !line.starts_with('#') {
                let wanted = self.want(line);
                wanted.map_err(|why| format!("line {}: {why}", index + 1))?;
            }
        }
        Ok(())
    }

    /// A topic for a name that nobody may have thought of.
    pub fn suggest(&mut self, name: &str, topic: String) {
        self.sensible.insert(name.to_owned(), topic);
    }

    /// The topic of a name; none if it is to be left out.
    ///
    /// # Errors
    /// What to do if it has none.
    pub fn topic(&self, name: &str) -> Result<Option<String>, String> {
        match (self.wanted.get(name), self.sensible.get(name)) {
            (Some(wanted), _) => Ok(wanted.clone()),
            (None, Some(sensible)) => Ok(Some(sensible.clone())),
            (None, None) if is_of_the_house(name) => Ok(Some(name.to_owned())),
            (None, None) => Err(format!(
                "{}; give it one with --map '{name}=home/ROOM/THING', or leave it out with --map \
                 '{name}='",
                no_topic(name)
            )),
        }
    }

    /// What is wanted for names that `is_there` does not know.
    pub fn unknown(&self, is_there: impl Fn(&str) -> bool) -> Vec<&str> {
        let names = self.wanted.keys().map(String::as_str);
        let mut unknown: Vec<&str> = names.filter(|name| !is_there(name)).collect();
        unknown.sort_unstable();
        unknown
    }
}

/// A thing, or its commands.
fn is_of_the_house(name: &str) -> bool {
    let is_thing = Thing::from_topic(name).is_some() || Thing::from_set_topic(name).is_some();
    is_thing && topic::valid_name(name)
}

fn no_topic(name: &str) -> String {
    format!("`{name}` is no topic of the house: home/ROOM/THING, or home/ROOM/THING/set")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(text: &str) -> Mapping {
        let mut mapping = Mapping::default();
        mapping.want_all(text).unwrap();
        mapping
    }

    #[test]
    fn what_is_wanted_goes_before_what_is_sensible() {
        let mut mapping = mapping(
            "# rooms\nsensor.a = home/hall/a  # 7 readings\n\nsensor.b=\nweather,s=1 t=home/x/t\n",
        );
        for name in ["sensor.a", "sensor.b", "sensor.c"] {
            mapping.suggest(name, format!("home/{name}/sensor"));
        }
        let topic = |name: &str| mapping.topic(name).unwrap();
        assert_eq!(topic("sensor.a").as_deref(), Some("home/hall/a"));
        assert_eq!(topic("sensor.b"), None);
        assert_eq!(topic("sensor.c").as_deref(), Some("home/sensor.c/sensor"));
        assert_eq!(topic("weather,s=1 t").as_deref(), Some("home/x/t"));
        assert_eq!(topic("home/a/b/set").as_deref(), Some("home/a/b/set"));
        let unknown = mapping.unknown(|name| name.starts_with("sensor"));
        assert_eq!(unknown, ["weather,s=1 t"]);
    }

    #[test]
    fn what_is_no_mapping_is_told_with_its_line() {
        let told = |text: &str| Mapping::default().want_all(text).unwrap_err();
        assert!(told("\nsensor.a\n").starts_with("line 2: `sensor.a` is no mapping: write"));
        assert_eq!(
            told("a=garden"),
            "line 1: `garden` is no topic of the house: home/ROOM/THING, or home/ROOM/THING/set"
        );
        assert!(told("a=home/+/b").contains("is no topic of the house"));
        let told = Mapping::default().topic("x").unwrap_err();
        assert!(told.contains("--map 'x=home/ROOM/THING'"), "{told}");
    }
}
