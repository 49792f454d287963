//! Numbers as a line with its range, states as a band.

use std::fmt::Write;
use std::time::Duration;

use super::gaps::{Gap, runs};
use super::markup::{Place, escape, number, path};
use super::values::ValueAxis;
use crate::clock::UtcMillis;
use crate::history::{Change, Point, Stretch};

/// A state narrower than this is drawn this wide: a blink still shows.
const NARROWEST: f64 = 1.0;
/// Width of a letter, generously.
const LETTER: f64 = 7.5;

/// A stretch of time on a piece of the drawing.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    from: UtcMillis,
    to: UtcMillis,
    across: (f64, f64),
    down: (f64, f64),
}

impl Area {
    /// `across` from left to right, `down` from top to bottom.
    pub fn new(from: UtcMillis, to: UtcMillis, across: (f64, f64), down: (f64, f64)) -> Area {
        Area {
            from,
            to,
            across,
            down,
        }
    }

    /// Where a time lies; what is outside lies at the edge.
    pub fn x(&self, at: UtcMillis) -> f64 {
        let span = (self.to.0 as f64 - self.from.0 as f64).max(1.0);
        let part = ((at.0 as f64 - self.from.0 as f64) / span).clamp(0.0, 1.0);
        self.across.0 + part * (self.across.1 - self.across.0)
    }

    /// Where a height from 0, the lower edge, to 1 lies.
    pub fn y(&self, height: f64) -> f64 {
        self.down.1 - height * (self.down.1 - self.down.0)
    }
}

/// The points and the length of their buckets, if a stretch holds numbers.
pub fn points(stretch: &Stretch) -> Option<(&[Point], Duration)> {
    match stretch {
        Stretch::Numbers { points, bucket } => Some((points, *bucket)),
        Stretch::States(_) => None,
    }
}

/// The changes, if a stretch holds states.
pub fn states(stretch: &Stretch) -> Option<&[Change]> {
    match stretch {
        Stretch::States(changes) => Some(changes),
        Stretch::Numbers { .. } => None,
    }
}

/// Where nothing was reported: shaded, and said where it fits.
pub fn gap(out: &mut String, area: &Area, gap: &Gap) {
    let (left, right) = (area.x(gap.from), area.x(gap.to));
    let (top, height) = (number(area.down.0), number(area.down.1 - area.down.0));
    let (x, width) = (number(left), number(right - left));
    let _ = write!(
        out,
        "<rect class=\"gap\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
         opacity=\".08\"/>"
    );
    let words = "no readings";
    if words.len() as f64 * LETTER < right - left {
        let (x, y) = (number((left + right) / 2.0), number(area.down.0 + 16.0));
        let _ = write!(
            out,
            "<text class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{words}</text>"
        );
    }
}

/// How a series of numbers is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub points: &'a [Point],
    pub bucket: Duration,
    /// Lengths of strokes and gaps; empty for a line without gaps.
    pub dashes: &'static str,
}

/// The means as a line, over the range between the extremes.
pub fn numbers(out: &mut String, area: &Area, axis: &ValueAxis, series: &Line) {
    let place = |point: &Point, value| Place::new(area.x(point.at), area.y(axis.place(value)));
    let (mut range, mut line, mut dots) = (String::new(), String::new(), String::new());
    for run in runs(series.points, series.bucket) {
        if run
            .iter()
            .any(|point| place(point, point.min) != place(point, point.max))
        {
            let upper = run.iter().map(|point| place(point, point.max));
            let lower = run.iter().rev().map(|point| place(point, point.min));
            path(&mut range, upper.chain(lower));
            range.push('z');
        }
        // A reading on its own would be a line without length.
        let way = if run.len() == 1 { &mut dots } else { &mut line };
        path(way, run.iter().map(|point| place(point, point.mean)));
    }
    if !range.is_empty() {
        // The stroke keeps a spike visible that is narrower than a pixel.
        let _ = write!(
            out,
            "<path class=\"range\" d=\"{range}\" fill-opacity=\".25\" stroke=\"currentColor\" \
             stroke-opacity=\".5\" vector-effect=\"non-scaling-stroke\"/>"
        );
    }
    stroke(out, "line", &line, 1.5, series.dashes);
    stroke(out, "dots", &dots, 5.0, "");
}

fn stroke(out: &mut String, class: &str, path: &str, width: f64, dashes: &str) {
    if path.is_empty() {
        return;
    }
    let dashes = match dashes {
        "" => String::new(),
        dashes => format!(" stroke-dasharray=\"{dashes}\""),
    };
    let _ = write!(
        out,
        "<path class=\"{class}\" d=\"{path}\" fill=\"none\" stroke=\"currentColor\" \
         stroke-width=\"{width}\"{dashes} stroke-linejoin=\"round\" stroke-linecap=\"round\" \
         vector-effect=\"non-scaling-stroke\"/>"
    );
}

/// How a series of states is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Band<'a> {
    pub changes: &'a [Change],
    /// How far the last state is known to hold.
    pub until: UtcMillis,
    /// What `on` and `off` mean here; without it no state is named.
    pub words: Option<[&'static str; 2]>,
}

/// Each state from its change to the next one.
pub fn band(out: &mut String, area: &Area, band: &Band) {
    out.push_str("<g class=\"band\">");
    let mut texts: Vec<&str> = band.changes.iter().map(|one| one.state.as_str()).collect();
    texts.retain(|text| !matches!(*text, "on" | "off"));
    texts.sort_unstable();
    texts.dedup();
    for (n, change) in band.changes.iter().enumerate() {
        let next = band.changes.get(n + 1);
        let until = next.map_or(band.until.max(change.at), |next| next.at);
        let (left, right) = (area.x(change.at), area.x(until));
        let width = (right - left).max(NARROWEST);
        state(out, area, left, width, look(&change.state, &texts));
        if let Some(words) = band.words {
            name(out, area, left, width, in_words(&change.state, words));
        }
    }
    out.push_str("</g>");
}

/// `on` and `off` as people say it of this thing.
pub fn in_words(state: &str, [on, off]: [&'static str; 2]) -> String {
    match state {
        "on" => on.to_owned(),
        "off" => off.to_owned(),
        "" => "empty".to_owned(),
        text => crate::web::wording::cut(text),
    }
}

fn state(out: &mut String, area: &Area, left: f64, width: f64, (class, opacity): (&str, u32)) {
    let _ = write!(
        out,
        "<rect class=\"state{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
         fill-opacity=\".{opacity:02}\"/>",
        number(left),
        number(area.down.0),
        number(width),
        number(area.down.1 - area.down.0),
    );
}

/// Class and opacity in hundredths: `off` recedes, `on` stands out, a text lies between;
/// the first five texts differ.
fn look(state: &str, texts: &[&str]) -> (&'static str, u32) {
    match state {
        "on" => (" state-on", 50),
        "off" => (" state-off", 8),
        text => {
            let rank = texts.binary_search(&text).unwrap_or_default() % 5;
            ("", u32::try_from(rank).map_or(14, |rank| 14 + rank * 9))
        }
    }
}

/// Written only where it fits.
fn name(out: &mut String, area: &Area, left: f64, width: f64, words: String) {
    if words.chars().count() as f64 * LETTER + 6.0 > width {
        return;
    }
    let x = number(left + width / 2.0);
    let y = number((area.down.0 + area.down.1) / 2.0 + 4.0);
    let words = escape(&words);
    let _ = write!(
        out,
        "<text class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{words}</text>"
    );
}
