//! MQTT-SN clients over UDP, beside MQTT clients, as packets of `wire`.

use std::net::UdpSocket;
use std::time::Duration;

use hearth_wire::packet::{
    Connect, Packet, Publish, Qos, Register, ReturnCode, Subscribe, Topic, TopicId, Will,
};

use crate::harness::{House, PATIENCE, Site, free_port};

const KEEPS: bool = false;
const CLEAN: bool = true;

/// A house with a gateway for MQTT-SN, and where that is.
struct Gateway {
    house: House,
    port: u16,
}

impl Gateway {
    fn open(site: &Site, port: u16, more: &str) -> Gateway {
        let house = site.run(&format!(
            "[broker.mqttsn]\nlisten = \"127.0.0.1:{port}\"\nretry = \"500ms\"\n\
             [broker.mqttsn.predefined]\n7 = \"home/hall/lamp\"\n8 = \"home/hall/lamp/set\"\n{more}"
        ));
        Gateway { house, port }
    }

    fn new() -> Gateway {
        Gateway::open(&Site::new(), free_port(), "")
    }

    fn node(&self) -> Node {
        Node::at(self.port)
    }

    fn connected(&self, id: &'static str, clean: bool) -> Node {
        let node = self.node();
        node.connect(id, clean, 60);
        node
    }
}

/// A small client.
struct Node(UdpSocket);

impl Node {
    fn at(port: u16) -> Node {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Node(socket)
    }

    fn send(&self, packet: &Packet<'_>) {
        let mut buffer = [0; 256];
        let length = packet.encode(&mut buffer).unwrap();
        self.0.send(&buffer[..length]).unwrap();
    }

