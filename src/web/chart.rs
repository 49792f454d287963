//! Charts as SVG: a stretch of the history in, markup out, nothing else.
//!
//! Everything is drawn in `currentColor` with opacities, so a chart follows the
//! page from light to dark by itself; classes leave the rest to the style
//! sheet: `chart`, `grid`, `gap`, `label`, `series series-N`, `line`, `dots`, `range`,
//! `band`, `state state-on`, `empty`, `sparkline`. A series keeps its colour and its
//! dashes, whatever is drawn beside it.

mod beyond;
mod describe;
mod draw;
pub mod instant;
mod layout;
mod markup;
mod numbers;
pub mod table;
mod times;
mod values;
pub mod window;

use std::fmt::Write;

use jiff::tz::TimeZone;

use crate::clock::UtcMillis;
use crate::history::Stretch;
use crate::home::DeviceClass;
use crate::web::wording;
use describe::{description, title};
use draw::{Area, Band, Line, states};
use layout::Layout;
use markup::{escape, number};
use numbers::Numbers;
use times::Moments;
use values::ValueAxis;

/// Room for the labels of values, in the drawing's units.
pub const LEFT: f64 = 56.0;
pub const RIGHT: f64 = 10.0;
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
    /// Whether people and rules set it, rather than that it is measured.
    pub is_set: bool,
    /// What it can be, from least to most, where that is known.
    pub range: Option<(f64, f64)>,
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

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        match Numbers::of(self) {
            Some(numbers) => numbers.is_empty(),
            None => states(self.stretch).is_none_or(<[_]>::is_empty),
        }
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
    /// Whether the axis has to reach single readings far away, too.
    pub is_whole: bool,
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
    if series.iter().all(Drawn::is_empty) {
        layout.say_empty(&mut out);
    } else {
        layout.draw(&mut out, series, extent);
    }
    out.push_str("</svg>");
    out
}

/// Whether a chart leaves single readings out of its axis.
pub fn is_cut(series: &[Drawn]) -> bool {
    let mut numbers = series.iter().filter_map(Numbers::of);
    numbers.any(|numbers| beyond::beyond(&numbers).is_some())
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
        Stretch::Numbers { .. } => spark_line(&mut out, &area, stretch, to),
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

fn spark_line(out: &mut String, area: &Area, stretch: &Stretch, until: UtcMillis) {
    let Some(numbers) = Numbers::of_stretch(stretch, false) else {
        return;
    };
    if let Some((min, max)) = numbers.ends() {
        let axis = ValueAxis::covering(min, max, 2);
        let dashes = "";
        let line = Line {
            numbers,
            until,
            dashes,
        };
        draw::numbers(out, area, &axis, &line);
    }
}

#[cfg(test)]
mod tests;
