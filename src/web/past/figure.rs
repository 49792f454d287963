//! Charts of one or several series over the same time, with their legend and their table.

use super::ways::{Place, Ways};
use super::{Subject, first, sentence};
use crate::clock::UtcMillis;
use crate::history::{HistoryError, Stretch};
use crate::web::App;
use crate::web::chart::table::{self, Row};
use crate::web::chart::window::{Calendar, Window};
use crate::web::chart::{self, Drawn, Extent, Size};

/// Of a chart on a phone and on a larger screen, in CSS pixels …
const ALONE: [Size; 2] = [size(340, 220), size(1100, 320)];
/// … and of each of several, one below the other.
const ONE_OF_SEVERAL: [Size; 2] = [size(340, 180), size(1100, 230)];

const fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

/// A drawing for phones, and one for larger screens: letters in a drawing that is scaled
/// down could not be read.
#[derive(Debug)]
pub struct Charts {
    pub narrow: String,
    pub wide: String,
}

/// What a legend says of a series.
#[derive(Debug)]
pub struct Key {
    pub nth: usize,
    pub label: String,
    pub unit: String,
    pub href: String,
    pub dashes: &'static str,
    pub shape: Shape,
}

/// What a legend draws beside a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Line,
    Band,
    /// There are no readings.
    Nothing,
}

impl Shape {
    fn of(drawn: &Drawn) -> Shape {
        match drawn.stretch {
            _ if drawn.is_empty() => Shape::Nothing,
            Stretch::Numbers { .. } => Shape::Line,
            Stretch::States(_) => Shape::Band,
        }
    }

    pub fn is_line(&self) -> bool {
        *self == Shape::Line
    }

    pub fn is_nothing(&self) -> bool {
        *self == Shape::Nothing
    }
}

/// A chart, or several: one for each unit, and one for states.
#[derive(Debug)]
pub struct Figure {
    /// The topics, by which the script finds the figure again.
    pub name: String,
    /// Or the sentence that stands in their place.
    pub panes: Result<Vec<Charts>, String>,
    pub keys: Vec<Key>,
    /// Oldest first.
    pub rows: Vec<Row>,
    pub from: UtcMillis,
    pub to: UtcMillis,
    /// Whether the time that is shown is over, so that nothing changes any more.
    pub is_past: bool,
    /// Where single readings lie far beyond all others.
    pub other_axis: Option<OtherAxis>,
    pub ways: Ways,
}

/// The way to the same chart with the other axis.
#[derive(Debug)]
pub struct OtherAxis {
    pub href: String,
    /// Whether the axis reaches everything now.
    pub is_whole: bool,
}

impl OtherAxis {
    fn new(place: &Place, window: &Window, is_whole: bool) -> OtherAxis {
        let here = place.at(window);
        OtherAxis {
            href: match is_whole {
                true => here,
                false => format!("{here}&axis=whole"),
            },
            is_whole,
        }
    }
}

impl Figure {
    /// What these series did in a stretch of time.
    pub async fn new(
        app: &App,
        place: &Place,
        subjects: &[Subject],
        window: Window,
        is_whole: bool,
        calendar: &Calendar<'_>,
    ) -> Figure {
        let asked = window;
        let read = read(app, subjects, asked).await;
        let mut is_cut = false;
        let (window, panes, rows, shapes) = match &read {
            Ok((window, stretches)) => {
                let labels = labels(subjects);
                let series = series(subjects, &labels, stretches);
                let extent = extent(window, is_whole, calendar);
                is_cut = chart::is_cut(&series);
                let shapes: Vec<Shape> = series.iter().map(Shape::of).collect();
                let rows = table::rows(&series, &extent);
                (*window, Ok(panes(&series, &extent)), rows, shapes)
            }
            Err(error) => {
                let nothing = vec![Shape::Nothing; subjects.len()];
                (asked, Err(sentence(error)), Vec::new(), nothing)
            }
        };
        let topics: Vec<&str> = subjects.iter().map(|one| one.topic.as_str()).collect();
        let mut ways = Ways::new(place, &topics, &window, calendar);
        if window != asked {
            ways.title = calendar.since(window.from);
        }
        Figure {
            name: topics.join(" "),
            panes,
            keys: keys(subjects, &shapes),
            rows,
            from: window.from,
            to: window.to,
            other_axis: is_cut.then(|| OtherAxis::new(place, &asked, is_whole)),
            is_past: window.to <= calendar.now && !window.is_latest(),
            ways,
        }
    }

    /// Room for labels in a drawing, left and right: where its time begins and ends.
    pub fn margins(&self) -> [f64; 2] {
        [chart::LEFT, chart::RIGHT]
    }

