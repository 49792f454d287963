//! Charts as SVG: a stretch of the history in, markup out, nothing else.
//!
//! Everything is drawn in `currentColor` with opacities, so a chart follows the
//! page from light to dark by itself; classes leave the rest to the style
//! sheet: `chart`, `grid`, `label`, `series series-N`, `line`, `dots`, `range`, `band`,
//! `state state-on`, `empty`, `sparkline`.

mod draw;
mod markup;
mod times;
mod values;

use std::fmt::Write;

use jiff::tz::TimeZone;

use crate::clock::UtcMillis;
use crate::history::{Change, Point, Stretch};
use draw::{Area, states};
use markup::{escape, number};
use times::{moment, time_ticks};
use values::{ValueAxis, brief};

/// Room for the labels of values, in the drawing's units.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 10.0;
/// Room for the unit above, and for the times below.
const TOP: f64 = 22.0;
const BOTTOM: f64 = 24.0;
/// Height of an on/off band, and of its name when there are several series.
const BAND: f64 = 24.0;
const BAND_NAME: f64 = 16.0;
const BAND_GAP: f64 = 8.0;

/// A line of the grid.
#[derive(Clone, Debug, PartialEq)]
struct Tick<T> {
    at: T,
    label: String,
}

/// A series to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'a> {
    /// What people call it.
    pub label: &'a str,
    pub unit: Option<&'a str>,
    pub stretch: &'a Stretch,
}

/// How a chart is drawn.
#[derive(Clone, Debug)]
pub struct Options {
    /// Size of the drawing; the page scales it. Text is 12 units high, so a
    /// chart for a phone is drawn narrower and not scaled down.
    pub width: u32,
    pub height: u32,
    /// Where the times on the axis are told.
    pub zone: TimeZone,
}

/// Draws `series` from `from` to `to`: numbers over one common axis, on/off and
/// texts as a band each below. Give numbers of one unit: they share the axis.
pub fn chart(series: &[Drawn], from: UtcMillis, to: UtcMillis, options: &Options) -> String {
    let layout = Layout::new(series, from, to, options);
    let mut out = String::with_capacity(8192);
    let (width, height) = (number(layout.width), number(layout.height));
    let _ = write!(
        out,
        "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" xmlns=\"http://www.w3.org/2000/svg\" font-size=\"12\" \
         fill=\"currentColor\"><title>{}</title><desc>{}</desc>",
        escape(&title(series)),
        escape(&description(series, to, &options.zone)),
    );
    if series.iter().all(|drawn| is_empty(drawn.stretch)) {
        layout.say_empty(&mut out);
    } else {
        layout.draw(&mut out, series, options);
    }
    out.push_str("</svg>");
    out
}

/// Draws a stretch without axes, 120 by 32, to be stretched by the page. It is
/// hidden from screen readers: the value that stands beside it says more.
pub fn sparkline(stretch: &Stretch, from: UtcMillis, to: UtcMillis) -> String {
    let area = Area::new(from, to, (1.0, 119.0), (3.0, 29.0));
    let mut out = String::from(
        "<svg class=\"sparkline\" aria-hidden=\"true\" viewBox=\"0 0 120 32\" \
         preserveAspectRatio=\"none\" xmlns=\"http://www.w3.org/2000/svg\" fill=\"currentColor\">",
    );
    match stretch {
        Stretch::Numbers { points, .. } => {
            if let Some(axis) = value_axis(std::iter::once(points.as_slice()), 2) {
                draw::numbers(&mut out, &area, &axis, points);
            }
        }
        Stretch::States(changes) => draw::band(&mut out, &area, changes, false),
    }
    out.push_str("</svg>");
    out
}

/// Where everything lies.
struct Layout {
    width: f64,
    height: f64,
    from: UtcMillis,
    to: UtcMillis,
    /// Lower edge of the numbers; there are none when it is at the top.
    floor: f64,
    band_name: f64,
    axis: Option<ValueAxis>,
}

impl Layout {
    fn new(series: &[Drawn], from: UtcMillis, to: UtcMillis, options: &Options) -> Layout {
        let (width, height) = (f64::from(options.width), f64::from(options.height));
        let bands = series
            .iter()
            .filter_map(|drawn| states(drawn.stretch))
            .count();
        let band_name = if series.len() > 1 { BAND_NAME } else { 0.0 };
        let bands = bands as f64 * (BAND + BAND_GAP + band_name);
        let numbers = series
            .iter()
            .filter_map(|drawn| draw::points(drawn.stretch));
        let ticks = if height < 200.0 { 3 } else { 5 };
        let axis = value_axis(numbers, ticks);
        let all_empty = axis.is_none() && bands == 0.0;
        let floor = match axis.is_some() || all_empty {
            true => (height - BOTTOM - bands).max(TOP + 60.0),
            false => BAND_GAP,
        };
        Layout {
            width: width.max(LEFT + RIGHT + 60.0),
            height: floor + bands + BOTTOM,
            from,
            to,
            floor,
            band_name,
            axis,
        }
    }

