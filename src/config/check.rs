//! What no single value shows: names and pins used twice, addresses that
//! open the house to others, and what the rules engine finds.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Config;
use super::bridge::{self, BridgePlaces};
use super::history::influx::{self, InfluxPlaces};
use super::problem::{File, Findings, Problem, Spot};
use super::ways::{self, TlsPlaces};
use crate::broker::demands::is_local;
use crate::home::Thing;
use crate::home::topic::word;
use crate::rules::{self, RuleProblem, Where, Within};

/// Where things stand in the files, in the order in which they were read.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub listen: Vec<(SocketAddr, Spot)>,
    /// The key of `[broker]`.
    pub anonymous: Option<Spot>,
    pub tls: Option<TlsPlaces>,
    pub bridges: Vec<BridgePlaces>,
    pub influx: Option<InfluxPlaces>,
    /// By serial number or device path.
    pub boards: Vec<(String, Spot)>,
    pub gpios: Vec<(u8, Spot)>,
    pub things: Vec<(Thing, Spot)>,
    pub rules: Vec<RulePlaces>,
    /// The file that holds the password of the history's server.
    pub history_password: Option<(PathBuf, Spot)>,
}

/// Where the parts of one rule stand.
#[derive(Debug)]
pub(super) struct RulePlaces {
    pub name: Spot,
    pub when: Vec<Spot>,
    pub clocks: Vec<Spot>,
    pub keep: Option<Spot>,
    /// Times that go with the sun.
    pub suns: Vec<Spot>,
    pub condition: Option<Spot>,
    pub then: Vec<Spot>,
    pub tests: Vec<Spot>,
}

impl RulePlaces {
    /// A rule of which only the header is known.
    pub fn new(header: Spot) -> Self {
        RulePlaces {
            name: header,
            when: Vec::new(),
            clocks: Vec::new(),
            keep: None,
            suns: Vec::new(),
            condition: None,
            then: Vec::new(),
            tests: Vec::new(),
        }
    }

    fn spot(&self, at: Where) -> Spot {
        let spot = match at {
            Where::Name => None,
            Where::When(index) => self.when.get(index).cloned(),
            Where::Clock(index) => self.clocks.get(index).cloned(),
            Where::Condition => self.condition.clone(),
            Where::Keep => self.keep.clone(),
            Where::Then(index) => self.then.get(index).cloned(),
            Where::Test(index) => self.tests.get(index).cloned(),
        };
        spot.unwrap_or_else(|| self.name.clone())
    }

    /// The place within an expression, if its text stands in the file as it is:
    /// escapes would shift what comes after them.
    fn within(&self, at: Where, within: &Within, files: &[File]) -> Option<Spot> {
        let Within { text, range } = within;
        let whole = self.spot(at);
        text.get(range.clone())?;
        let written = reach(&files[whole.file].text, &whole)?;
        let start = whole.span.start + written.find(text.as_str())?;
        Some(Spot {
            file: whole.file,
            span: start + range.start..start + range.end,
        })
    }
}

/// The text of a value. Of a table with a header the place is the header, so what
/// follows it up to the next one belongs to it.
fn reach<'a>(text: &'a str, whole: &Spot) -> Option<&'a str> {
    let written = text.get(whole.span.clone())?;
    if !written.starts_with('[') {
        return Some(written);
    }
    let rest = text.get(whole.span.start..)?;
    Some(rest.split_once("\n[").map_or(rest, |(until, _)| until))
}

/// Looks at the config as a whole and at the files that it names, then compiles
/// and tests its rules, unless something else is wrong: one slip is not to be
/// reported twice.
pub(super) fn with_rules_and_files(
    config: &Config,
    places: &Places,
    files: &[File],
    findings: &Findings,
) {
    whole(config, places, files, findings);
    if let (Some(settings), Some(places)) = (&config.broker.tls, &places.tls) {
        ways::check_files(settings, places, findings);
    }
    bridge::check_files(&config.broker.bridges, &places.bridges, findings);
    if let Some((path, spot)) = &places.history_password {
        bridge::check_secret("password", path, spot, findings);
    }
    if let (Some(settings), Some(places)) = (&config.history.influx, &places.influx) {
        influx::check_files(settings, places, findings);
    }
    if !findings.any_error() {
        for problem in rules::check(&config.rules) {
            findings.error(place(problem, places, files));
        }
    }
}

