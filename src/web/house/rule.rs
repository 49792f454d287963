//! A rule: what it listens to and does, how it is, and what it last decided; and how
//! the last reading of the rules' files went.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;

use super::thing;
use super::trace::Trace;
use crate::broker::topic::matches;
use crate::clock::UtcMillis;
use crate::home::{Thing, topic};
use crate::web::wording;

/// Entries of one kind that are kept of a rule.
const MAX_ENTRIES: usize = 200;
/// A reason with its place in the file, as `hearth check` draws it, fits.
const MAX_REASON_CHARS: usize = 4000;

/// A rule as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// As its topics have it.
    pub word: String,
    /// As its file has it.
    pub name: String,
    /// What it says of itself; none from a rule that has not yet.
    pub about: Option<About>,
    /// What it last decided.
    pub last: Option<Trace>,
    /// Traces that came since the gateway started.
    pub told: u64,
}

/// What a rule says of itself at `hearth/rule/<rule>/about`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct About {
    name: String,
    pub enabled: bool,
    /// The label of its button.
    pub button: Option<String>,
    /// Sentences.
    pub waits_for: Vec<String>,
    /// Topics and filters.
    pub listens: Vec<String>,
    /// The things that it commands.
    pub sets: Vec<String>,
    /// Other topics.
    pub publishes: Vec<String>,
    pub keeps: Option<Keeps>,
    pub state: State,
    /// What there is to say of the state.
    pub note: String,
    pub pending: Vec<Pending>,
}

/// The state that a rule keeps a thing at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub struct Keeps {
    pub thing: String,
    pub at: String,
}

/// Whether a rule takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Ready,
    Disabled,
    /// Off for a while: it set itself off again and again.
    Tripped,
    /// One that a later version of the rules part has.
    #[serde(other)]
    Other,
}

/// Something that a rule does later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Pending {
    /// `waits 5m before the next action`
    pub what: String,
    pub until: UtcMillis,
}

/// How the last reading of the rules' files went, at `hearth/rules/status`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Reload {
    pub at: UtcMillis,
    outcome: String,
    #[serde(default)]
    pub added: Vec<String>,
    #[serde(default)]
    pub changed: Vec<String>,
    #[serde(default)]
    pub removed: Vec<String>,
    #[serde(default)]
    pub untouched: u64,
    #[serde(default)]
    pub because: String,
}

impl Rule {
    /// A rule of which nothing is known but the word.
    pub fn new(word: &str) -> Rule {
        Rule {
            word: word.to_owned(),
            name: wording::title(word),
            about: None,
            last: None,
            told: 0,
        }
    }

    /// Takes in what it says of itself.
    pub fn describe(&mut self, payload: &[u8]) {
        let Ok(mut about) = serde_json::from_slice::<About>(payload) else {
            return;
        };
        about.bound();
        if !about.name.is_empty() {
            self.name = wording::cut(&about.name);
        }
        self.about = Some(about);
    }

    /// Takes in what it last decided.
    pub fn decide(&mut self, payload: &[u8]) {
        self.last = Trace::read(payload);
        if let (Some(last), None) = (&self.last, &self.about) {
            self.name = last.rule.clone();
        }
    }

    /// When it last did something; rules that never did come last.
    pub fn at(&self) -> Option<UtcMillis> {
        self.last.as_ref().map(|last| last.at)
    }

    /// Where it has its page.
    pub fn href(&self) -> String {
        href(&self.word)
    }

    /// How its page names what it watches.
    pub fn watch(&self) -> String {
        format!("rule/{}", self.word)
    }

    /// Changes whenever its page must be fetched again.
    pub fn version(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// The label of its button.
    pub fn button(&self) -> Option<&str> {
        self.about.as_ref()?.button.as_deref()
    }

    /// How it is; none where it has not said.
    pub fn state(&self) -> Option<State> {
        let about = self.about.as_ref()?;
        Some(match about.state {
            State::Ready if !about.enabled => State::Disabled,
            state => state,
        })
    }

    /// The same: how the page marks it, and in words.
    pub fn badge(&self) -> Option<(&'static str, &'static str)> {
        Some(match self.state()? {
            State::Ready => ("good", "on"),
            State::Disabled => ("", "off"),
            State::Tripped => ("bad", "tripped"),
            State::Other => ("", "in a state of its own"),
        })
    }

    /// Whether nothing is to be said of its state.
    pub fn has_no_note(&self) -> bool {
        let about = self.about.as_ref();
        about.is_none_or(|about| about.note.is_empty())
    }

    /// What it does later, the soonest first.
    pub fn pending(&self) -> &[Pending] {
        self.about.as_ref().map_or(&[], |about| &about.pending)
    }
}

/// Where a rule has its page.
pub fn href(word: &str) -> String {
    format!("/rule/{}", thing::segment(word))
}

impl About {
    /// Nothing that a rule says of itself makes a page too long.
    fn bound(&mut self) {
        for texts in [
            &mut self.waits_for,
            &mut self.listens,
            &mut self.sets,
            &mut self.publishes,
        ] {
            texts.truncate(MAX_ENTRIES);
            texts
                .iter_mut()
                .for_each(|text| *text = wording::sentence(text));
        }
        self.button = self.button.as_deref().map(wording::cut);
        self.note = wording::sentence(&self.note);
        self.pending.sort_by_key(|pending| pending.until);
        self.pending.truncate(MAX_ENTRIES);
        for pending in &mut self.pending {
            pending.what = wording::sentence(&pending.what);
        }
    }

    /// Whether a message on the topic would reach it.
    pub fn hears(&self, topic: &str) -> bool {
        self.listens.iter().any(|filter| matches(filter, topic))
    }

    /// The webhooks that it waits for, by name.
    pub fn hooks(&self) -> impl Iterator<Item = &str> {
        let hooks = self.listens.iter().filter_map(|one| topic::from_hook(one));
        hooks.filter(|name| !name.contains(['+', '#']))
    }

    /// The things that it commands, with the addresses of their pages.
    pub fn set_links(&self) -> impl Iterator<Item = (String, &str)> {
        self.sets
            .iter()
            .map(|topic| (thing_href(topic), topic.as_str()))
    }
}

impl Keeps {
    /// The page of the thing.
    pub fn href(&self) -> String {
        thing_href(&self.thing)
    }
}

/// Empty for what is no thing.
fn thing_href(topic: &str) -> String {
    let thing = Thing::from_topic(topic);
    thing.as_ref().map(thing::href).unwrap_or_default()
}

impl Reload {
    /// Reads the status; none if the payload is something else.
    pub fn read(payload: &[u8]) -> Option<Reload> {
        let mut reload: Reload = serde_json::from_slice(payload).ok()?;
        for names in [&mut reload.added, &mut reload.changed, &mut reload.removed] {
            names.truncate(MAX_ENTRIES);
            names.iter_mut().for_each(|name| *name = wording::cut(name));
        }
        reload.because = wording::cut_to(reload.because.trim_end(), MAX_REASON_CHARS);
        Some(reload)
    }

    /// Whether the files could not be used, so that the rules are as before.
    pub fn is_refused(&self) -> bool {
        self.outcome == "refused"
    }

    /// What came, changed and went: `added`, names.
    pub fn changes(&self) -> impl Iterator<Item = (&'static str, String)> {
        let lists = [
            ("Added", &self.added),
            ("Changed", &self.changed),
            ("Removed", &self.removed),
        ];
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        lists.map(|(what, names)| (what, names.join(", ")))
    }
}
