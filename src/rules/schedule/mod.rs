//! Clock times: which moment is next.
//!
//! A schedule knows no present. It is asked for the first moment after another
//! one, and answers the same from wherever it is asked. Waiting for that moment
//! is left to the engine.

mod at;
mod cron;
mod days;
mod local;
mod part;
mod sun;
#[cfg(test)]
mod tests;

pub use at::{At, parse_time};
pub use cron::Cron;
pub use days::Days;
pub use part::{CronProblem, Problem};
pub use sun::{Sun, SunEvent, is_up, parse_offset};

use jiff::tz::TimeZone;

use crate::clock::UtcMillis;

/// Where the house is.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub zone: TimeZone,
    /// Without it no sun rises.
    pub position: Option<Position>,
}

/// Nowhere, in UTC.
impl Default for Place {
    fn default() -> Place {
        Place {
            zone: TimeZone::UTC,
            position: None,
        }
    }
}

/// A place on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    latitude: f64,
    longitude: f64,
}

impl Position {
    /// Latitude from -90 (south) to 90 (north), longitude from -180 (west) to
    /// 180 (east). The error is a sentence about the one that is not.
    pub fn new(latitude: f64, longitude: f64) -> Result<Position, String> {
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(format!(
                "{latitude} is no latitude: it goes from -90 (south) to 90 (north)"
            ));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(format!(
                "{longitude} is no longitude: it goes from -180 (west) to 180 (east)"
            ));
        }
        Ok(Position {
            latitude,
            longitude,
        })
    }

    pub fn latitude(self) -> f64 {
        self.latitude
    }

    pub fn longitude(self) -> f64 {
        self.longitude
    }
}

/// When something is due, again and again.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    At(At),
    Cron(Cron),
    Sun(Sun),
}

/// What becomes of a local time that the clocks skip or pass twice when summer
/// time begins or ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dst {
    /// A skipped time happens at the moment of the change, a doubled one the
    /// first time: as soon as the clock on the wall shows that time or a later.
    #[default]
    Once,
    /// A skipped time does not happen that day, a doubled one the first time.
    Skip,
}

impl Schedule {
    /// The first moment later than `after` at which it is due.
    ///
    /// Nothing if there is none within the next years: a cron of 30 February, or
    /// the sun without a position.
    pub fn next_after(&self, after: UtcMillis, place: &Place) -> Option<UtcMillis> {
        match self {
            Schedule::At(at) => at.next_after(after, &place.zone),
            Schedule::Cron(cron) => cron.next_after(after, &place.zone),
            Schedule::Sun(sun) => sun.next_after(after, place),
        }
    }
}