    fn area(&self, top: f64, bottom: f64) -> Area {
        let across = (LEFT, self.width - RIGHT);
        Area::new(self.from, self.to, across, (top, bottom))
    }

    fn say_empty(&self, out: &mut String) {
        let (x, y) = (number(self.width / 2.0), number(self.height / 2.0));
        let _ = write!(
            out,
            "<text class=\"empty\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" opacity=\".7\">\
             No readings in this time</text>"
        );
    }

    fn draw(&self, out: &mut String, series: &[Drawn], options: &Options) {
        self.time_grid(out, &options.zone);
        let area = self.area(TOP, self.floor);
        if let Some(axis) = &self.axis {
            self.value_grid(out, &area, axis, unit(series));
        }
        let mut top = self.floor;
        for (n, drawn) in series.iter().enumerate() {
            let _ = write!(out, "<g class=\"series series-{n}\">");
            match (drawn.stretch, &self.axis) {
                (Stretch::Numbers { points, .. }, Some(axis)) => {
                    draw::numbers(out, &area, axis, points);
                }
                (Stretch::Numbers { .. }, None) => {}
                (Stretch::States(changes), _) => {
                    top += self.band_name + BAND_GAP;
                    self.band_name(out, drawn.label, top);
                    draw::band(out, &self.area(top, top + BAND), changes, true);
                    top += BAND;
                }
            }
            out.push_str("</g>");
        }
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
            let _ = write!(
                out,
                "<path d=\"M{LEFT} {line}H{right}\" stroke=\"currentColor\" opacity=\".15\"/>\
                 <text class=\"label\" x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>",
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

fn value_axis<'a>(series: impl Iterator<Item = &'a [Point]>, ticks: usize) -> Option<ValueAxis> {
    let points = series.flatten();
    let ends = points.map(|point| (point.min, point.max));
    let (min, max) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    Some(ValueAxis::covering(min, max, ticks))
}

/// The unit of the axis: that of the first series of numbers.
fn unit<'a>(series: &[Drawn<'a>]) -> &'a str {
    let mut numbers = series
        .iter()
        .filter(|drawn| draw::points(drawn.stretch).is_some());
    numbers.find_map(|drawn| drawn.unit).unwrap_or_default()
}

fn is_empty(stretch: &Stretch) -> bool {
    match stretch {
        Stretch::Numbers { points, .. } => points.is_empty(),
        Stretch::States(changes) => changes.is_empty(),
    }
}

fn title(series: &[Drawn]) -> String {
    let labels: Vec<_> = series.iter().map(|drawn| drawn.label).collect();
    labels.join(", ")
}

/// What a chart shows, for those who do not see it.
fn description(series: &[Drawn], to: UtcMillis, zone: &TimeZone) -> String {
    let mut sentences = series.iter().map(|drawn| {
        let said = match drawn.stretch {
            Stretch::Numbers { points, .. } => describe_numbers(points, drawn.unit, to, zone),
            Stretch::States(changes) => describe_states(changes, to, zone),
        };
        format!(
            "{}: {}.",
            drawn.label,
            said.unwrap_or_else(|| "no readings in this time".into())
        )
    });
    let first = sentences.next().unwrap_or_default();
    sentences.fold(first, |all, sentence| format!("{all} {sentence}"))
}

fn describe_numbers(
    points: &[Point],
    unit: Option<&str>,
    to: UtcMillis,
    zone: &TimeZone,
) -> Option<String> {
    let lowest = points.iter().min_by(|a, b| a.min.total_cmp(&b.min))?;
    let highest = points.iter().max_by(|a, b| a.max.total_cmp(&b.max))?;
    let latest = points.last()?;
    let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
    let when = |point: &Point| moment(point.at, to, zone);
    Some(format!(
        "lowest {}{unit} at {}, highest {}{unit} at {}, latest {}{unit} at {}",
        brief(lowest.min),
        when(lowest),
        brief(highest.max),
        when(highest),
        brief(latest.mean),
        when(latest)
    ))
}

fn describe_states(changes: &[Change], to: UtcMillis, zone: &TimeZone) -> Option<String> {
    let latest = changes.last()?;
    let since = moment(latest.at, to, zone);
    let changed = match changes.len() - 1 {
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    Some(format!("{changed}, latest {} since {since}", latest.state))
}

#[cfg(test)]
mod tests;
