//! Where everything lies in a chart: numbers above, below them a lane for each of several
//! series that was silent, then the bands of states, and the times at the bottom.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::beyond::{Beyond, beyond};
use super::draw::{self, Area, Band, Line, states};
use super::markup::{escape, number};
use super::numbers::{Gap, Numbers};
use super::times::time_ticks;
use super::values::ValueAxis;
use super::{Drawn, Extent, LEFT, RIGHT, Size};
use crate::clock::UtcMillis;

/// Room for the unit above, and for the times below.
const TOP: f64 = 22.0;
const BOTTOM: f64 = 24.0;
/// Height of an on/off band, and of its name when there are several series.
const BAND: f64 = 24.0;
const BAND_NAME: f64 = 16.0;
const BAND_GAP: f64 = 8.0;
/// Height of the lane with the silences of one of several series, and the room above.
const LANE: f64 = 16.0;
const LANE_GAP: f64 = 5.0;

/// What some of the series have, by their places.
type Places<T> = Vec<(usize, Vec<T>)>;

/// Where everything lies.
pub struct Layout {
    pub width: f64,
    pub height: f64,
    from: UtcMillis,
    to: UtcMillis,
    /// Lower edge of the numbers; there are none when it is at the top.
    floor: f64,
    /// The silences of several series, by their places.
    silences: Places<Gap>,
    /// Single readings that the axis does not reach, by the places of their series.
    beyond: Places<Beyond>,
    band_name: f64,
    axis: Option<ValueAxis>,
}

impl Layout {
    /// Fits what is below the numbers to what there is.
    pub fn new(series: &[Drawn], extent: &Extent, size: Size) -> Layout {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let bands = series
            .iter()
            .filter_map(|drawn| states(drawn.stretch))
            .count();
        let band_name = if series.len() > 1 { BAND_NAME } else { 0.0 };
        let bands = bands as f64 * (BAND + BAND_GAP + band_name);
        let (ends, beyond) = ends(series, extent.is_whole);
        let ticks = if height < 200.0 { 3 } else { 5 };
        let axis = ends.map(|ends| value_axis(series, ends, ticks));
        let all_empty = axis.is_none() && bands == 0.0;
        let floor = match axis.is_some() || all_empty {
            true => (height - BOTTOM).max(TOP + 60.0),
            false => BAND_GAP,
        };
        let silences = match axis.is_some() {
            true => silences(series, extent),
            false => Vec::new(),
        };
        let lanes = silences.len() as f64 * (LANE + LANE_GAP);
        Layout {
            width: width.max(LEFT + RIGHT + 60.0),
            height: floor + lanes + bands + BOTTOM,
            from: extent.from,
            to: extent.to,
            floor,
            silences,
            beyond,
            band_name,
            axis,
        }
    }

    fn area(&self, top: f64, bottom: f64) -> Area {
        let across = (LEFT, self.width - RIGHT);
        Area::new(self.from, self.to, across, (top, bottom))
    }

    /// In the place of a chart.
    pub fn say_empty(&self, out: &mut String) {
        let (x, y) = (number(self.width / 2.0), number(self.height / 2.0));
        let _ = write!(
            out,
            "<text class=\"empty\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" opacity=\".7\">\
             No readings in this time</text>"
        );
    }

    /// Everything, from back to front.
    pub fn draw(&self, out: &mut String, series: &[Drawn], extent: &Extent) {
        self.time_grid(out, extent.zone);
        let area = self.area(TOP, self.floor);
        if let Some(axis) = &self.axis {
            self.value_grid(out, &area, axis, unit(series));
        }
        if let [numbers] = all_numbers(series)[..] {
            gaps(out, &area, &numbers, extent);
        }
        let mut top = self.lanes(out, series);
        for drawn in series {
            let _ = write!(out, "<g class=\"series series-{}\">", drawn.nth);
            if let (Some(numbers), Some(axis)) = (Numbers::of(drawn), &self.axis) {
                let (until, dashes) = (extent.end(), drawn.dashes());
                let line = Line {
                    numbers,
                    until,
                    dashes,
                };
                draw::numbers(out, &area, axis, &line);
            }
            if let Some(changes) = states(drawn.stretch) {
                top += self.band_name + BAND_GAP;
                self.band_name(out, drawn.label, top);
                let (until, words) = (extent.end(), Some(drawn.words()));
                let band = Band {
                    changes,
                    until,
                    words,
                };
                draw::band(out, &self.area(top, top + BAND), &band);
                top += BAND;
            }
            out.push_str("</g>");
        }
        self.arrows(out, &area, series);
    }

