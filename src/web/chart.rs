//! Charts as SVG: a stretch of the history in, markup out, nothing else.
//!
//! Everything is drawn in `currentColor` with opacities, so a chart follows the
//! page from light to dark by itself; classes leave the rest to the style
//! sheet: `chart`, `grid`, `gap`, `label`, `series series-N`, `line`, `dots`, `range`,
//! `band`, `state state-on`, `empty`, `sparkline`. A series keeps its colour and its
//! dashes, whatever is drawn beside it.

mod describe;
mod draw;
mod gaps;
pub mod instant;
mod markup;
pub mod table;
mod times;
mod values;
pub mod window;

use std::fmt::Write;

use jiff::tz::TimeZone;

use crate::clock::UtcMillis;
use crate::history::{Point, Stretch};
use crate::home::DeviceClass;
use crate::web::wording;
use describe::{description, title};
use draw::{Area, Band, Line, points, states};
use gaps::gaps;
use markup::{escape, number};
use times::{Moments, time_ticks};
use values::ValueAxis;

/// Room for the labels of values, in the drawing's units.
pub const LEFT: f64 = 56.0;
pub const RIGHT: f64 = 10.0;
/// Room for the unit above, and for the times below.
const TOP: f64 = 22.0;
const BOTTOM: f64 = 24.0;
/// Height of an on/off band, and of its name when there are several series.
const BAND: f64 = 24.0;
const BAND_NAME: f64 = 16.0;
const BAND_GAP: f64 = 8.0;
/// So many series can be told apart in one chart.
pub const MOST_SERIES: usize = 8;
/// Strokes and gaps of their lines: colours alone do not reach everyone.
const DASHES: [&str; MOST_SERIES] = [
    "",
    "7 4",
    "1 4",
    "10 4 1 4",
    "14 5",
    "4 4",
    "10 4 1 4 1 4",
    "2 6",
];

/// A line of the grid.
#[derive(Clone, Debug, PartialEq)]
struct Tick<T> {
    at: T,
    label: String,
}

/// A series to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'a> {
    /// Which of the series of a page: its colour and dashes, below [`MOST_SERIES`].
    pub nth: usize,
    /// What people call it.
    pub label: &'a str,
    pub unit: Option<&'a str>,
    /// What `on` means, and how many digits a number deserves.
    pub class: Option<DeviceClass>,
    pub stretch: &'a Stretch,
}

impl Drawn<'_> {
    /// What `on` and `off` mean here.
    fn words(&self) -> [&'static str; 2] {
        [true, false].map(|on| wording::state(on, self.class))
    }

    fn dashes(&self) -> &'static str {
        dashes(self.nth)
    }
}

/// Strokes and gaps of a series' line, for its place in a legend.
pub fn dashes(nth: usize) -> &'static str {
    DASHES[nth % MOST_SERIES]
}

/// The time that a chart covers, on whose clock.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    pub from: UtcMillis,
    pub to: UtcMillis,
    /// What is after now has not happened.
    pub now: UtcMillis,
    pub zone: &'a TimeZone,
}

impl Extent<'_> {
    fn end(&self) -> UtcMillis {
        self.to.min(self.now)
    }

    fn moments(&self) -> Moments {
        Moments::new(self.from, self.to, self.zone)
    }
}

/// Size of a drawing, without the bands below numbers; the page scales it. Text is 12 units high, so a chart for a phone
/// is drawn narrower and not scaled down.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

/// Draws `series`: numbers over one common axis, on/off and texts as a band each below.
/// Give numbers of one unit: they share the axis.
pub fn chart(series: &[Drawn], extent: &Extent, size: Size) -> String {
    let layout = Layout::new(series, extent, size);
    let mut out = String::with_capacity(8192);
    let (width, height) = (number(layout.width), number(layout.height));
    let _ = write!(
        out,
        "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" xmlns=\"http://www.w3.org/2000/svg\" font-size=\"12\" \
         fill=\"currentColor\"><title>{}</title><desc>{}</desc>",
        escape(&title(series)),
        escape(&description(series, extent)),
    );
    if series.iter().all(|drawn| is_empty(drawn.stretch)) {
        layout.say_empty(&mut out);
    } else {
        layout.draw(&mut out, series, extent);
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
        Stretch::Numbers { points, bucket } => {
            if let Some(axis) = value_axis(std::iter::once(points.as_slice()), 2) {
                let (bucket, dashes) = (*bucket, "");
                let line = Line {
                    points,
                    bucket,
                    dashes,
                };
                draw::numbers(&mut out, &area, &axis, &line);
            }
        }
        Stretch::States(changes) => {
            let (until, words) = (to, None);
            let band = Band {
                changes,
                until,
                words,
            };
            draw::band(&mut out, &area, &band);
        }
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
    fn new(series: &[Drawn], extent: &Extent, size: Size) -> Layout {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let bands = series
            .iter()
            .filter_map(|drawn| states(drawn.stretch))
            .count();
        let band_name = if series.len() > 1 { BAND_NAME } else { 0.0 };
        let bands = bands as f64 * (BAND + BAND_GAP + band_name);
        let numbers = series.iter().filter_map(|drawn| points(drawn.stretch));
        let ticks = if height < 200.0 { 3 } else { 5 };
        let axis = value_axis(numbers.map(|(points, _)| points), ticks);
        let all_empty = axis.is_none() && bands == 0.0;
        let floor = match axis.is_some() || all_empty {
            true => (height - BOTTOM).max(TOP + 60.0),
            false => BAND_GAP,
        };
        Layout {
            width: width.max(LEFT + RIGHT + 60.0),
            height: floor + bands + BOTTOM,
            from: extent.from,
            to: extent.to,
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

    fn draw(&self, out: &mut String, series: &[Drawn], extent: &Extent) {
        self.time_grid(out, extent.zone);
        let area = self.area(TOP, self.floor);
        if let Some(axis) = &self.axis {
            self.value_grid(out, &area, axis, unit(series));
        }
        if let [drawn] = series {
            self.gaps(out, &area, drawn, extent);
        }
        let mut top = self.floor;
        for drawn in series {
            let _ = write!(out, "<g class=\"series series-{}\">", drawn.nth);
            match (drawn.stretch, &self.axis) {
                (Stretch::Numbers { points, bucket }, Some(axis)) => {
                    let (bucket, dashes) = (*bucket, drawn.dashes());
                    let line = Line {
                        points,
                        bucket,
                        dashes,
                    };
                    draw::numbers(out, &area, axis, &line);
                }
                (Stretch::Numbers { .. }, None) => {}
                (Stretch::States(changes), _) => {
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
            }
            out.push_str("</g>");
        }
    }

    /// Where one series is silent is seen; of several, each line breaks by itself.
    fn gaps(&self, out: &mut String, area: &Area, drawn: &Drawn, extent: &Extent) {
        if let Some((points, bucket)) = points(drawn.stretch) {
            out.push_str("<g class=\"grid\">");
            for gap in gaps(points, bucket, extent) {
                draw::gap(out, area, &gap);
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
        .filter(|drawn| points(drawn.stretch).is_some());
    numbers.find_map(|drawn| drawn.unit).unwrap_or_default()
}

/// Whether there is nothing to draw.
pub fn is_empty(stretch: &Stretch) -> bool {
    match stretch {
        Stretch::Numbers { points, .. } => points.is_empty(),
        Stretch::States(changes) => changes.is_empty(),
    }
}

#[cfg(test)]
mod tests;
