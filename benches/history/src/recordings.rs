//! What real sensors said: recordings that two packages of PyPI ship, read as they are there.
//!
//! `benches/history/recordings/requirements.txt` names the packages; `scripts/bench-history`
//! unpacks these files. Times are counted from the beginning of each recording.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// What stations write for a value that is missing.
const MISSING: [f64; 6] = [-999.0, -99.9, -99.99, -9999.0, -9999.9, -7999.0];

/// What one sensor said.
pub struct Series {
    pub topic: Arc<str>,
    /// Milliseconds since the recording began, and the value.
    pub samples: Vec<(i64, f64)>,
}

/// All recordings of a folder.
pub struct Recordings {
    /// Weather, each minute.
    pub minutes: Vec<Series>,
    /// A pulse sensor, about a hundred times a second.
    pub pulse: Series,
}

impl Recordings {
    pub fn read(folder: &Path) -> anyhow::Result<Recordings> {
        let mut minutes = payerne(&text(folder, "bsrn-lr0100-pay0616.dat")?)?;
        minutes.extend(nrel(&text(folder, "midc_20181014.txt")?)?);
        minutes.extend(alamosa(&text(folder, "surfrad-slv16001.dat")?)?);
        let pulse = pulse(&text(folder, "data3.csv")?)?;
        for series in minutes.iter().chain([&pulse]) {
            let count = series.samples.len();
            ensure!(
                count > 1000,
                "only {count} samples of {} were found: the file is not what it was",
                series.topic
            );
        }
        Ok(Recordings { minutes, pulse })
    }

    pub fn all(&self) -> impl Iterator<Item = &Series> {
        self.minutes.iter().chain([&self.pulse])
    }
}

fn text(folder: &Path, name: &str) -> anyhow::Result<String> {
    let file = folder.join(name);
    std::fs::read_to_string(&file).with_context(|| {
        format!(
            "cannot read {}; scripts/bench-history fetches it",
            file.display()
        )
    })
}

/// June 2016 at Payerne (MeteoSwiss, for the Baseline Surface Radiation Network): two lines
/// for each minute after the mark of its record 0100.
fn payerne(text: &str) -> anyhow::Result<Vec<Series>> {
    let names = [
        "sunlight",
        "direct-sunlight",
        "diffuse-sunlight",
        "heat-from-above",
        "temperature",
        "humidity",
        "pressure",
    ];
    let mut all = Many::new("payerne", &names);
    let lines = text
        .lines()
        .skip_while(|line| !matches!(*line, "*U0100" | "*C0100"));
    let lines: Vec<&str> = lines
        .skip(1)
        .take_while(|line| !line.starts_with('*'))
        .collect();
    for pair in lines.chunks_exact(2) {
        let (first, second) = (numbers(pair[0], 10)?, numbers(pair[1], 11)?);
        let at = (first[0] as i64 - 1) * DAY_MS + first[1] as i64 * MINUTE_MS;
        // Of each kind of radiation its mean, deviation, least and most; the means are taken.
        let values = [
            first[2], first[6], second[0], second[4], second[8], second[9], second[10],
        ];
        all.push(at, &values);
    }
    Ok(all.series)
}

/// 14 October 2018 at a station of NREL's Measurement and Instrumentation Data Center.
fn nrel(text: &str) -> anyhow::Result<Vec<Series>> {
    let names = [
        "sunlight",
        "temperature-2m",
        "temperature-50m",
        "temperature-80m",
    ];
    let mut all = Many::new("midc", &names);
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        ensure!(fields.len() == 7, "a line of MIDC reads {line:?}");
        let clock = fields[1].split_once(':');
        let (hour, minute) = clock.with_context(|| format!("a time of MIDC reads {line:?}"))?;
        let at = (hour.parse::<i64>()? * 60 + minute.parse::<i64>()?) * MINUTE_MS;
        let value = |nth: usize| fields[nth].trim().parse::<f64>();
        all.push(at, &[value(2)?, value(4)?, value(5)?, value(6)?]);
    }
    Ok(all.series)
}

