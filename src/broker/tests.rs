//! The running broker, over sockets: its figures and its limits.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::codec::{
    Connect, Decoder, Packet, PacketId, Publish, PublishProperties, Reason, Subscribe,
    SubscriptionOptions, Version, encode,
};
use super::*;

struct Site {
    broker: Broker,
    _supervisor: Supervisor,
}

async fn site(settings: Settings) -> Site {
    let settings = Settings {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        ..settings
    };
    let supervisor = Supervisor::default();
    let broker = start(settings, None, Clock::start(), &supervisor)
        .await
        .unwrap();
    Site {
        broker,
        _supervisor: supervisor,
    }
}

/// A client that speaks packets.
struct Raw {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Raw {
    async fn open(site: &Site) -> std::io::Result<Raw> {
        Ok(Raw {
            stream: TcpStream::connect(site.broker.address).await?,
            buffer: BytesMut::new(),
        })
    }

    async fn connected(site: &Site, client_id: &str) -> Raw {
        let mut raw = Raw::open(site).await.unwrap();
        raw.send(&connect(client_id)).await.unwrap();
        assert_eq!(raw.connack().await, Some(Reason::Success));
        raw
    }

    async fn send(&mut self, packet: &Packet) -> std::io::Result<()> {
        let mut bytes = BytesMut::new();
        encode(packet, Version::V5, &mut bytes);
        self.stream.write_all(&bytes).await
    }

