//! What the user's files say, checked: `hearth.toml` and, beside it, every
//! `rules.d/*.toml`.
//!
//! All problems are found at once, each with its place and what to write
//! instead. Once a [`Config`] exists, it cannot make a part fail; only the
//! world can.

mod access;
mod board;
mod bridge;
mod check;
mod clock;
mod draft;
mod file;
mod history;
mod home;
mod item;
mod masked;
mod limits;
mod mqttsn;
mod pin;
mod problem;
mod rule;
mod table;
mod value;
mod ways;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use self::check::Places;
use self::file::Tree;
use self::problem::{File, Findings};
use self::table::Table;
use crate::clock::ClockTrust;
use crate::{boards, broker, gpio, rules, web};

pub use self::draft::load_draft;
pub use self::problem::{Problems, Warnings};

/// Where the config of an installed Hearth lives.
pub const DEFAULT_PATH: &str = "/etc/hearth/hearth.toml";
/// The folder of the databases where the config names no other.
pub const DEFAULT_DATA: &str = "/var/lib/hearth";

/// What editors should know of the config, as JSON Schema.
pub const SCHEMA: &str = include_str!("../../schema/hearth.schema.json");

/// What only `hearth.toml` itself may say.
const SECTIONS: [&str; 11] = [
    "data", "home", "broker", "access", "bridge", "web", "history", "serial", "board", "gpio",
    "pin",
];

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
    pub history: crate::history::Settings,
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
    /// Who says how far the computer's clock can be trusted.
    pub clock: ClockTrust,
}

impl Config {
    /// Moves the databases to another folder.
    pub fn keep_data_in(&mut self, data: PathBuf) {
        self.history.file = data.join(history::FILE);
        self.data = data;
    }
}

/// Reads the config at `path` and the rules beside it.
///
/// # Errors
/// Everything that keeps the config from being used, in all its files.
pub fn load(path: &Path) -> Result<(Config, Warnings), Problems> {
    read(
        file::read_all(path)?,
        folder_of(path),
        check::with_rules_and_files,
    )
}

/// The same, but leaves the rules' conditions and tests to the caller, and does
/// not look into certificates: whoever tests rules need not be allowed to.
///
/// # Errors
/// Everything else that keeps the config from being used.
pub fn load_untested(path: &Path) -> Result<(Config, Warnings), Problems> {
    read(file::read_all(path)?, folder_of(path), check::whole)
}

/// Every file of the config at `path`, as far as they can be listed.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let rules = file::rules_beside(path).unwrap_or_default();
    std::iter::once(path.to_owned()).chain(rules).collect()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Reads a config that is not in a file. `name` stands for the file in
/// messages; relative paths start at `base`.
///
/// # Errors
/// Everything that keeps the config from being used.
pub fn load_text(name: &str, text: &str, base: &Path) -> Result<(Config, Warnings), Problems> {
    let file = File {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    read(vec![file], base, check::with_rules_and_files)
}

/// The same, but checks no more than [`load_untested`], and without the rules beside it.
///
/// # Errors
/// Everything that keeps the config from being used.
pub fn load_text_untested(
    name: &str,
    text: &str,
    base: &Path,
) -> Result<(Config, Warnings), Problems> {
    let file = File {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    read(vec![file], base, check::whole)
}

fn read(
    files: Vec<File>,
    base: &Path,
    check: fn(&Config, &Places, &[File], &Findings),
) -> Result<(Config, Warnings), Problems> {
    let findings = Findings::default();
    let (config, places) = read_files(&files, base, &findings);
    check(&config, &places, &files, &findings);
    let warnings = findings.into_result(files)?;
    Ok((config, warnings))
}

/// What could be read; good for use only if `findings` holds no error.
fn read_files(files: &[File], base: &Path, findings: &Findings) -> (Config, Places) {
    let trees = file::parse(files, findings);
    let mut places = Places::default();
    let mut config = Config::default();
    for tree in &trees {
        if tree.is_main() {
            config = tree.read(findings, |root| read_main(root, base, &mut places));
        } else {
            tree.read(findings, only_rules);
        }
    }
    config.rules = read_rules(&trees, findings, &mut places);
    let place = config.home.place();
    for rule in &mut config.rules {
        rule.place = place.clone();
    }
    (config, places)
}

fn read_main(root: &Table<'_>, base: &Path, places: &mut Places) -> Config {
    let data = root.optional("data", |item| item.text());
    let data = base.join(data.as_deref().unwrap_or(DEFAULT_DATA));
    // Rules are read with those of the other files.
    root.skip(&["rule"]);
    Config {
        home: home::read_home(root),
        broker: broker::Settings {
            access: access::read(root),
            bridges: bridge::read(root, base, places),
            ..home::read_broker(root, base, places)
        },
        web: home::read_web(root, places),
        history: history::read(root, base, &data, places),
        boards: board::read(root, base, places),
        gpio: pin::read(root, places),
        rules: Vec::new(),
        data,
    }
}

fn only_rules(root: &Table<'_>) {
    root.skip(&["rule"]);
    for section in SECTIONS {
        root.refuse(
            section,
            &format!("`{section}` does not belong in a file of rules"),
            "move it to hearth.toml; files in rules.d hold [[rule]] only",
        );
    }
}

fn read_rules(
    trees: &[Tree<'_>],
    findings: &Findings,
    places: &mut Places,
) -> Vec<rules::RuleSettings> {
    let mut list = Vec::new();
    for tree in trees {
        let Some(item) = tree.item(findings, "rule") else {
            continue;
        };
        for (rule, place) in rule::read_all(item) {
            list.push(rule);
            places.rules.push(place);
        }
    }
    list
}

/// What an empty file means.
impl Default for Config {
    fn default() -> Config {
        Config {
            home: HomeSettings {
                name: home::DEFAULT_NAME.to_owned(),
                latitude: None,
                longitude: None,
                timezone: None,
                clock: ClockTrust::Auto,
            },
            data: DEFAULT_DATA.into(),
            broker: broker::Settings::default(),
            web: web::Settings::default(),
            boards: boards::Settings::default(),
            gpio: gpio::Settings::default(),
            rules: Vec::new(),
            history: crate::history::Settings::new(Path::new(DEFAULT_DATA).join(history::FILE)),
        }
    }
}
