//! What the user's file says, checked.
//!
//! Once a [`Config`] exists, it cannot make a part fail; only the world can.

use std::path::PathBuf;

use crate::{boards, broker, gpio, history, rules, web};

/// A checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub home: HomeSettings,
    /// Folder of the databases.
    pub data: PathBuf,
    pub broker: broker::Settings,
    pub web: web::Settings,
    pub boards: boards::Settings,
    pub gpio: gpio::Settings,
    pub rules: Vec<rules::RuleSettings>,
    pub history: history::Settings,
}

/// `[home]`.
#[derive(Clone, Debug, PartialEq)]
pub struct HomeSettings {
    pub name: String,
    /// Degrees north; for sunrise and sunset.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// IANA name; the system's where absent.
    pub timezone: Option<String>,
}
