//! What a bridge tells of itself.

use serde::Serialize;

use super::settings::Settings;
use crate::broker::codec::Version;
use crate::broker::outbound::Backlog;
use crate::clock::UtcMillis;
use crate::home::Presence;

/// Messages since the start of the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Acknowledged by the other side, or sent at QoS 0.
    pub sent: u64,
    /// Taken from the other side.
    pub received: u64,
    /// The other side did not take these.
    pub refused_there: u64,
    /// This house did not take these.
    pub refused_here: u64,
    /// Larger than the other side takes.
    pub too_large: u64,
    /// At QoS 0, while the other side was busy.
    pub dropped: u64,
    /// Ours, come round: left out.
    pub loops: u64,
}

/// How a bridge is, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub presence: Presence,
    /// When that began.
    pub since: UtcMillis,
    /// Why there is no connection.
    pub trouble: Option<String>,
    /// About the last message that could not cross.
    pub complaint: Option<String>,
    pub tally: Tally,
}

impl State {
    /// A bridge that starts.
    pub fn new(now: UtcMillis) -> State {
        State {
            presence: Presence::Offline,
            since: now,
            trouble: None,
            complaint: None,
            tally: Tally::default(),
        }
    }

    /// The connection is made.
    pub fn online(&mut self, now: UtcMillis) {
        (self.presence, self.since, self.trouble) = (Presence::Online, now, None);
    }

    /// There is none, for this reason. True if that is news.
    pub fn offline(&mut self, trouble: String, now: UtcMillis) -> bool {
        if self.presence == Presence::Online {
            (self.presence, self.since) = (Presence::Offline, now);
        }
        let is_news = self.trouble.as_ref() != Some(&trouble);
        self.trouble = Some(trouble);
        is_news
    }
}

/// `hearth/bridge/<bridge>/about`, and what the page shows of a bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub bridge: String,
    pub address: String,
    /// Of MQTT.
    pub version: &'static str,
    pub client_id: String,
    pub status: &'static str,
    /// Of this status; milliseconds since 1970 UTC.
    pub since: UtcMillis,
    /// What the other side has not acknowledged yet.
    pub waiting: Waiting,
    pub sent: u64,
    pub received: u64,
    /// Messages that should have crossed and did not.
    pub lost: Lost,
    /// Messages of this house that came round and were left out.
    pub loops: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complaint: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waiting {
    pub messages: usize,
    pub bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lost {
    pub queue_full: u64,
    pub too_large: u64,
    /// By either side.
    pub refused: u64,
}

impl Report {
    /// Puts together what the bridge and the broker know.
    pub fn new(settings: &Settings, state: &State, backlog: Backlog) -> Report {
        let tally = state.tally;
        Report {
            bridge: settings.name.clone(),
            address: settings.address.to_string(),
            version: match settings.version {
                Version::V5 => "5.0",
                Version::V311 => "3.1.1",
            },
            client_id: settings.client_id.clone().unwrap_or_default(),
            status: state.presence.as_str(),
            since: state.since,
            waiting: Waiting {
                messages: backlog.messages,
                bytes: backlog.bytes,
            },
            sent: tally.sent,
            received: tally.received,
            lost: Lost {
                queue_full: backlog.dropped + tally.dropped,
                too_large: tally.too_large,
                refused: tally.refused_there + tally.refused_here,
            },
            loops: tally.loops,
            trouble: state.trouble.clone(),
            complaint: state.complaint.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::bridge::settings::{Address, Scheme};

    #[test]
    fn a_status_lasts_since_it_began() {
        let mut state = State::new(UtcMillis(1));
        assert!(state.offline("no network".into(), UtcMillis(2)));
        assert!(!state.offline("no network".into(), UtcMillis(3)));
        assert_eq!(state.since, UtcMillis(1));
        state.online(UtcMillis(4));
        assert_eq!((state.since, &state.trouble), (UtcMillis(4), &None));
        assert!(state.offline("no network".into(), UtcMillis(5)));
        assert!(state.offline("no broker".into(), UtcMillis(6)));
        assert_eq!(state.since, UtcMillis(5));
    }

    #[test]
    fn a_report_is_json_without_secrets() {
        let address = Address {
            scheme: Scheme::Mqtts,
            host: "broker.example".into(),
            port: 8883,
        };
        let mut settings = Settings::new("cloud", address);
        settings.client_id = Some("hearth-pi".into());
        settings.user = Some("house7".into());
        let mut state = State::new(UtcMillis(1));
        state.tally.sent = 3;
        state.tally.refused_here = 1;
        let backlog = Backlog {
            messages: 2,
            bytes: 300,
            dropped: 4,
        };
        let report = Report::new(&settings, &state, backlog);
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"bridge":"cloud","address":"mqtts://broker.example:8883","version":"5.0","#
                .to_owned()
                + r#""client_id":"hearth-pi","status":"offline","since":1,"#
                + r#""waiting":{"messages":2,"bytes":300},"sent":3,"received":0,"#
                + r#""lost":{"queue_full":4,"too_large":0,"refused":1},"loops":0}"#
        );
    }
}
