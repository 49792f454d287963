//! Days of the week.

use jiff::civil::Weekday;

use super::part::{Part, Problem};

const WEEK: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "mon", "monday"),
    (Weekday::Tuesday, "tue", "tuesday"),
    (Weekday::Wednesday, "wed", "wednesday"),
    (Weekday::Thursday, "thu", "thursday"),
    (Weekday::Friday, "fri", "friday"),
    (Weekday::Saturday, "sat", "saturday"),
    (Weekday::Sunday, "sun", "sunday"),
];

/// A set of weekdays, all by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days([bool; 7]);

impl Default for Days {
    fn default() -> Days {
        Days([true; 7])
    }
}

impl FromIterator<Weekday> for Days {
    fn from_iter<T: IntoIterator<Item = Weekday>>(days: T) -> Days {
        let mut set = Days([false; 7]);
        days.into_iter().for_each(|day| set.add(day));
        set
    }
}

impl Days {
    /// Names and ranges with commas between, such as `mon-fri`, `sat,sun` or
    /// `fri-mon`.
    pub fn parse(text: &str) -> Result<Days, Problem> {
        let mut days = Days([false; 7]);
        for piece in Part::whole(text).split(|c| c == ',') {
            days.add_range(piece.trim())?;
        }
        Ok(days)
    }

    pub fn contains(self, day: Weekday) -> bool {
        WEEK.iter()
            .zip(self.0)
            .any(|(known, set)| set && known.0 == day)
    }

    fn add(&mut self, day: Weekday) {
        let known = WEEK.iter().zip(&mut self.0);
        known
            .filter(|(known, _)| known.0 == day)
            .for_each(|(_, set)| *set = true);
    }

    /// A week has no end, so a range may go across Sunday.
    fn add_range(&mut self, piece: Part<'_>) -> Result<(), Problem> {
        let (first, last) = match piece.split_once('-') {
            Some((first, last)) => (weekday(first.trim())?, weekday(last.trim())?),
            None => (weekday(piece)?, weekday(piece)?),
        };
        self.add(last);
        let mut day = first;
        while day != last {
            self.add(day);
            day = day.next();
        }
        Ok(())
    }
}

fn weekday(piece: Part<'_>) -> Result<Weekday, Problem> {
    let name = piece.text.to_ascii_lowercase();
    let known = WEEK.iter().find(|(_, short, long)| {
        // "tues" and "thurs" are written too.
        name.starts_with(short) && long.starts_with(&name)
    });
    let message = match piece.text {
        "" => "a day is missing: write days as mon-fri or sat,sun".to_owned(),
        text => format!("`{text}` is no weekday: write mon, tue, wed, thu, fri, sat or sun"),
    };
    known.map(|day| day.0).ok_or_else(|| piece.problem(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let days = Days::parse(text).unwrap();
        let letter = |day: &(Weekday, &'static str, &str)| match days.contains(day.0) {
            true => day.1[..1].to_uppercase(),
            false => "-".to_owned(),
        };
        WEEK.iter().map(letter).collect()
    }

    #[test]
    fn names_ranges_and_lists_are_read() {
        assert_eq!(shown("mon-fri"), "MTWTF--");
        assert_eq!(shown("sat,sun"), "-----SS");
        assert_eq!(shown("Fri-Mon"), "M---FSS");
        assert_eq!(shown(" tuesday , thurs-fri "), "-T-TF--");
        assert_eq!(shown("wed-wed"), "--W----");
        assert_eq!(shown("mon-sun"), "MTWTFSS");
    }

    #[test]
    fn what_is_no_day_is_pointed_at() {
        let within = |text: &str| Days::parse(text).unwrap_err().within;
        assert_eq!(within("mon, funday"), 5..11);
        assert_eq!(within("mon-"), 4..4);
        assert_eq!(within("mon,,tue"), 4..4);
        assert_eq!(within("mon,"), 4..4);
        assert_eq!(within("m"), 0..1);
        assert_eq!(within(""), 0..0);
        assert_eq!(within("mon–fri"), 0..9);
    }

    #[test]
    fn all_days_unless_told_otherwise() {
        assert_eq!(Days::parse("mon-sun"), Ok(Days::default()));
        let weekend: Days = [Weekday::Saturday, Weekday::Sunday].into_iter().collect();
        assert_eq!(Days::parse("sat-sun"), Ok(weekend));
    }
}