    fn receive(&self) -> Vec<u8> {
        let mut buffer = [0; 2048];
        let length = self.0.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    fn expect(&self, packet: &Packet<'_>) {
        let bytes = self.receive();
        assert_eq!(Packet::decode(&bytes).unwrap(), *packet);
    }

    fn connect(&self, id: &'static str, clean: bool, seconds: u16) {
        self.send(&Packet::Connect(Connect {
            will: false,
            clean_session: clean,
            duration: seconds,
            client_id: id.into(),
        }));
        self.expect(&Packet::ConnAck(ReturnCode::Accepted));
    }

    fn register(&self, name: &'static str) -> TopicId {
        self.send(&Packet::Register(Register {
            topic_id: 0,
            msg_id: 1,
            name: name.into(),
        }));
        let bytes = self.receive();
        let Ok(Packet::RegAck(ack)) = Packet::decode(&bytes) else {
            panic!("{bytes:?} in place of REGACK");
        };
        assert_eq!((ack.msg_id, ack.code), (1, ReturnCode::Accepted));
        TopicId::Normal(ack.topic_id)
    }

    fn subscribe(&self, topic: Topic<'_>) {
        self.send(&Packet::Subscribe(Subscribe {
            dup: false,
            qos: Qos::AtLeastOnce,
            msg_id: 2,
            topic,
        }));
        let bytes = self.receive();
        let Ok(Packet::SubAck(ack)) = Packet::decode(&bytes) else {
            panic!("{bytes:?} in place of SUBACK");
        };
        assert_eq!((ack.msg_id, ack.code), (2, ReturnCode::Accepted));
    }

    fn publish(&self, topic: TopicId, qos: Qos, msg_id: u16, text: &'static str) {
        self.send(&Packet::Publish(Publish {
            dup: false,
            qos,
            retain: false,
            topic,
            msg_id,
            data: text.as_bytes(),
        }));
    }

    /// A message at QoS 1, which is acknowledged.
    fn take(&self, topic: TopicId, text: &str) {
        let bytes = self.receive();
        let Ok(Packet::Publish(publish)) = Packet::decode(&bytes) else {
            panic!("{bytes:?} in place of PUBLISH");
        };
        assert_eq!((publish.topic, publish.data), (topic, text.as_bytes()));
        self.acknowledge(publish.topic.code(), publish.msg_id, ReturnCode::Accepted);
    }

    fn acknowledge(&self, topic_id: u16, msg_id: u16, code: ReturnCode) {
        self.send(&Packet::PubAck(hearth_wire::packet::PubAck {
            topic_id,
            msg_id,
            code,
        }));
    }

    fn expect_puback(&self, topic: TopicId, msg_id: u16, code: ReturnCode) {
        self.expect(&Packet::PubAck(hearth_wire::packet::PubAck {
            topic_id: topic.code(),
            msg_id,
            code,
        }));
    }
}

#[test]
fn readings_come_in_and_commands_go_out() {
    let gateway = Gateway::new();
    let mqtt = gateway.house.watch("home/#");
    let node = gateway.connected("shed", CLEAN);
    let topic = node.register("home/shed/temperature");
    for (msg_id, qos, text) in [(0, Qos::AtMostOnce, "20.5"), (5, Qos::AtLeastOnce, "21.5")] {
        node.publish(topic, qos, msg_id, text);
        mqtt.wait_for("home/shed/temperature", text);
    }
    node.expect_puback(topic, 5, ReturnCode::Accepted);
    node.publish(topic, Qos::ExactlyOnce, 6, "22.5");
    node.expect(&Packet::PubRec(6));
    node.send(&Packet::PubRel(6));
    node.expect(&Packet::PubComp(6));
    mqtt.wait_for("home/shed/temperature", "22.5");

    node.subscribe(Topic::Predefined(8));
    mqtt.publish("home/hall/lamp/set", "on");
    node.take(TopicId::Predefined(8), "on");
    node.subscribe(Topic::Name("home/attic/+/set".into()));
    mqtt.publish("home/attic/fan/set", "off");
    let bytes = node.receive();
    let Ok(Packet::Register(register)) = Packet::decode(&bytes) else {
        panic!("{bytes:?} in place of REGISTER");
    };
    assert_eq!(register.name.as_str(), "home/attic/fan/set");
    node.send(&Packet::RegAck(hearth_wire::packet::RegAck {
        topic_id: register.topic_id,
        msg_id: register.msg_id,
        code: ReturnCode::Accepted,
    }));
    node.take(TopicId::Normal(register.topic_id), "off");
}

#[test]
fn a_gateway_is_found_and_serves_who_is_not_connected() {
    let gateway = Gateway::new();
    let mqtt = gateway.house.watch("home/#");
    let node = gateway.node();
    node.send(&Packet::SearchGw { radius: 0 });
    node.expect(&Packet::GwInfo {
        gw_id: 1,
        address: &[],
    });
    node.publish(TopicId::Predefined(7), Qos::WithoutConnection, 0, "on");
    mqtt.wait_for("home/hall/lamp", "on");
    // Who believes to be connected is told that it is not.
    node.publish(TopicId::Predefined(7), Qos::AtLeastOnce, 3, "off");
    node.expect(&Packet::Disconnect(None));
    assert_eq!(mqtt.payloads("home/hall/lamp"), ["on"]);
}

#[test]
fn what_a_sleeping_client_misses_waits_for_it() {
    let gateway = Gateway::new();
    let mqtt = gateway.house.watch("home/#");
    let node = gateway.connected("sleeper", KEEPS);
    node.subscribe(Topic::Predefined(8));
    node.send(&Packet::Disconnect(Some(600)));
    node.expect(&Packet::Disconnect(None));
    for text in ["on", "off"] {
        mqtt.publish("home/hall/lamp/set", text);
    }
    node.send(&Packet::PingReq(Some("sleeper".into())));
    node.take(TopicId::Predefined(8), "on");
    node.take(TopicId::Predefined(8), "off");
    node.expect(&Packet::PingResp);
}

#[test]
fn a_client_that_falls_silent_leaves_its_will() {
    let gateway = Gateway::new();
    let mqtt = gateway.house.watch("home/#");
    let node = gateway.node();
    node.send(&Packet::Connect(Connect {
        will: true,
        clean_session: true,
        duration: 1,
        client_id: "frail".into(),
    }));
    node.expect(&Packet::WillTopicReq);
    node.send(&Packet::WillTopic(Some(Will {
        qos: Qos::AtLeastOnce,
        retain: false,
        topic: "home/shed/status".into(),
    })));
    node.expect(&Packet::WillMsgReq);
    node.send(&Packet::WillMsg(b"gone"));
    node.expect(&Packet::ConnAck(ReturnCode::Accepted));
    node.expect(&Packet::Disconnect(None));
    mqtt.wait_for("home/shed/status", "gone");
}

#[test]
fn a_will_that_was_changed_is_what_is_left() {
    let access = "[access.anonymous]\nread = [\"home/#\"]\nwrite = [\"home/shed/+\"]\n";
    let gateway = Gateway::open(&Site::new(), free_port(), access);
    let mqtt = gateway.house.watch("home/#");
    let node = gateway.node();
    node.send(&Packet::Connect(Connect {
        will: false,
        clean_session: true,
        duration: 1,
        client_id: "frail".into(),
    }));
    node.expect(&Packet::ConnAck(ReturnCode::Accepted));
    let topic = |topic: &'static str| {
        Packet::WillTopicUpd(Some(Will {
            qos: Qos::AtLeastOnce,
            retain: false,
            topic: topic.into(),
        }))
    };
    node.send(&topic("home/shed/status"));
    node.expect(&Packet::WillTopicResp(ReturnCode::Accepted));
    node.send(&Packet::WillMsgUpd(b"gone"));
    node.expect(&Packet::WillMsgResp(ReturnCode::Accepted));
    node.send(&topic("home/vault/status"));
    node.expect(&Packet::WillTopicResp(ReturnCode::NotSupported));
    node.expect(&Packet::Disconnect(None));
    mqtt.wait_for("home/shed/status", "gone");
    assert_eq!(mqtt.latest("home/vault/status"), None);
}