/// 1 January 2016 at Alamosa (NOAA's SURFRAD): each value is followed by a mark of its quality.
fn alamosa(text: &str) -> anyhow::Result<Vec<Series>> {
    let columns = [
        ("sunlight", 0),
        ("direct-sunlight", 2),
        ("diffuse-sunlight", 3),
        ("temperature", 15),
        ("humidity", 16),
        ("wind", 17),
        ("wind-from", 18),
        ("pressure", 19),
    ];
    let mut all = Many::new("alamosa", &columns.map(|(name, _)| name));
    for line in text.lines().skip(2) {
        let fields = numbers(line, 48)?;
        let at = (fields[4] as i64 * 60 + fields[5] as i64) * MINUTE_MS;
        all.push(at, &columns.map(|(_, nth)| fields[8 + 2 * nth]));
    }
    Ok(all.series)
}

/// A pulse sensor's counts, with the time of each.
fn pulse(text: &str) -> anyhow::Result<Series> {
    let mut all = Many::new("body", &["pulse"]);
    let mut begin = None;
    for line in text.lines().skip(1) {
        let read = || format!("a line of the pulse sensor reads {line:?}");
        let (when, value) = line.split_once(',').with_context(read)?;
        let at = time_of_day(when).with_context(read)?;
        let begin = *begin.get_or_insert(at);
        all.push(
            at - begin,
            &[value.trim().parse::<f64>().with_context(read)?],
        );
    }
    all.series.pop().context("no series")
}

/// Of `2016-11-24 13:58:58.081000`, in milliseconds.
fn time_of_day(text: &str) -> Option<i64> {
    let (_, time) = text.split_once(' ')?;
    let mut parts = time.split(':');
    let mut next = || parts.next()?.parse::<f64>().ok();
    let (hours, minutes, seconds) = (next()?, next()?, next()?);
    Some(((hours * 60.0 + minutes) * 60_000.0 + seconds * 1000.0).round() as i64)
}

fn numbers(line: &str, count: usize) -> anyhow::Result<Vec<f64>> {
    let read = line.split_whitespace().map(str::parse);
    let read: Result<Vec<f64>, _> = read.collect();
    let read = read.with_context(|| format!("a line reads {line:?}"))?;
    ensure!(
        read.len() == count,
        "a line has not {count} numbers: {line:?}"
    );
    Ok(read)
}

/// Series that share their times.
struct Many {
    series: Vec<Series>,
}

impl Many {
    fn new(place: &str, names: &[&str]) -> Many {
        let series = |name| Series {
            topic: Arc::from(format!("home/{place}/{name}")),
            samples: Vec::new(),
        };
        Many {
            series: names.iter().map(series).collect(),
        }
    }

    fn push(&mut self, at: i64, values: &[f64]) {
        for (series, value) in self.series.iter_mut().zip(values) {
            if !MISSING.contains(value) {
                series.samples.push((at, *value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(series: &[Series], name: &str) -> Vec<(i64, f64)> {
        let topic = |one: &&Series| one.topic.ends_with(name);
        series.iter().find(topic).unwrap().samples.clone()
    }

    #[test]
    fn stations_are_read() {
        let text = "*U0001\n 21  6 2016  1\n*U0100\n\
            \x20 1    0   -999 -99.9 -999 -999   -999 -99.9 -999 -999\n\
            \x20          -999 -99.9 -999 -999   -999 -99.9 -999 -999      9.3 100.5  958\n\
            \x20 2    1      7   0.1    0    0      0   0.0    0    0\n\
            \x20             0   0.2   -1    0    348   0.3  347  349      9.4 100.5  958\n";
        let series = payerne(text).unwrap();
        assert_eq!(of(&series, "/temperature"), [(0, 9.3), (86_460_000, 9.4)]);
        assert_eq!(of(&series, "/sunlight"), [(86_460_000, 7.0)]);
        assert_eq!(of(&series, "/heat-from-above"), [(86_460_000, 348.0)]);
    }

    #[test]
    fn lines_with_commas_are_read() {
        let day = "DATE,MST,a,b,c,d,e\n10/14/2018,11:38,444.773,1.2,-7.132,-7.8,-7.5\n";
        let series = nrel(day).unwrap();
        assert_eq!(of(&series, "sunlight"), [(41_880_000, 444.773)]);
        let heart = "datetime,hr\n2016-11-24 13:58:58.081000,326\n2016-11-24 13:58:58.097000,7\n";
        assert_eq!(pulse(heart).unwrap().samples, [(0, 326.0), (16, 7.0)]);
        assert!(nrel("DATE\n10/14/2018,11:38,444.773\n").is_err());
    }
}
