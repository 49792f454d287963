//! What each client did, so that a failure can tell the story of one message.

use std::fmt;
use std::time::Instant;

/// A message: the topic's place in the ledger, and its number there.
pub type Message = (usize, u64);

/// Of the client that complains, this many of the last entries are told.
const LAST: usize = 40;

/// Something that happened to a client, or that it did.
#[derive(Clone, Debug)]
pub enum Did {
    Connected {
        present: bool,
    },
    Lost(&'static str),
    Asked(&'static str),
    Granted(&'static str),
    Sent {
        message: Message,
        id: u16,
        again: bool,
    },
    Heard {
        message: Message,
        id: u16,
        packet: &'static str,
    },
    Got {
        message: Message,
        id: u16,
        qos: u8,
        dup: bool,
        retain: bool,
    },
    Answered {
        message: Message,
        id: u16,
        packet: &'static str,
    },
    Broker(&'static str),
}

impl Did {
    fn message(&self) -> Option<Message> {
        match self {
            Did::Sent { message, .. }
            | Did::Heard { message, .. }
            | Did::Got { message, .. }
            | Did::Answered { message, .. } => Some(*message),
            _ => None,
        }
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Did::Connected { present } => write!(f, "connected, session present: {present}"),
            Did::Lost(how) => write!(f, "{how}"),
            Did::Asked(what) => write!(f, "sends {what}"),
            Did::Granted(what) => write!(f, "gets {what}"),
            Did::Sent { id, again, .. } => {
                let dup = if *again { " with DUP" } else { "" };
                write!(f, "sends PUBLISH{dup}, id {id}")
            }
            Did::Heard { id, packet, .. } => write!(f, "gets {packet}, id {id}"),
            Did::Got {
                id,
                qos,
                dup,
                retain,
                ..
            } => {
                let dup = if *dup { ", DUP" } else { "" };
                let retain = if *retain { ", RETAIN" } else { "" };
                write!(f, "gets PUBLISH, id {id}, QoS {qos}{dup}{retain}")
            }
            Did::Answered { id, packet, .. } => write!(f, "sends {packet}, id {id}"),
            Did::Broker(what) => write!(f, "{what}"),
        }
    }
}

/// The diary of one client. It goes back at least to the last time but one that
/// everything was in order.
#[derive(Debug)]
pub struct Trace {
    pub name: String,
    earlier: Vec<(Instant, Did)>,
    now: Vec<(Instant, Did)>,
}

impl Trace {
    pub fn new(name: &str) -> Trace {
        Trace {
            name: name.to_owned(),
            earlier: Vec::new(),
            now: Vec::new(),
        }
    }

    pub fn note(&mut self, did: Did) {
        self.now.push((Instant::now(), did));
    }

    /// Everything is in order.
    pub fn turn_page(&mut self) {
        self.earlier = std::mem::take(&mut self.now);
    }

    fn entries(&self) -> impl Iterator<Item = &(Instant, Did)> {
        self.earlier.iter().chain(&self.now)
    }

    fn tells_of(&self, message: Message) -> bool {
        self.entries()
            .any(|(_, did)| did.message() == Some(message))
    }
}

/// What the clients that had to do with the message, and the one that
/// complains, tell of it and of their connections; and the last that happened
/// to the one that complains, whatever the message. `name` names messages.
pub fn story(
    traces: &[&Trace],
    message: Option<Message>,
    by: &str,
    name: impl Fn(Message) -> String,
) -> String {
    let mut told: Vec<(Instant, &str, &Did)> = Vec::new();
    for trace in traces {
        let (complains, count) = (trace.name == by, trace.entries().count());
        let is_concerned = complains || message.is_some_and(|one| trace.tells_of(one));
        for (index, (at, did)) in trace.entries().enumerate() {
            let is_last = complains && index + LAST >= count;
            let is_it = did.message().is_none_or(|one| Some(one) == message);
            if matches!(did, Did::Broker(_)) || is_concerned && (is_it || is_last) {
                told.push((*at, &trace.name, did));
            }
        }
    }
    told.sort_by_key(|(at, _, _)| *at);
    let Some((began, _, _)) = told.first().copied() else {
        return String::new();
    };
    let line = |(at, who, did): &(Instant, &str, &Did)| {
        let seconds = at.duration_since(began).as_secs_f64();
        let of = did
            .message()
            .map_or_else(String::new, |of| format!(": {}", name(of)));
        format!("{seconds:9.4} s  {who:<14} {did}{of}\n")
    };
    told.iter().map(line).collect()
}
