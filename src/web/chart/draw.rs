//! Numbers as a line with its range or as steps, states as a band, silences as shades.

use std::fmt::Write;

use super::beyond::Beyond;
use super::markup::{Place, escape, number, path};
use super::numbers::{Gap, Numbers};
use super::values::{ValueAxis, brief};
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

/// The changes, if a stretch holds states.
pub fn states(stretch: &Stretch) -> Option<&[Change]> {
    match stretch {
        Stretch::States(changes) => Some(changes),
        Stretch::Numbers { .. } => None,
    }
}

/// Where nothing was reported: shaded, and said where it fits.
pub fn gap(out: &mut String, area: &Area, gap: &Gap) {
    shade(out, area, gap, 8);
    let words = "no readings";
    let (left, width) = across(area, gap);
    if fits(words, width) {
        let (x, y) = (number(left + width / 2.0), number(area.down.0 + 16.0));
        let _ = write!(
            out,
            "<text class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{words}</text>"
        );
    }
}

/// The silences of one of several series, in a lane of its own that bears its name.
pub fn lane(out: &mut String, area: &Area, gaps: &[Gap], name: &str) {
    let middle = (area.down.0 + area.down.1) / 2.0;
    let (left, right) = (number(area.across.0), number(area.across.1));
    let _ = write!(
        out,
        "<path d=\"M{left} {}H{right}\" stroke=\"currentColor\" opacity=\".3\"/>",
        number(area.down.1)
    );
    for gap in gaps {
        shade(out, area, gap, 30);
    }
    let longest = gaps.iter().max_by_key(|gap| gap.millis());
    let (left, width) = longest.map_or((0.0, 0.0), |gap| across(area, gap));
    let whole = format!("{name}: no readings");
    let words = [whole.as_str(), "no readings"];
    if let Some(words) = words.into_iter().find(|words| fits(words, width)) {
        let (x, y) = (number(left + width / 2.0), number(middle + 4.0));
        let words = escape(words);
        let _ = write!(
            out,
            "<text class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{words}</text>"
        );
    }
}

