//! What cannot be read, as the page tells it: whose, of which time, and what can be done.

use crate::clock::UtcMillis;
use crate::history::Damage;
use crate::home::Thing;
use crate::web::chart::instant;
use crate::web::chart::window::{Asked, Calendar, Window};
use crate::web::past::ways::Place;

/// A chart shows no less, in milliseconds.
const SHORTEST: i64 = 60_000;

/// A part of the file that cannot be read.
#[derive(Debug)]
pub struct Harm<'a> {
    pub damage: &'a Damage,
    /// `Sun 1 Mar 2026, 00:00 to 04:12`, where that is known.
    pub when: Option<String>,
    /// The chart of that time, where there is one.
    pub href: Option<String>,
    /// What brings its readings back from a copy; none where nobody knows whose they are.
    pub commands: Option<[String; 2]>,
}

impl<'a> Harm<'a> {
    pub fn new(damage: &'a Damage, calendar: &Calendar) -> Harm<'a> {
        let window = damage.stretch.and_then(|ends| window(ends, calendar));
        let thing = damage.topic.as_deref().and_then(Thing::from_topic);
        let both = window.as_ref().zip(thing);
        let of = damage.topic.as_deref().zip(window.as_ref());
        Harm {
            damage,
            when: window.as_ref().map(|window| calendar.title(window)),
            href: both.map(|(window, thing)| Place::chart([thing.topic()]).at(window)),
            // Minutes and hours cannot be imported.
            commands: of
                .filter(|_| !damage.is_rollup)
                .and_then(|(topic, window)| commands(topic, window, calendar)),
        }
    }
}

fn window((first, last): (UtcMillis, UtcMillis), calendar: &Calendar) -> Option<Window> {
    let last = UtcMillis(last.0.max(first.0.saturating_add(SHORTEST)));
    let [from, to] = [first, last].map(instant::write);
    let asked = Asked {
        from: Some(&from),
        to: Some(&to),
        ..Asked::default()
    };
    calendar.read(&asked).ok()
}

/// Both for a shell. A topic with a quote in it would need more care than anybody takes.
fn commands(topic: &str, window: &Window, calendar: &Calendar) -> Option<[String; 2]> {
    if topic.contains('\'') {
        return None;
    }
    let minute = |at: i64| {
        let zoned = instant::zoned(UtcMillis(at), calendar.zone)?;
        Some(zoned.strftime("%Y-%m-%dT%H:%M").to_string())
    };
    let (from, to) = (minute(window.from.0)?, minute(window.to.0 + SHORTEST)?);
    let export = format!(
        "hearth history export --data COPY --topic '{topic}' --from {from} --to {to} -o part.csv"
    );
    Some([export, "hearth history import part.csv".to_owned()])
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::history::Then;

    fn damage(topic: Option<&str>, stretch: Option<(i64, i64)>) -> Damage {
        Damage {
            what: "chunk 12".to_owned(),
            topic: topic.map(str::to_owned),
            stretch: stretch.map(|(first, last)| (UtcMillis(first), UtcMillis(last))),
            reason: "is damaged: its checksum is wrong".to_owned(),
            is_rollup: false,
            then: Then::Aside,
        }
    }

    #[test]
    fn damage_is_told_in_the_time_of_the_house_with_a_way_back() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let calendar = Calendar {
            now: UtcMillis(1_795_872_600_000),
            zone: &zone,
        };
        // 2026-03-01T00:00:00Z to 04:12:07Z.
        let lux = damage(
            Some("home/hall/lux"),
            Some((1_772_323_200_000, 1_772_338_327_000)),
        );
        let harm = Harm::new(&lux, &calendar);
        assert_eq!(harm.when.unwrap(), "Sun 1 Mar 2026, 01:00 to 05:12");
        assert_eq!(
            harm.href.unwrap(),
            "/chart?t=home/hall/lux&from=2026-03-01T00:00:00Z&to=2026-03-01T04:12:07Z"
        );
        assert_eq!(
            harm.commands.unwrap()[0],
            "hearth history export --data COPY --topic 'home/hall/lux' --from 2026-03-01T01:00 \
             --to 2026-03-01T05:13 -o part.csv"
        );
        let moment = damage(Some("hearth/hook/bell"), Some((0, 0)));
        let harm = Harm::new(&moment, &calendar);
        assert_eq!(harm.when.unwrap(), "Thu 1 Jan 1970, 01:00:00 to 01:01:00");
        assert_eq!(harm.href, None);
        let block = damage(None, None);
        let harm = Harm::new(&block, &calendar);
        assert!(harm.when.is_none() && harm.commands.is_none());
    }
}