/// Looks at the config as a whole, but not into its rules.
pub(super) fn whole(config: &Config, places: &Places, _: &[File], findings: &Findings) {
    if config.home.latitude.is_none() {
        for spot in places.rules.iter().flat_map(|rule| &rule.suns) {
            let message = "when the sun rises depends on where the house is";
            let hint = "write `latitude` and `longitude` under [home]";
            findings.error(Problem::at(spot.clone(), message).hint(hint));
        }
    }
    used_twice(&places.gpios, findings, |gpio| {
        format!("GPIO {gpio} is used twice")
    });
    used_twice(&places.things, findings, |thing| {
        format!("`{thing}` exists twice")
    });
    used_twice(&places.boards, findings, |sign| {
        format!("two boards are found by {sign}")
    });
    used_twice(&rule_names(config, places), findings, |name| {
        format!("two rules are called `{name}`; case and punctuation do not count")
    });
    used_twice(&places.listen, findings, |address| {
        format!("two parts listen on {address}")
    });
    bridge::check(&config.broker.bridges, places, findings);
    if let (Some(settings), Some(places)) = (&config.history.influx, &places.influx) {
        influx::check(settings, places, findings);
    }
    for (address, spot) in &places.listen {
        if !is_local(*address) {
            warn_of_network(config, *address, spot, findings);
        }
    }
    warn_of_open_house(config, places, findings);
}

/// Rules are known to each other and on the wire by their names made words.
fn rule_names(config: &Config, places: &Places) -> Vec<(String, Spot)> {
    let names = config.rules.iter().map(|rule| word(&rule.name));
    let spots = places.rules.iter().map(|rule| rule.name.clone());
    names.zip(spots).collect()
}

fn used_twice<T: Eq + Hash>(
    used: &[(T, Spot)],
    findings: &Findings,
    message: impl Fn(&T) -> String,
) {
    let mut first_places: HashMap<&T, &Spot> = HashMap::new();
    let mut in_order: Vec<&(T, Spot)> = used.iter().collect();
    in_order.sort_by_key(|(_, spot)| (spot.file, spot.span.start));
    for (key, spot) in in_order {
        match first_places.get(key) {
            Some(first) => findings.error(
                Problem::at(spot.clone(), message(key))
                    .label("again here")
                    .also((*first).clone(), "first here"),
            ),
            None => {
                first_places.insert(key, spot);
            }
        }
    }
}

/// What the user of an address that others reach should know.
fn warn_of_network(config: &Config, address: SocketAddr, spot: &Spot, findings: &Findings) {
    let tls = config.broker.tls.as_ref();
    let (message, hint) = if address == config.web.listen {
        (
            format!("whoever reaches {address} can switch things in this house"),
            "there is no login yet: keep to networks whose every user you trust",
        )
    } else if tls.is_none_or(|tls| tls.listen != address) {
        (
            format!("on their way to {address}, messages and passwords can be read"),
            "let others come in over [broker.tls]; docs/tls.md shows how",
        )
    } else {
        return;
    };
    findings.warning(Problem::at(spot.clone(), message).hint(hint));
}

fn warn_of_open_house(config: &Config, places: &Places, findings: &Findings) {
    let entries = config.broker.entries(config.web.listen);
    let open = entries.iter().find(|entry| entry.is_open_house());
    let (Some(open), Some(spot)) = (open, &places.anonymous) else {
        return;
    };
    let address = open.address;
    let message = match &config.broker.access.anonymous {
        Some(_) => format!("whoever reaches {address} comes in without a password"),
        None => format!("whoever reaches {address} can switch things, without a password"),
    };
    findings.warning(Problem::at(spot.clone(), message).hint(
        "take this line out and make users with `hearth user add NAME`, or say under \
         [access.anonymous] what strangers may do",
    ));
}

/// Finds the place in the files that the rules engine speaks of.
pub(super) fn place(problem: RuleProblem, places: &Places, files: &[File]) -> Problem {
    let Some(rule) = places.rules.get(problem.rule) else {
        return Problem::without_place(problem.message);
    };
    let within = problem.within.as_ref();
    let spot = within
        .and_then(|within| rule.within(problem.at, within, files))
        .unwrap_or_else(|| rule.spot(problem.at));
    let mut placed = Problem::at(spot, problem.message);
    if let Some((other, label)) = &problem.other
        && let Some(other) = places.rules.get(*other)
    {
        placed = placed.also(other.name.clone(), label);
    }
    match problem.hint {
        Some(hint) => placed.hint(hint),
        None => placed,
    }
}