#[test]
fn a_session_outlives_the_gateway() {
    let (site, port) = (Site::new(), free_port());
    let node = Node::at(port);
    {
        let gateway = Gateway::open(&site, port, "");
        node.connect("keeper", KEEPS, 60);
        node.subscribe(Topic::Predefined(8));
        gateway.house.stop();
    }
    node.expect(&Packet::Disconnect(None));
    let gateway = Gateway::open(&site, port, "");
    let mqtt = gateway.house.watch("home/#");
    mqtt.publish("home/hall/lamp/set", "on");
    node.connect("keeper", KEEPS, 60);
    node.take(TopicId::Predefined(8), "on");
}

#[test]
fn permissions_hold_for_small_clients_too() {
    let access = "[access.anonymous]\nread = [\"home/#\"]\nwrite = [\"home/shed/+\"]\n";
    let gateway = Gateway::open(&Site::new(), free_port(), access);
    let mqtt = gateway.house.watch("home/#");
    let node = gateway.connected("shed", CLEAN);
    let (good, bad) = (
        node.register("home/shed/door"),
        node.register("home/vault/door"),
    );
    node.publish(bad, Qos::AtLeastOnce, 3, "open");
    node.expect_puback(bad, 3, ReturnCode::NotSupported);
    node.publish(good, Qos::AtLeastOnce, 4, "open");
    node.expect_puback(good, 4, ReturnCode::Accepted);
    mqtt.wait_for("home/shed/door", "open");
    assert_eq!(mqtt.latest("home/vault/door"), None);
}

#[test]
fn a_client_behind_a_forwarder_is_one_of_its_own() {
    use hearth_wire::packet::Forwarded;
    let gateway = Gateway::new();
    let forwarder = gateway.node();
    let wrap = |node: &[u8], packet: &Packet<'_>| {
        let mut inner = [0; 64];
        let length = packet.encode(&mut inner).unwrap();
        forwarder.send(&Packet::Forwarded(Forwarded {
            radius: 0,
            node,
            message: &inner[..length],
        }));
    };
    for node in [b"a1", b"a2"] {
        let id = if node == b"a1" { "node-1" } else { "node-2" };
        wrap(
            node,
            &Packet::Connect(Connect {
                will: false,
                clean_session: true,
                duration: 60,
                client_id: id.into(),
            }),
        );
        let bytes = forwarder.receive();
        let Ok(Packet::Forwarded(back)) = Packet::decode(&bytes) else {
            panic!("{bytes:?} in place of an encapsulated packet");
        };
        assert_eq!(back.node, node);
        assert_eq!(back.packet(), Ok(Packet::ConnAck(ReturnCode::Accepted)));
    }
}

#[test]
fn garbage_is_passed_over() {
    let gateway = Gateway::new();
    let node = gateway.connected("calm", CLEAN);
    let stranger = gateway.node();
    for garbage in [
        &[][..],
        &[0],
        &[1],
        &[2, 0xff],
        &[200, 4, 1],
        &[1, 0, 5, 4, 1],
        &[0xff; 600],
    ] {
        stranger.0.send(garbage).unwrap();
        node.0.send(garbage).unwrap();
    }
    node.send(&Packet::PingReq(None));
    node.expect(&Packet::PingResp);
    // Nothing came back for any of it.
    stranger
        .0
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert!(stranger.0.recv(&mut [0; 16]).is_err());
}