    /// An arrow for each reading that the axis does not reach.
    fn arrows(&self, out: &mut String, area: &Area, series: &[Drawn]) {
        for (place, beyond) in &self.beyond {
            let Some(drawn) = series.get(*place) else {
                continue;
            };
            let _ = write!(out, "<g class=\"series series-{}\">", drawn.nth);
            for one in beyond {
                draw::arrow(out, area, one, drawn.unit.unwrap_or_default());
            }
            out.push_str("</g>");
        }
    }

    /// A lane for each of several series that was silent; says where the last one ends.
    fn lanes(&self, out: &mut String, series: &[Drawn]) -> f64 {
        let mut top = self.floor;
        if !self.silences.is_empty() {
            let (x, y) = (
                number(LEFT - 6.0),
                number(top + LANE_GAP + LANE / 2.0 + 4.0),
            );
            let _ = write!(
                out,
                "<g class=\"grid\"><text class=\"label\" x=\"{x}\" y=\"{y}\" \
                 text-anchor=\"end\">silent</text></g>"
            );
        }
        for (place, gaps) in &self.silences {
            let Some(drawn) = series.get(*place) else {
                continue;
            };
            top += LANE_GAP;
            let _ = write!(out, "<g class=\"series series-{}\">", drawn.nth);
            draw::lane(out, &self.area(top, top + LANE), gaps, drawn.label);
            out.push_str("</g>");
            top += LANE;
        }
        top
    }

    fn band_name(&self, out: &mut String, name: &str, top: f64) {
        if self.band_name > 0.0 {
            let (x, y, name) = (number(LEFT), number(top - 4.0), escape(name));
            let _ = write!(
                out,
                "<text class=\"label\" x=\"{x}\" y=\"{y}\">{name}</text>"
            );
        }
    }

    fn value_grid(&self, out: &mut String, area: &Area, axis: &ValueAxis, unit: &str) {
        let right = number(self.width - RIGHT);
        out.push_str("<g class=\"grid\">");
        for tick in axis.ticks() {
            let y = area.y(axis.place(tick.at));
            let (line, text) = (number(y), number(y + 4.0));
            // A long number is written smaller, as the room is what it is.
            let size = match tick.label.chars().count() {
                ..8 => "",
                8 => " font-size=\"10\"",
                _ => " font-size=\"9\"",
            };
            let _ = write!(
                out,
                "<path d=\"M{LEFT} {line}H{right}\" stroke=\"currentColor\" opacity=\".15\"/>\
                 <text class=\"label\" x=\"{}\" y=\"{text}\" text-anchor=\"end\"{size}>{}</text>",
                number(LEFT - 6.0),
                tick.label
            );
        }
        let unit = escape(unit);
        let x = number(LEFT - 6.0);
        let _ = write!(
            out,
            "<text class=\"label\" x=\"{x}\" y=\"11\" text-anchor=\"end\" opacity=\".7\">{unit}</text></g>"
        );
    }

