//! What is kept of each topic: a thing and the commands to it are one.

use std::collections::BTreeMap;

use crate::clock::UtcMillis;
use crate::history::{Pattern, Policy, SeriesInfo, SeriesSize, Treatment};
use crate::home::{DeviceClass, Thing};
use crate::web::wording;

/// One topic of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// `home/<room>/<thing>`, or what somebody has imported.
    pub topic: String,
    pub unit: Option<String>,
    pub device_class: Option<DeviceClass>,
    /// The first and the last sample or command.
    pub first: UtcMillis,
    pub last: UtcMillis,
    /// Samples that are kept one by one.
    pub samples: u64,
    /// Commands that were given to it.
    pub commands: u64,
    /// Bytes of both.
    pub bytes: u64,
    pub treatment: Treatment,
}

impl Kept {
    /// In the order of the topics: the house first, the gateway last.
    pub fn gather(sizes: Vec<SeriesSize>, policy: &Policy) -> Vec<Kept> {
        let mut kept: BTreeMap<String, Kept> = BTreeMap::new();
        for size in sizes {
            let thing = Thing::from_set_topic(&size.info.topic);
            let topic = thing.as_ref().map(Thing::topic);
            let topic = topic.unwrap_or_else(|| size.info.topic.clone());
            let one = kept
                .entry(topic)
                .or_insert_with_key(|topic| Kept::new(topic, &size.info, policy));
            one.add(&size, thing.is_some());
        }
        let mut kept: Vec<Kept> = kept.into_values().collect();
        kept.sort_by_key(|one| (one.is_of_gateway(), Thing::from_topic(&one.topic).is_none()));
        kept
    }

    fn new(topic: &str, info: &SeriesInfo, policy: &Policy) -> Kept {
        Kept {
            topic: topic.to_owned(),
            unit: None,
            device_class: None,
            first: info.first,
            last: info.last,
            samples: 0,
            commands: 0,
            bytes: 0,
            treatment: policy.of(topic),
        }
    }

    fn add(&mut self, size: &SeriesSize, are_commands: bool) {
        let info = &size.info;
        self.first = self.first.min(info.first);
        self.last = self.last.max(info.last);
        self.bytes += size.bytes;
        if are_commands {
            self.commands += size.samples;
        } else {
            self.samples += size.samples;
            self.unit.clone_from(&info.unit);
            self.device_class = info.device_class;
        }
    }

    /// Whether it is what boards and people said to Hearth itself.
    pub fn is_of_gateway(&self) -> bool {
        self.topic.starts_with("hearth/")
    }

    /// The levels of its topic, and whether another follows: where its line may break.
    pub fn levels(&self) -> Vec<(&str, bool)> {
        let last = self.topic.split('/').count() - 1;
        let levels = self.topic.split('/').enumerate();
        levels.map(|(nth, level)| (level, nth < last)).collect()
    }

    /// `1,204 samples and 3 commands, 2.1 kB`; bytes of what is sealed.
    pub fn amount(&self) -> String {
        let samples = wording::count(self.samples, "sample");
        let commands = match self.commands {
            0 => String::new(),
            number => format!(" and {}", wording::count(number, "command")),
        };
        // What the log still holds has no size of its own.
        let bytes = match self.bytes {
            0 => String::new(),
            bytes => format!(", {}", wording::bytes(bytes as f64)),
        };
        format!("{samples}{commands}{bytes}")
    }

    /// What is different for it: `lazy`, `raw 30d, …`; none where it is like others.
    pub fn differences(&self) -> Vec<String> {
        let (usual, own) = (Treatment::default(), &self.treatment);
        differences(&Pattern {
            filter: String::new(),
            class: Some(own.class).filter(|class| *class != usual.class),
            keep: Some(own.keep).filter(|keep| *keep != usual.keep),
            deadband: own.deadband,
            record: Some(own.record).filter(|record| *record != usual.record),
        })
    }

    /// Whether what is said of it from now on comes into the history: things do, unless
    /// the config says otherwise.
    pub fn is_recorded(&self) -> bool {
        Thing::from_topic(&self.topic).is_some() && self.treatment.record
    }
}

/// What a pattern says, in words.
pub fn differences(pattern: &Pattern) -> Vec<String> {
    let record = pattern.record.map(|record| match record {
        true => "recorded".to_owned(),
        false => "not recorded".to_owned(),
    });
    if pattern.record == Some(false) {
        return record.into_iter().collect();
    }
    let class = pattern.class.map(|class| class.to_string());
    let keep = pattern.keep.map(|keep| format!("kept: {keep}"));
    let deadband = pattern.deadband.map(|width| format!("deadband {width}"));
    let told = [record, class, keep, deadband];
    told.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Class, Keep};

    fn size(topic: &str, samples: u64, first: i64, last: i64) -> SeriesSize {
        SeriesSize {
            info: SeriesInfo {
                topic: topic.to_owned(),
                unit: None,
                device_class: None,
                first: UtcMillis(first),
                last: UtcMillis(last),
            },
            samples,
            bytes: samples * 3,
        }
    }

    #[test]
    fn a_thing_and_its_commands_are_one() {
        let sizes = vec![
            size("home/hall/lamp/set", 2, 50, 90),
            size("home/hall/lamp", 1_000, 60, 80),
            size("home/attic/fan/set", 1, 5, 5),
            size("weather/wind", 7, 1, 2),
        ];
        let kept = Kept::gather(sizes, &Policy::default());
        let topics: Vec<&str> = kept.iter().map(|one| one.topic.as_str()).collect();
        assert_eq!(topics, ["home/attic/fan", "home/hall/lamp", "weather/wind"]);
        assert_eq!((kept[0].samples, kept[0].commands), (0, 1));
        let lamp = &kept[1];
        assert_eq!((lamp.first, lamp.last), (UtcMillis(50), UtcMillis(90)));
        assert_eq!(lamp.amount(), "1,000 samples and 2 commands, 3 kB");
        let fresh = Kept {
            bytes: 0,
            ..kept[2].clone()
        };
        assert_eq!(fresh.amount(), "7 samples");
    }

    #[test]
    fn the_house_comes_first() {
        let topics = [
            "hearth/hook/bell",
            "a/b",
            "home/hall/lamp",
            "home/attic/fan",
        ];
        let sizes = topics.map(|topic| size(topic, 1, 0, 0));
        let kept = Kept::gather(sizes.to_vec(), &Policy::default());
        let topics: Vec<&str> = kept.iter().map(|one| one.topic.as_str()).collect();
        let expected = [
            "home/attic/fan",
            "home/hall/lamp",
            "a/b",
            "hearth/hook/bell",
        ];
        assert_eq!(topics, expected);
    }

    #[test]
    fn only_what_is_different_is_told() {
        let policy = Policy {
            patterns: vec![
                Pattern {
                    filter: "home/+/lamp".to_owned(),
                    class: Some(Class::Lazy),
                    keep: Keep::parse("30d").ok(),
                    deadband: Some(0.5),
                    record: None,
                },
                Pattern {
                    filter: "home/bedroom/+".to_owned(),
                    record: Some(false),
                    ..Pattern::default()
                },
            ],
            ..Policy::default()
        };
        let told = |topic: &str| {
            let kept = Kept::gather(vec![size(topic, 1, 0, 0)], &policy);
            kept[0].differences()
        };
        assert!(told("home/hall/door").is_empty());
        let all = ["lazy", "kept: 30d", "deadband 0.5"];
        assert_eq!(told("home/hall/lamp"), all);
        assert_eq!(told("home/bedroom/lamp"), ["not recorded"]);
    }
}