    /// `None` if the broker has closed the connection.
    async fn receive(&mut self) -> Option<Packet> {
        let mut decoder = Decoder::with_version(Version::V5, usize::MAX);
        loop {
            if let Ok(Some(packet)) = decoder.decode(&mut self.buffer) {
                return Some(packet);
            }
            if self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    async fn connack(&mut self) -> Option<Reason> {
        match self.receive().await? {
            Packet::ConnAck(connack) => Some(connack.reason),
            other => panic!("{other:?} in place of CONNACK"),
        }
    }

    async fn subscribe(&mut self, filter: &str) {
        let subscribe = Subscribe {
            packet_id: PacketId::MIN,
            id: None,
            filters: vec![(filter.to_owned(), SubscriptionOptions::default())],
            user_properties: Vec::new(),
        };
        self.send(&Packet::Subscribe(Box::new(subscribe)))
            .await
            .unwrap();
        assert!(matches!(self.receive().await, Some(Packet::SubAck(_))));
    }

    async fn is_served(&mut self) -> bool {
        self.send(&Packet::PingReq).await.is_ok()
            && matches!(self.receive().await, Some(Packet::PingResp))
    }
}

fn connect(client_id: &str) -> Packet {
    Packet::Connect(Box::new(Connect {
        version: Version::V5,
        client_id: client_id.to_owned(),
        clean_start: true,
        keep_alive: 0,
        username: None,
        password: None,
        will: None,
        session_expiry: None,
        receive_maximum: None,
        maximum_packet_size: None,
        topic_alias_maximum: 0,
        request_response_information: false,
        request_problem_information: true,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    }))
}

/// What a client of 3.1.1 hears.
async fn answer_to_3_1_1(site: &Site) -> Vec<u8> {
    let mut raw = Raw::open(site).await.unwrap();
    let hello = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00";
    raw.stream.write_all(hello).await.unwrap();
    let mut heard = Vec::new();
    raw.stream.read_to_end(&mut heard).await.unwrap();
    heard
}

fn publish(topic: &str, payload: Vec<u8>) -> Packet {
    Packet::Publish(Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: topic.into(),
        packet_id: None,
        payload: payload.into(),
        topic_alias: None,
        subscription_ids: Vec::new(),
        properties: PublishProperties::default(),
    })
}

/// Asks again until the figures are so.
async fn figures_until(site: &Site, is_so: impl Fn(&Figures) -> bool) -> Figures {
    loop {
        let figures = site.broker.handle.figures().await.unwrap();
        if is_so(&figures) {
            return figures;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn figures_are_published_and_follow_what_happens() {
    let site = site(Settings {
        sys_interval: Duration::from_millis(50),
        ..Settings::default()
    })
    .await;
    let mut watcher = Raw::connected(&site, "watcher").await;
    watcher.subscribe("$SYS/broker/clients/connected").await;
    let mut other = Raw::connected(&site, "other").await;
    other.send(&publish("a", b"12345".to_vec())).await.unwrap();
    loop {
        let Some(Packet::Publish(figure)) = watcher.receive().await else {
            panic!("the watcher is served");
        };
        if figure.payload == "2" {
            break;
        }
    }
    let figures = figures_until(&site, |figures| figures.counters.received_bytes > 0).await;
    assert_eq!(figures.counters.received_bytes, 5);
    assert_eq!(figures.crossed.sockets, 2);
    assert!(figures.crossed.bytes_received > 40 && figures.crossed.bytes_sent > 40);
    drop(other);
    figures_until(&site, |figures| figures.holdings.connected == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_ten_thousand_connects_disturbs_nobody() {
    let entry = gate::Limits {
        connections: 40,
        ..gate::Limits::default()
    };
    let site = Arc::new(
        site(Settings {
            entry,
            ..Settings::default()
        })
        .await,
    );
    let mut house = Raw::connected(&site, "house").await;
    let mut seated = Vec::new();
    for number in 1..40 {
        seated.push(Raw::connected(&site, &format!("client-{number}")).await);
    }
    let mut late = Raw::open(&site).await.unwrap();
    late.send(&connect("late")).await.unwrap();
    assert_eq!(late.connack().await, Some(Reason::ServerBusy));
    assert_eq!(
        answer_to_3_1_1(&site).await,
        [0x20, 2, 0, 3],
        "server unavailable"
    );
    let mut crowd = tokio::task::JoinSet::new();
    crowd.spawn(burst(Arc::clone(&site)));
    while crowd.try_join_next().is_none() {
        assert!(house.is_served().await);
    }
    for client in &mut seated {
        assert!(client.is_served().await);
    }
    let refused = |figures: &Figures| figures.crossed.refused() >= 10_001;
    let figures = figures_until(&site, refused).await;
    assert_eq!(figures.holdings.connected, 40);
    drop(seated);
    figures_until(&site, |figures| figures.holdings.connected == 1).await;
    Raw::connected(&site, "late").await;
}

/// 10,000 connections, a hundred at a time; some are told why, some are closed.
async fn burst(site: Arc<Site>) {
    for _ in 0..100 {
        let mut open = Vec::new();
        for _ in 0..100 {
            open.push(Raw::open(&site).await.unwrap());
        }
        for raw in &mut open {
            let _ = raw.send(&connect("burst")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_stops_reading_is_cut_and_memory_returns() {
    let limits = router::Limits {
        stalled_after: Duration::from_millis(300),
        ..router::Limits::default()
    };
    let site = site(Settings {
        limits,
        ..Settings::default()
    })
    .await;
    let mut stuck = Raw::connected(&site, "stuck").await;
    stuck.subscribe("flood").await;
    let mut publisher = Raw::connected(&site, "publisher").await;
    // More than the sockets' own buffers hold.
    for _ in 0..400 {
        publisher
            .send(&publish("flood", vec![0; 60_000]))
            .await
            .unwrap();
    }
    assert!(publisher.is_served().await);
    let figures = figures_until(&site, |figures| figures.counters.stalled == 1).await;
    assert_eq!(figures.holdings.connected, 1);
    assert_eq!(
        figures.holdings.stored_messages,
        figures.holdings.retained_messages
    );
    // The connection itself ends, though nobody reads its last words.
    let mut rest = Vec::new();
    let _ = stuck.stream.read_to_end(&mut rest).await;
    assert!(rest.len() < 400 * 60_000);
}