    fn time_grid(&self, out: &mut String, zone: &TimeZone) {
        let area = self.area(TOP, self.floor);
        let bottom = self.height - BOTTOM;
        let top = if self.axis.is_some() { TOP } else { 0.0 };
        let width = self.width - LEFT - RIGHT;
        out.push_str("<g class=\"grid\">");
        for tick in time_ticks(self.from, self.to, zone, width) {
            let (x, label) = (area.x(tick.at), tick.label);
            let (line, text) = (number(x), number(bottom + 17.0));
            let (top, bottom) = (number(top), number(bottom + 4.0));
            // A label at the edge stays inside.
            let anchor = if x > self.width - 30.0 {
                "end"
            } else {
                "middle"
            };
            let _ = write!(
                out,
                "<path d=\"M{line} {top}V{bottom}\" stroke=\"currentColor\" opacity=\".15\"/>\
                 <text class=\"label\" x=\"{line}\" y=\"{text}\" text-anchor=\"{anchor}\">{label}</text>"
            );
        }
        out.push_str("</g>");
    }
}

/// Where the only numbers are silent; several series have a lane each.
fn gaps(out: &mut String, area: &Area, numbers: &Numbers, extent: &Extent) {
    out.push_str("<g class=\"grid\">");
    for gap in numbers.gaps(extent) {
        draw::gap(out, area, &gap);
    }
    out.push_str("</g>");
}

fn all_numbers<'a>(series: &[Drawn<'a>]) -> Vec<Numbers<'a>> {
    series.iter().filter_map(Numbers::of).collect()
}

/// Which of several series were silent, and when.
fn silences(series: &[Drawn], extent: &Extent) -> Places<Gap> {
    if all_numbers(series).len() < 2 {
        return Vec::new();
    }
    let gaps = |drawn: &Drawn| Numbers::of(drawn).map(|numbers| numbers.gaps(extent));
    let all = series.iter().enumerate();
    all.filter_map(|(place, drawn)| Some((place, gaps(drawn)?)))
        .filter(|(_, gaps)| !gaps.is_empty())
        .collect()
}

/// The least and the greatest value for the axis, and what lies beyond it.
fn ends(series: &[Drawn], is_whole: bool) -> (Option<(f64, f64)>, Places<Beyond>) {
    let mut all: Option<(f64, f64)> = None;
    let mut out = Vec::new();
    for (place, drawn) in series.iter().enumerate() {
        let Some(numbers) = Numbers::of(drawn) else {
            continue;
        };
        let mut ends = numbers.ends();
        if let (Some((beyond, rest)), false) = (beyond(&numbers), is_whole) {
            out.push((place, beyond));
            ends = Some(rest);
        }
        all = all.into_iter().chain(ends).reduce(both);
    }
    (all, out)
}

fn both(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0.min(b.0), a.1.max(b.1))
}

/// Covers all that is drawn, and what could be where that says more.
fn value_axis(series: &[Drawn], ends: (f64, f64), ticks: usize) -> ValueAxis {
    let numbers = series
        .iter()
        .filter_map(|drawn| Some((drawn, Numbers::of(drawn)?)));
    let ranges = numbers.map(|(drawn, numbers)| range(drawn, &numbers, ends));
    let ranges: Option<Vec<_>> = ranges.collect();
    let range = ranges.and_then(|ranges| ranges.into_iter().reduce(both));
    let covers = |range: &(f64, f64)| range.0 <= ends.0 && ends.1 <= range.1;
    let (min, max) = range.filter(covers).unwrap_or(ends);
    ValueAxis::covering(min, max, ticks)
}

/// All that a level can be, where a part of it would mislead: half power is to be seen as
/// half. Degrees and volts have no such whole.
fn range(drawn: &Drawn, numbers: &Numbers, (min, max): (f64, f64)) -> Option<(f64, f64)> {
    let moves = drawn.is_set || max - min >= 20.0;
    match drawn.unit {
        Some("%") if numbers.is_stepped() && moves => Some(drawn.range.unwrap_or((0.0, 100.0))),
        None if drawn.is_set => drawn.range,
        _ => None,
    }
}

/// The unit of the axis: that of the first series of numbers.
fn unit<'a>(series: &[Drawn<'a>]) -> &'a str {
    let mut numbers = series.iter().filter(|drawn| Numbers::of(drawn).is_some());
    numbers.find_map(|drawn| drawn.unit).unwrap_or_default()
}
