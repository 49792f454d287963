//! Every reading, kept in `history.db` and readable as series.

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::UtcMillis;

/// `[history]` in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub file: PathBuf,
    /// Readings wait in memory this long for their commit: what a power cut can cost.
    pub commit_every: Duration,
}

/// One recorded topic.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesInfo {
    pub topic: String,
    pub unit: Option<String>,
    pub first: UtcMillis,
    pub last: UtcMillis,
}

/// A stretch of a series, no denser than asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Stretch {
    /// Numbers, merged into buckets of equal length that keep their extremes.
    Numbers(Vec<Point>),
    /// On/off and texts: each change, and the state that held before the first.
    States(Vec<Change>),
}

/// The readings of one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Time of the bucket's last reading.
    pub at: UtcMillis,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub count: u32,
}

/// A state and since when it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub at: UtcMillis,
    pub state: String,
}
