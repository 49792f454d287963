//! Reading a cron expression, and telling what is wrong with it.

use super::super::Dst;
use super::super::part::{CronProblem, Part};
use super::{Cron, Set};

const ORDER: &str = "minute, hour, day of the month, month and weekday";

/// What a field may hold.
struct Field {
    name: &'static str,
    least: i8,
    most: i8,
    /// How many steps there are before it begins again.
    length: i8,
    names: &'static [&'static str],
}

const MINUTE: Field = field("minute", 0, 59, &[]);
const HOUR: Field = field("hour", 0, 23, &[]);
const DAY: Field = field("day of the month", 1, 31, &[]);
const MONTH: Field = field(
    "month",
    1,
    12,
    &[
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ],
);
/// Sunday is 0 and 7.
const WEEKDAY: Field = Field {
    length: 7,
    ..field(
        "weekday",
        0,
        7,
        &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    )
};

const fn field(name: &'static str, least: i8, most: i8, names: &'static [&'static str]) -> Field {
    Field {
        name,
        least,
        most,
        length: most - least + 1,
        names,
    }
}

/// Short names that other crons know.
pub(super) const SHORT: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * SUN"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Cron {
    /// Minute, hour, day of the month, month, weekday: numbers, names such as
    /// `MON` and `JAN`, `*`, and lists, ranges and steps of them.
    pub fn parse(text: &str) -> Result<Cron, CronProblem> {
        let fields = Part::whole(text).split(char::is_whitespace);
        let fields: Vec<Part<'_>> = fields.filter(|part| !part.text.is_empty()).collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(Part::whole(text).problem(miscounted(text, fields.len())));
        };
        let mut weekdays = WEEKDAY.read(weekday)?;
        if weekdays.has(7) {
            weekdays.add(0);
        }
        Ok(Cron {
            minutes: MINUTE.read(minute)?,
            hours: HOUR.read(hour)?,
            days: DAY.read(day)?,
            months: MONTH.read(month)?,
            weekdays,
            either_day: !day.text.starts_with('*') && !weekday.text.starts_with('*'),
            dst: Dst::default(),
        })
    }
}

fn miscounted(text: &str, count: usize) -> String {
    let short = SHORT
        .iter()
        .find(|(short, _)| text.trim().eq_ignore_ascii_case(short));
    match (short, count) {
        (Some((short, long)), _) => format!("`{short}` is not known here: write `{long}`"),
        (None, 6) => format!("a cron has five fields, {ORDER}, and no seconds: this one has six"),
        (None, 0) => format!("a cron has five fields, {ORDER}: write `0 7 * * *` for 07:00"),
        (None, count) => {
            format!("a cron has five fields, {ORDER}, with blanks between: this one has {count}")
        }
    }
}

impl Field {
    fn read(&self, field: Part<'_>) -> Result<Set, CronProblem> {
        let mut set = Set::default();
        for item in field.split(|c| c == ',') {
            self.read_item(item, &mut set)?;
        }
        Ok(set)
    }

    /// One of those between the commas.
    fn read_item(&self, item: Part<'_>, set: &mut Set) -> Result<(), CronProblem> {
        let (numbers, step) = match item.split_once('/') {
            Some((numbers, step)) => (numbers, Some(step)),
            None => (item, None),
        };
        let every = step.map_or(Ok(1), |step| self.read_step(step))?;
        let (first, last) = match (numbers.split_once('-'), step) {
            _ if numbers.text == "*" => (self.least, self.last()),
            (Some((first, last)), _) => self.read_range(numbers, first, last)?,
            (None, None) => (self.read_number(numbers)?, self.read_number(numbers)?),
            (None, Some(step)) => {
                let first = self.read_number(numbers)?.min(self.last());
                return Err(self.lonely_step(item, first, step));
            }
        };
        let numbers = (first..=last).step_by(every);
        numbers.for_each(|number| set.add(number));
        Ok(())
    }

    /// Without the second Sunday, which a step would count twice.
    fn last(&self) -> i8 {
        self.least + self.length - 1
    }

    fn read_range(
        &self,
        range: Part<'_>,
        first: Part<'_>,
        last: Part<'_>,
    ) -> Result<(i8, i8), CronProblem> {
        let (mut from, mut to) = (self.read_number(first)?, self.read_number(last)?);
        // Of the two Sundays, the one that makes it a range.
        if self.most > self.last() && from > to {
            (from, to) = (from % 7, if to == 0 { 7 } else { to });
        }
        if from <= to {
            return Ok((from, to));
        }
        let (first, last, text) = (first.text, last.text, range.text);
        let (least, most) = (self.least, self.last());
        Err(range.problem(format!(
            "`{text}` runs backwards: write `{first}-{most},{least}-{last}`"
        )))
    }

    fn read_number(&self, part: Part<'_>) -> Result<i8, CronProblem> {
        let same = |name: &&str| name.eq_ignore_ascii_case(part.text);
        if let Some(index) = self.names.iter().position(same) {
            return Ok(i8::try_from(index).unwrap_or(0) + self.least);
        }
        let number = number(part.text).filter(|number| (self.least..=self.most).contains(number));
        number.ok_or_else(|| part.problem(self.no_number(part.text)))
    }

    fn no_number(&self, text: &str) -> String {
        let Field {
            name, least, most, ..
        } = self;
        let names = match self.names {
            [first, .., last] => format!(", or {first} to {last}"),
            _ => String::new(),
        };
        match text {
            "" => format!("a number is missing: the {name} goes from {least} to {most}{names}"),
            "?" => format!("`?` is not known here: write `*` for every {name}"),
            _ => format!("`{text}` is no {name}: it goes from {least} to {most}{names}"),
        }
    }

    fn read_step(&self, step: Part<'_>) -> Result<usize, CronProblem> {
        let most = self.length - 1;
        let fits = |step: &i8| (1..=most).contains(step);
        let read = number(step.text).filter(fits).map(usize::try_from);
        read.and_then(Result::ok).ok_or_else(|| {
            let (text, name) = (step.text, self.name);
            step.problem(format!(
                "`{text}` is no step for the {name}: it goes from 1 to {most}"
            ))
        })
    }

    fn lonely_step(&self, item: Part<'_>, first: i8, step: Part<'_>) -> CronProblem {
        let (text, step, most) = (item.text, step.text, self.last());
        item.problem(format!(
            "`{text}` steps through nothing: write `{first}-{most}/{step}`"
        ))
    }
}

fn number(text: &str) -> Option<i8> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}
