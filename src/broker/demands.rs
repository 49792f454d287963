//! What each way in asks of a client before it is let in.

use std::fmt;
use std::net::SocketAddr;

use super::Settings;
use super::door::Way;

/// What a client must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing: it may be anonymous.
    Nothing,
    /// A user name and a password.
    Password,
    /// The same, or a certificate.
    PasswordOrCertificate,
    /// A certificate.
    Certificate,
    /// What nobody can have there.
    Impossible,
}

/// A way in, with its address and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub way: Way,
    pub address: SocketAddr,
    pub demand: Demand,
}

impl Settings {
    /// All ways in; `page` is where browsers find the page.
    pub fn entries(&self, page: SocketAddr) -> Vec<Entry> {
        let tls = self.tls.as_ref();
        let page = self.websocket.page.then_some(page);
        let ways = [
            (Way::Tcp, Some(self.listen)),
            (Way::Tls, tls.map(|tls| tls.listen)),
            (Way::WebSocket, self.websocket.listen),
            (Way::Page, page),
            (Way::MqttSn, self.mqttsn.as_ref().map(|sn| sn.listen)),
        ];
        let entry = |(way, address): (Way, Option<SocketAddr>)| {
            let address = address?;
            let demand = self.demand(way, address);
            Some(Entry {
                way,
                address,
                demand,
            })
        };
        ways.into_iter().filter_map(entry).collect()
    }

    fn demand(&self, way: Way, address: SocketAddr) -> Demand {
        let tls = self.tls.as_ref().filter(|_| way == Way::Tls);
        if tls.is_some_and(|tls| tls.require_certificate) {
            return Demand::Certificate;
        }
        if self.anonymous.unwrap_or(is_local(address)) {
            return Demand::Nothing;
        }
        match tls.is_some_and(|tls| tls.client_ca.is_some()) {
            true => Demand::PasswordOrCertificate,
            false if way == Way::MqttSn => Demand::Impossible,
            false => Demand::Password,
        }
    }
}

impl Entry {
    /// Whether others than this computer reach it and may be anonymous.
    pub fn is_open_house(&self) -> bool {
        self.demand == Demand::Nothing && !is_local(self.address)
    }
}

/// Whether only this computer reaches the address.
pub fn is_local(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// As in `MQTT over TLS at 0.0.0.0:8883 asks for a certificate`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { way, address, .. } = self;
        let demand = match self.demand {
            Demand::Nothing if self.is_open_house() => "is open to whoever reaches it",
            Demand::Nothing => "is open to this computer alone",
            Demand::Password => "asks for a user name and a password",
            Demand::PasswordOrCertificate => {
                "asks for a user name and a password, or for a certificate"
            }
            Demand::Certificate => "asks for a certificate",
            Demand::Impossible => {
                "lets nobody in: it has no passwords, and `anonymous` is not true"
            }
        };
        write!(f, "{way} at {address} {demand}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::tls;

    fn settings(anonymous: Option<bool>, require_certificate: bool) -> Settings {
        Settings {
            tls: Some(tls::Settings {
                listen: ([0, 0, 0, 0], 8883).into(),
                certificate: "a.pem".into(),
                key: "a.key".into(),
                client_ca: Some("ca.pem".into()),
                require_certificate,
            }),
            anonymous,
            ..Settings::default()
        }
    }

    fn said(settings: &Settings) -> Vec<String> {
        let page = ([192, 168, 1, 2], 8080).into();
        let entries = settings.entries(page);
        entries.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_others_reach_asks_for_credentials() {
        assert_eq!(
            said(&settings(None, false)),
            [
                "MQTT at 127.0.0.1:1883 is open to this computer alone",
                "MQTT over TLS at 0.0.0.0:8883 asks for a user name and a password, \
                 or for a certificate",
                "MQTT on the page's port at 192.168.1.2:8080 asks for a user name and a password",
            ]
        );
    }

    #[test]
    fn a_way_in_without_passwords_lets_nobody_in_where_they_are_asked_for() {
        let gateway = |address: [u8; 4], anonymous| {
            let settings = Settings {
                mqttsn: Some(crate::broker::mqttsn::Settings::at((address, 1884).into())),
                ..settings(anonymous, false)
            };
            said(&settings).pop().unwrap()
        };
        assert_eq!(
            gateway([127, 0, 0, 1], None),
            "MQTT-SN over UDP at 127.0.0.1:1884 is open to this computer alone"
        );
        assert_eq!(
            gateway([0, 0, 0, 0], None),
            "MQTT-SN over UDP at 0.0.0.0:1884 lets nobody in: it has no passwords, \
             and `anonymous` is not true"
        );
        let open = gateway([0, 0, 0, 0], Some(true));
        assert!(open.ends_with("is open to whoever reaches it"), "{open}");
    }

    #[test]
    fn the_config_may_say_otherwise() {
        let open = said(&settings(Some(true), true));
        assert_eq!(
            open[1],
            "MQTT over TLS at 0.0.0.0:8883 asks for a certificate"
        );
        assert!(
            open[2].ends_with("is open to whoever reaches it"),
            "{}",
            open[2]
        );
        let closed = said(&settings(Some(false), false));
        assert_eq!(
            closed[0],
            "MQTT at 127.0.0.1:1883 asks for a user name and a password"
        );
    }
}