/// Tells a reading beyond the axis, at its edge.
pub fn arrow(out: &mut String, area: &Area, beyond: &Beyond, unit: &str) {
    let value = brief(beyond.value);
    let (words, y) = match beyond.is_above {
        true => (format!("↑ {value} {unit}"), area.down.0 + 11.0),
        false => (format!("↓ {value} {unit}"), area.down.1 - 5.0),
    };
    let words = escape(words.trim_end());
    let x = area.x(beyond.at);
    let (x, anchor) = match x > (area.across.0 + area.across.1) / 2.0 {
        true => (x - 5.0, "end"),
        false => (x + 5.0, "start"),
    };
    let (x, y) = (number(x), number(y));
    let _ = write!(
        out,
        "<text class=\"label beyond\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

/// Left end and width of a gap; the shortest is still seen.
fn across(area: &Area, gap: &Gap) -> (f64, f64) {
    let (left, right) = (area.x(gap.from), area.x(gap.to));
    (left, (right - left).max(NARROWEST))
}

fn shade(out: &mut String, area: &Area, gap: &Gap, opacity: u32) {
    let (left, width) = across(area, gap);
    let _ = write!(
        out,
        "<rect class=\"gap\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
         opacity=\".{opacity:02}\"/>",
        number(left),
        number(area.down.0),
        number(width),
        number(area.down.1 - area.down.0),
    );
}

fn fits(words: &str, width: f64) -> bool {
    words.chars().count() as f64 * LETTER < width
}

/// How a series of numbers is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub numbers: Numbers<'a>,
    /// How far a value that holds is known to hold.
    pub until: UtcMillis,
    /// Lengths of strokes and gaps; empty for a line without gaps.
    pub dashes: &'static str,
}

/// The paths of a series.
#[derive(Default)]
struct Paths {
    range: String,
    line: String,
    dots: String,
}

/// The means as a line, over the range between the extremes; or each value until the next.
pub fn numbers(out: &mut String, area: &Area, axis: &ValueAxis, series: &Line) {
    let mut paths = Paths::default();
    if series.numbers.is_stepped() {
        steps(&mut paths, area, axis, series);
    } else {
        for run in series.numbers.runs() {
            slopes(&mut paths, area, axis, run);
        }
    }
    if !paths.range.is_empty() {
        // The stroke keeps a spike visible that is narrower than a pixel.
        let _ = write!(
            out,
            "<path class=\"range\" d=\"{}\" fill-opacity=\".25\" stroke=\"currentColor\" \
             stroke-opacity=\".5\" vector-effect=\"non-scaling-stroke\"/>",
            paths.range
        );
    }
    stroke(out, "line", &paths.line, 1.5, series.dashes);
    stroke(out, "dots", &paths.dots, 5.0, "");
}

fn slopes(paths: &mut Paths, area: &Area, axis: &ValueAxis, run: &[Point]) {
    let place = |point: &Point, value| Place::new(area.x(point.at), area.y(axis.place(value)));
    let is_wide = |point: &Point| place(point, point.min) != place(point, point.max);
    if run.iter().any(is_wide) {
        let upper = run.iter().map(|point| place(point, point.max));
        let lower = run.iter().rev().map(|point| place(point, point.min));
        path(&mut paths.range, upper.chain(lower));
        paths.range.push('z');
    }
    // A reading on its own would be a line without length.
    let way = match run.len() {
        1 => &mut paths.dots,
        _ => &mut paths.line,
    };
    path(way, run.iter().map(|point| place(point, point.mean)));
}

fn steps(paths: &mut Paths, area: &Area, axis: &ValueAxis, series: &Line) {
    // What is told on change is a single run, also where nothing was told.
    let held = series.numbers.held().map(|value| (area.from, value));
    let runs: Vec<&[Point]> = series.numbers.runs().collect();
    let nothing: &[&[Point]] = &[&[]];
    let runs = match runs.is_empty() {
        true => nothing,
        false => &runs,
    };
    for run in runs {
        step_run(paths, area, axis, series, run, held);
    }
}

fn step_run(
    paths: &mut Paths,
    area: &Area,
    axis: &ValueAxis,
    series: &Line,
    run: &[Point],
    held: Option<(UtcMillis, f64)>,
) {
    let place = |at: UtcMillis, value| Place::new(area.x(at), area.y(axis.place(value)));
    let mut before = held;
    let mut line: Vec<Place> = held
        .into_iter()
        .map(|(at, value)| place(at, value))
        .collect();
    for point in run {
        let begin = begin(area, &series.numbers, point, before);
        if let Some((_, value)) = before {
            line.push(place(begin, value));
        }
        if point.min < point.max {
            let corners = [
                place(begin, point.max),
                place(point.at, point.max),
                place(point.at, point.min),
                place(begin, point.min),
            ];
            path(&mut paths.range, corners);
            paths.range.push('z');
        }
        // Several in a bucket are their mean; then the last one holds.
        line.extend([begin, point.at].map(|at| place(at, point.mean)));
        line.push(place(point.at, point.last));
        before = Some((point.at, point.last));
    }
    if let (Some((at, value)), true) = (before, series.numbers.is_on_change()) {
        line.push(place(series.until.max(at), value));
    }
    path(&mut paths.line, line);
}

/// Where a point's readings begin: as its bucket does, or as the last one before was told.
fn begin(
    area: &Area,
    numbers: &Numbers,
    point: &Point,
    before: Option<(UtcMillis, f64)>,
) -> UtcMillis {
    if point.count == 1 {
        return point.at;
    }
    let length = i64::try_from(numbers.bucket.as_millis()).unwrap_or(i64::MAX);
    let into = point
        .at
        .0
        .saturating_sub(area.from.0)
        .rem_euclid(length.max(1));
    let begin = UtcMillis(point.at.0.saturating_sub(into));
    before.map_or(begin, |(at, _)| begin.max(at)).max(area.from)
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