    /// The newest rows with readings of a figure of one series.
    pub fn last(&self, count: usize) -> Vec<(UtcMillis, String)> {
        let rows = self.rows.iter().rev().filter(|row| row.until.is_none());
        let cells = rows.filter_map(|row| Some((row.at, row.cells.first()?.clone())));
        cells.take(count).collect()
    }
}

/// Where all series are younger than half of the time up to now, what there is.
async fn read(
    app: &App,
    subjects: &[Subject],
    window: Window,
) -> Result<(Window, Vec<Stretch>), HistoryError> {
    let stretches = stretches(app, subjects, &window).await?;
    let begin = stretches.iter().filter_map(first).min();
    if let Some(begin) = begin
        && window.is_latest()
        && begin.0 > window.from.0 + (window.to.0 - window.from.0) / 2
        && !is_older(app, subjects, window.from).await?
    {
        let window = window.since(begin);
        let stretches = self::stretches(app, subjects, &window).await?;
        return Ok((window, stretches));
    }
    Ok((window, stretches))
}

async fn stretches(
    app: &App,
    subjects: &[Subject],
    window: &Window,
) -> Result<Vec<Stretch>, HistoryError> {
    let (grid, mut stretches) = (window.grid(), Vec::new());
    for subject in subjects {
        let topic = &subject.topic;
        let stretch = app.history.stretch(topic, grid.from, grid.to, grid.points);
        stretches.push(stretch.await?);
    }
    Ok(stretches)
}

/// Whether any of them was recorded before: then it was silent, and that is to be seen.
async fn is_older(app: &App, subjects: &[Subject], than: UtcMillis) -> Result<bool, HistoryError> {
    let known = app.history.series().await?;
    let mut ours = known
        .iter()
        .filter(|info| subjects.iter().any(|one| one.topic == info.topic));
    Ok(ours.any(|info| info.first < than))
}

fn extent<'a>(window: &Window, is_whole: bool, calendar: &Calendar<'a>) -> Extent<'a> {
    Extent {
        is_whole,
        from: window.from,
        to: window.to,
        now: calendar.now,
        zone: calendar.zone,
    }
}

/// The room is said where there may be several.
fn labels(subjects: &[Subject]) -> Vec<String> {
    match subjects {
        [alone] => vec![alone.title.clone()],
        several => several.iter().map(Subject::label).collect(),
    }
}

fn series<'a>(
    subjects: &'a [Subject],
    labels: &'a [String],
    stretches: &'a [Stretch],
) -> Vec<Drawn<'a>> {
    let all = subjects.iter().zip(labels).zip(stretches).enumerate();
    all.map(|(nth, ((subject, label), stretch))| Drawn {
        nth,
        label,
        unit: Some(subject.unit.as_str()).filter(|unit| !unit.is_empty()),
        class: subject.class,
        is_set: subject.is_set,
        range: subject.range,
        stretch,
    })
    .collect()
}

fn keys(subjects: &[Subject], shapes: &[Shape]) -> Vec<Key> {
    let both = subjects.iter().zip(shapes).enumerate();
    both.map(|(nth, (subject, shape))| Key {
        nth,
        label: subject.label(),
        unit: subject.unit.clone(),
        href: subject.href.clone(),
        dashes: chart::dashes(nth),
        shape: *shape,
    })
    .collect()
}

fn panes(series: &[Drawn], extent: &Extent) -> Vec<Charts> {
    let groups = groups(series);
    let [narrow, wide] = match groups.len() {
        1 => ALONE,
        _ => ONE_OF_SEVERAL,
    };
    let drawn = |group: &Vec<Drawn>| Charts {
        narrow: chart::chart(group, extent, narrow),
        wide: chart::chart(group, extent, wide),
    };
    groups.iter().map(drawn).collect()
}

/// Numbers of one unit share an axis, states have bands below the last of them; a series
/// without readings takes no room beside others.
fn groups<'a>(series: &[Drawn<'a>]) -> Vec<Vec<Drawn<'a>>> {
    let mut groups: Vec<Vec<Drawn>> = Vec::new();
    let mut bands = Vec::new();
    for drawn in series.iter().filter(|one| !one.is_empty()) {
        if matches!(drawn.stretch, Stretch::States(_)) {
            bands.push(*drawn);
            continue;
        }
        match groups.iter_mut().find(|group| group[0].unit == drawn.unit) {
            Some(group) => group.push(*drawn),
            None => groups.push(vec![*drawn]),
        }
    }
    match groups.last_mut() {
        Some(last) => last.extend(bands),
        None if bands.is_empty() => groups.push(series.to_vec()),
        None => groups.push(bands),
    }
    groups
}

#[cfg(test)]
mod tests;
