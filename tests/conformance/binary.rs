//! The same from the outside: the program as it is installed, and what its log
//! says to whoever wrote a client that it sends away.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::Client;
use super::wire::{BOTH, V5, V311, Version, connect, packet, property, publish, suback, subscribe};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running `hearth run`. It is killed when it is dropped.
struct House {
    program: Child,
    mqtt: SocketAddr,
    folder: TempDir,
}

impl House {
    fn run() -> House {
        let folder = tempfile::tempdir().unwrap();
        let (mqtt, http) = (free_address(), free_address());
        let config = format!(
            "data = {:?}\n[home]\nname = \"Test\"\n[broker]\nlisten = \"{mqtt}\"\n\
             [web]\nlisten = \"{http}\"\n[serial]\nscan = false\n",
            folder.path().join("data")
        );
        fs::write(folder.path().join("hearth.toml"), config).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let program = Command::new(env!("CARGO_BIN_EXE_hearth"))
            .args(["run", "--config", "hearth.toml"])
            .current_dir(folder.path())
            .envs([("NO_COLOR", "1"), ("RUST_LOG", "info")])
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let house = House {
            program,
            mqtt,
            folder,
        };
        until("it listens", || TcpStream::connect(mqtt).is_ok());
        house
    }

    fn dial(&self, version: Version) -> Client {
        Client::dial(self.mqtt, version)
    }

    fn client(&self, version: Version, id: &str) -> Client {
        let mut client = self.dial(version);
        client.send(&connect(version, id).bytes());
        assert_eq!(client.packet().body[1], 0);
        client
    }

    fn log(&self) -> String {
        let path: PathBuf = self.folder.path().join("log");
        fs::read_to_string(path).unwrap()
    }

    /// One line of the log holds all of these.
    fn says(&self, parts: &[&str]) {
        let says = || {
            let log = self.log();
            log.lines()
                .any(|line| parts.iter().all(|part| line.contains(part)))
        };
        until(&format!("the log says {parts:?}"), says);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        if std::thread::panicking() {
            eprintln!("--- the log ---\n{}", self.log());
        }
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_program_speaks_both_versions() {
    let house = House::run();
    for version in BOTH {
        let mut client = house.client(version, "client");
        client.send(&subscribe(version, 1, &[], &[("t", 2)]));
        client.expect(&suback(version, 1, &[2]));
        client.publish(&publish("t", "x"));
        assert_eq!(client.message(), publish("t", "x"));
        client.send(&packet(0, &[]));
        client.expect_dismissed(0x81);
    }
}

#[test]
fn the_log_tells_why_a_client_was_sent_away() {
    let house = House::run();
    let first_words = |version, bytes: &[u8]| {
        let mut client = house.dial(version);
        client.send(bytes);
        let _ = client.next();
    };
    first_words(V311, b"GET / HTTP/1.1\r\nHost: pi\r\n\r\n");
    house.says(&[
        "INFO",
        "refused",
        "HTTP",
        "page is at another port",
        "peer=127.0.0.1",
    ]);
    first_words(V311, &[0x16, 3, 1, 2, 0]);
    house.says(&["refused", "TLS", "turn TLS off"]);
    first_words(V311, &connect(V311, "old").bytes_as("MQIsdp", 3));
    house.says(&[
        "refused",
        "\"MQIsdp\" level 3",
        "MQTT 3.1.1 (level 4) and 5.0 (level 5)",
    ]);
    first_words(V311, &publish("t", "x").bytes(V311));
    house.says(&["refused", "PUBLISH", "before CONNECT"]);
    first_words(V311, &connect(V311, "").clean(false).bytes());
    house.says(&["refused", "no client id", "clean session"]);
    let method = connect(V5, "scram").with(property::string(21, "SCRAM-SHA-1"));
    first_words(V5, &method.bytes());
    house.says(&[
        "refused",
        "client_id=\"scram\"",
        "authentication method",
        "user name",
    ]);
}

#[test]
fn the_log_tells_why_a_connection_ended() {
    let house = House::run();
    let mut rude = house.client(V5, "rude");
    rude.publish(&publish("home/+/lamp", "on"));
    rude.expect_dismissed(0x90);
    house.says(&[
        "closed",
        "client_id=\"rude\"",
        "\"home/+/lamp\"",
        "wildcard",
    ]);
    let mut twin = house.client(V5, "twin");
    let _twin = house.client(V5, "twin");
    twin.expect_dismissed(0x8e);
    house.says(&["closed", "client_id=\"twin\"", "same client id"]);
    let mut twice = house.client(V311, "twice");
    twice.send(&connect(V311, "twice").bytes());
    twice.expect_closed();
    house.says(&["closed", "client_id=\"twice\"", "second CONNECT"]);
    let mut silent = house.dial(V5);
    silent.send(&connect(V5, "silent").keep_alive(1).bytes());
    silent.packet();
    silent.expect_dismissed(0x8d);
    house.says(&[
        "closed",
        "client_id=\"silent\"",
        "1.5 s",
        "keep alive",
        "PINGREQ",
    ]);
}
