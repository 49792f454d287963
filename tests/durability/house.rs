//! A house for one promise: the real program, ended once or twice.

use std::net::SocketAddr;
use std::path::Path;

use super::client::Client;
use super::program::{Kind, Site};
use super::read::ConnAck;
use super::rounds::End;
use super::wire::{
    Connect, PUBACK, PUBCOMP, PUBREC, PUBREL, Publish, V5, Version, ack, connect, publish,
};

/// Both ways in which a program ends.
pub const BOTH_ENDS: [End; 2] = [End::Kill, End::Stop];

pub struct House {
    site: Site,
    at: SocketAddr,
}

impl House {
    pub fn new() -> House {
        House::on(Site::new(Kind::Hearth))
    }

    pub fn with_rules(rules: &str) -> House {
        House::on(Site::with(rules))
    }

    fn on(mut site: Site) -> House {
        House {
            at: site.start(),
            site,
        }
    }

    pub fn folder(&self) -> &Path {
        self.site.folder()
    }

    pub fn log(&self) -> String {
        self.site.log()
    }

    /// Ends the program.
    pub fn end(&mut self, end: End) {
        match end {
            End::Kill => self.site.kill(),
            End::Stop => self.site.stop(),
            End::Cut => {}
        }
    }

    /// Starts it again.
    pub fn start(&mut self) {
        self.at = self.site.start();
    }

    /// Ends the program and starts it again.
    pub fn restart(&mut self, end: End) {
        self.end(end);
        self.start();
    }

    /// A client that is let in, and its CONNACK.
    pub fn connect_and_see(&self, connect: &Connect) -> (Client, ConnAck) {
        let mut client = Client::dial(self.at, connect.version);
        client.send(&connect.bytes());
        let connack = ConnAck::of(&client.packet(), connect.version);
        assert_eq!(connack.code, 0, "{connect:?} is refused");
        (client, connack)
    }

    pub fn connect(&self, connect: &Connect) -> Client {
        self.connect_and_see(connect).0
    }

    /// A client with a clean session.
    pub fn client(&self, version: Version, id: &str) -> Client {
        self.connect(&connect(version, id))
    }

    /// A client whose session must be there.
    pub fn resume(&self, connect: &Connect) -> Client {
        let (client, connack) = self.connect_and_see(connect);
        assert!(
            connack.session_present(),
            "the session of {connect:?} is gone"
        );
        client
    }

    /// A client whose session must not be there.
    pub fn begin(&self, connect: &Connect) -> Client {
        let (client, connack) = self.connect_and_see(connect);
        assert!(
            !connack.session_present(),
            "the session of {connect:?} is there"
        );
        client
    }

    /// Publishes at QoS 1, and sees it acknowledged.
    pub fn tell(&self, message: Publish) {
        self.client(V5, "teller").tell(message);
    }

    /// Nothing else comes on this topic before what is published there now.
    pub fn expect_nothing_before(&self, client: &mut Client, topic: &str) {
        self.tell(publish(topic, "nothing else"));
        let next = client.message();
        assert_eq!(String::from_utf8_lossy(&next.payload), "nothing else");
        take(client, &next);
    }
}

/// Publishes at QoS 2, to the end of the exchange.
pub fn tell_exactly_once(client: &mut Client, message: Publish, id: u16) {
    client.publish(&message.qos(2, id));
    for (answer, then) in [(PUBREC, Some(PUBREL)), (PUBCOMP, None)] {
        let packet = client.packet();
        assert_eq!(
            (packet.first, &packet.body[..2]),
            (answer, &id.to_be_bytes()[..])
        );
        then.into_iter()
            .for_each(|then| client.send(&ack(then, id)));
    }
}

/// Acknowledges a message to the end. Nothing else may be on its way.
pub fn take(client: &mut Client, message: &Publish) {
    match message.qos {
        0 => {}
        1 => client.send(&ack(PUBACK, message.id)),
        _ => {
            client.send(&ack(PUBREC, message.id));
            client.expect(&ack(PUBREL, message.id));
            client.send(&ack(PUBCOMP, message.id));
        }
    }
}
