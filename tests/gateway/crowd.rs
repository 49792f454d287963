//! Many clients at once, as bytes over sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::{House, PATIENCE, Site, eventually, http};

const PINGREQ: [u8; 2] = [0xc0, 0];
const PINGRESP: [u8; 2] = [0xd0, 0];
/// CONNACK of 3.1.1: let in, and refused as the server is full.
const WELCOME: [u8; 4] = [0x20, 2, 0, 0];
const FULL: [u8; 4] = [0x20, 2, 0, 3];

struct Guest(TcpStream);

impl Guest {
    fn knock(house: &House, id: &str) -> Guest {
        let stream = TcpStream::connect(("127.0.0.1", house.mqtt)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut guest = Guest(stream);
        guest.send(&connect(id));
        guest
    }

    fn enter(house: &House, id: &str) -> Guest {
        let mut guest = Guest::knock(house, id);
        assert_eq!(guest.read(), WELCOME, "{id}");
        guest
    }

    /// What a server that closes first does not take is no fault.
    fn send(&mut self, bytes: &[u8]) {
        match self.0.write_all(bytes) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
            _ => {}
        }
    }

    fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Twenty filters of its own, in one packet.
    fn subscribe_to_twenty(&mut self, number: usize) {
        let filters = (0..20).flat_map(|n| [text(&format!("crowd/{number}/{n}/+")), vec![0]]);
        let body = [vec![0, 1], filters.collect::<Vec<_>>().concat()].concat();
        self.send(&packet(0x82, &body));
        let suback: [u8; 4] = self.read();
        assert_eq!(suback, [0x90, 22, 0, 1]);
        assert_eq!(self.read(), [0; 20]);
    }

    fn is_served(&mut self) {
        self.send(&PINGREQ);
        assert_eq!(self.read(), PINGRESP);
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&length, text.as_bytes()].concat()
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let (low, high) = (body.len() % 128, body.len() / 128);
    let length = match high {
        0 => vec![u8::try_from(low).unwrap()],
        _ => vec![
            0x80 | u8::try_from(low).unwrap(),
            u8::try_from(high).unwrap(),
        ],
    };
    [&[kind], &length[..], body].concat()
}

/// CONNECT of 3.1.1 with a clean session and no keep alive.
fn connect(id: &str) -> Vec<u8> {
    packet(0x10, &[b"\0\x04MQTT\x04\x02\0\0", &text(id)[..]].concat())
}

/// A crowd needs files here, too.
fn raise_own_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

fn connected(house: &House) -> Option<String> {
    let metrics = http::get(house.http, "/metrics").ok()?.body;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("hearth_broker_clients{state=\"connected\"} "))?;
    Some(line.rsplit(' ').next()?.to_owned())
}

/// A system that gives a program few files at first is asked for more.
#[test]
fn a_thousand_clients_with_twenty_filters_each_are_served() {
    raise_own_limit();
    let house = Site::new().run_after("ulimit -Sn 256", "");
    let before: usize = connected(&house).unwrap().parse().unwrap();
    let mut crowd: Vec<Guest> = (0..1_000)
        .map(|number| {
            let mut guest = Guest::enter(&house, &format!("crowd-{number}"));
            guest.subscribe_to_twenty(number);
            guest
        })
        .collect();
    assert_eq!(connected(&house).unwrap(), (before + 1_000).to_string());
    let mut publisher = Guest::enter(&house, "publisher");
    for number in 0..1_000 {
        let topic = text(&format!("crowd/{number}/19/x"));
        publisher.send(&packet(0x30, &[&topic, &b"hello"[..]].concat()));
    }
    for (number, guest) in crowd.iter_mut().enumerate() {
        let topic = text(&format!("crowd/{number}/19/x"));
        let expected = packet(0x30, &[&topic, &b"hello"[..]].concat());
        let mut got = vec![0; expected.len()];
        guest.0.read_exact(&mut got).unwrap();
        assert_eq!(got, expected);
        guest.is_served();
    }
    drop(crowd);
    eventually("everyone to be gone", || {
        (connected(&house)? == (before + 1).to_string()).then_some(())
    });
}

/// Where the system gives no more, the limit follows, and the log says so.
#[test]
fn clients_are_no_more_than_the_system_has_files() {
    let house = Site::new().run_after("ulimit -n 1000", "");
    eventually("the warning", || {
        let lowered = "connections = 2000 is lowered to 104: the system lets this program";
        house.log.text().contains(lowered).then_some(())
    });
    let mut crowd: Vec<Guest> = (0..104)
        .map(|number| Guest::enter(&house, &format!("crowd-{number}")))
        .collect();
    let mut late = Guest::knock(&house, "late");
    assert_eq!(late.read(), FULL);
    crowd.iter_mut().for_each(Guest::is_served);
    drop(crowd.pop());
    eventually("the freed place", || {
        let mut next = Guest::knock(&house, "next");
        (next.read::<4>() == WELCOME).then_some(())
    });
}

/// The page and those who are connected stay served.
#[test]
fn a_burst_of_ten_thousand_connects_disturbs_nobody() {
    raise_own_limit();
    let house = Site::new().run("[broker.limits]\nconnections = 100\n");
    let mut seated: Vec<Guest> = (0..100)
        .map(|number| Guest::enter(&house, &format!("seated-{number}")))
        .collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                let crowd: Vec<Guest> = (0..500).map(|_| Guest::knock(&house, "burst")).collect();
                drop(crowd);
            }
            over.store(true, Ordering::Relaxed);
        });
        while !over.load(Ordering::Relaxed) {
            seated.iter_mut().for_each(Guest::is_served);
            house.page("/");
        }
    });
    seated.iter_mut().for_each(Guest::is_served);
    seated.pop();
    eventually("a place for somebody new", || {
        let mut next = Guest::knock(&house, "next");
        let mut answer = [0; 4];
        next.0.read_exact(&mut answer).ok()?;
        (answer == WELCOME).then_some(())
    });
}
