//! Numbers as a line with its range, states as a band.

use std::fmt::Write;

use super::markup::{Place, escape, number, path};
use super::values::ValueAxis;
use crate::clock::UtcMillis;
use crate::history::{Change, Point, Stretch};

/// Readings further apart than so many times their usual distance have a gap
/// between them …
const GAP_FACTOR: i64 = 5;
/// … unless they are closer than this, in milliseconds.
const SHORTEST_GAP: i64 = 10_000;
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

/// The points, if a stretch holds numbers.
pub fn points(stretch: &Stretch) -> Option<&[Point]> {
    match stretch {
        Stretch::Numbers { points, .. } => Some(points),
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

/// Cuts a series where nothing was reported for long.
fn runs(points: &[Point]) -> impl Iterator<Item = &[Point]> {
    let distance = |a: &Point, b: &Point| b.at.0.saturating_sub(a.at.0);
    let mut distances: Vec<_> = points
        .windows(2)
        .map(|pair| distance(&pair[0], &pair[1]))
        .collect();
    let middle = distances.len() / 2;
    let usual = match distances.is_empty() {
        true => 0,
        false => *distances.select_nth_unstable(middle).1,
    };
    let longest = usual.saturating_mul(GAP_FACTOR).max(SHORTEST_GAP);
    points.chunk_by(move |a, b| distance(a, b) <= longest)
}

/// The means as a line, over the range between the extremes.
pub fn numbers(out: &mut String, area: &Area, axis: &ValueAxis, points: &[Point]) {
    let place = |point: &Point, value| Place::new(area.x(point.at), area.y(axis.place(value)));
    let (mut range, mut line, mut dots) = (String::new(), String::new(), String::new());
    for run in runs(points) {
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
            "<path class=\"range\" d=\"{range}\" fill-opacity=\".2\" stroke=\"currentColor\" \
             stroke-opacity=\".3\" vector-effect=\"non-scaling-stroke\"/>"
        );
    }
    stroke(out, "line", &line, 1.5);
    stroke(out, "dots", &dots, 5.0);
}

fn stroke(out: &mut String, class: &str, path: &str, width: f64) {
    if !path.is_empty() {
        let _ = write!(
            out,
            "<path class=\"{class}\" d=\"{path}\" fill=\"none\" stroke=\"currentColor\" \
             stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\" \
             vector-effect=\"non-scaling-stroke\"/>"
        );
    }
}

/// Each state from its change to the next one, the last one to the end.
pub fn band(out: &mut String, area: &Area, changes: &[Change], named: bool) {
    out.push_str("<g class=\"band\">");
    for (n, change) in changes.iter().enumerate() {
        let until = changes.get(n + 1).map_or(area.to, |next| next.at);
        let (left, right) = (area.x(change.at), area.x(until));
        let width = (right - left).max(NARROWEST);
        state(out, area, left, width, &change.state);
        if named {
            name(out, area, left, width, &change.state);
        }
    }
    out.push_str("</g>");
}

fn state(out: &mut String, area: &Area, left: f64, width: f64, state: &str) {
    let (class, opacity) = look(state);
    let _ = write!(
        out,
        "<rect class=\"state{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
         fill-opacity=\"{opacity}\"/>",
        number(left),
        number(area.down.0),
        number(width),
        number(area.down.1 - area.down.0),
    );
}

/// Class and opacity: `off` recedes, `on` stands out, a text lies between, the
/// same text always in the same shade.
fn look(state: &str) -> (&'static str, String) {
    match state {
        "on" => (" state-on", ".5".into()),
        "off" => (" state-off", ".08".into()),
        text => {
            let sum = text.bytes().fold(0_u32, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(u32::from(byte))
            });
            ("", format!(".{}", 15 + sum % 4 * 7))
        }
    }
}

/// Written only where it fits.
fn name(out: &mut String, area: &Area, left: f64, width: f64, state: &str) {
    if state.chars().count() as f64 * LETTER + 6.0 > width {
        return;
    }
    let x = number(left + width / 2.0);
    let y = number((area.down.0 + area.down.1) / 2.0 + 4.0);
    let state = escape(state);
    let _ = write!(
        out,
        "<text class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{state}</text>"
    );
}
