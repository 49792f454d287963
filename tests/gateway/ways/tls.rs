//! MQTT over TLS.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{House, Site, eventually, free_port, hearth, repository, run};

/// A house with certificates of its own.
struct Secured {
    site: Site,
    port: u16,
}

impl Secured {
    fn new() -> Secured {
        let secured = Secured {
            site: Site::new(),
            port: free_port(),
        };
        secured.make_certificates();
        secured
    }

    fn make_certificates(&self) {
        let folder = self.site.folder().join("tls");
        run(hearth()
            .arg("certs")
            .arg(folder)
            .args(["--client", "kitchen"]));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.site.folder().join("tls").join(name)
    }

    /// Starts it, with `more` in its section about TLS.
    fn run(&self, more: &str) -> House {
        self.site.run_talkative(&format!(
            "[broker.tls]\nlisten = \"127.0.0.1:{}\"\n\
             certificate = \"tls/server.pem\"\nkey = \"tls/server.key\"\n{more}",
            self.port
        ))
    }

    /// Publishes with mosquitto's client, which trusts our CA.
    fn publish(&self, options: &[&str]) -> Output {
        Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .arg("--cafile")
            .arg(self.file("ca.pem"))
            .args(["-t", "home/kitchen/lamp", "-m", "on", "-q", "1"])
            .args(options)
            .output()
            .unwrap()
    }

    fn publish_as_kitchen(&self) -> Output {
        let (certificate, key) = (self.file("kitchen.pem"), self.file("kitchen.key"));
        let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
        self.publish(&["--cert", &path(&certificate), "--key", &path(&key)])
    }
}

fn wait_for_log(house: &House, words: &[&str]) {
    let said = || (!house.log.with(words).is_empty()).then_some(());
    eventually(&format!("the log to say {words:?}"), said);
}

#[test]
fn mosquittos_clients_are_served_over_tls() {
    let secured = Secured::new();
    let _house = secured.run("");
    run(
        Command::new(repository("tests/clients/mosquitto_exchange.sh"))
            .args(["127.0.0.1", &secured.port.to_string(), "--cafile"])
            .arg(secured.file("ca.pem")),
    );
}

#[test]
fn paho_mqtt_is_served_over_tls() {
    let secured = Secured::new();
    let _house = secured.run("");
    run(Command::new("/usr/bin/python3")
        .arg(repository("tests/clients/paho_exchange.py"))
        .args(["localhost", &secured.port.to_string(), "tls"])
        .arg(secured.file("ca.pem")));
}

#[test]
fn both_versions_of_tls_are_spoken_and_no_older_one() {
    let secured = Secured::new();
    let house = secured.run("");
    let shake_hands = |version: &str| {
        Command::new("openssl")
            .args([
                "s_client",
                "-connect",
                &format!("127.0.0.1:{}", secured.port),
            ])
            .args([
                version,
                "-cipher",
                "ALL:@SECLEVEL=0",
                "-verify_return_error",
            ])
            .args(["-verify_ip", "127.0.0.1", "-CAfile"])
            .arg(secured.file("ca.pem"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    for version in ["-tls1_2", "-tls1_3"] {
        let output = shake_hands(version);
        assert!(output.status.success(), "{version}: {output:?}");
    }
    assert!(!shake_hands("-tls1_1").status.success());
    wait_for_log(&house, &["no TLS", "TLS 1.2 and 1.3 are spoken"]);
}

#[test]
fn a_clients_certificate_names_its_user() {
    let secured = Secured::new();
    let house = secured.run("client_ca = \"tls/ca.pem\"\n");
    assert!(secured.publish_as_kitchen().status.success());
    wait_for_log(&house, &["MQTT over TLS", "kitchen", "connected"]);
    let without = secured.publish(&[]);
    assert!(without.status.success(), "it is not required: {without:?}");
}

#[test]
fn a_required_certificate_is_required() {
    let secured = Secured::new();
    let house = secured.run("client_ca = \"tls/ca.pem\"\nrequire_certificate = true\n");
    assert!(secured.publish_as_kitchen().status.success());
    assert!(!secured.publish(&[]).status.success());
    wait_for_log(&house, &["the config requires one"]);

    let strangers = Secured::new();
    let path = |name: &str| strangers.file(name).to_str().unwrap().to_owned();
    let forged = [
        "--cert",
        &path("kitchen.pem"),
        "--key",
        &path("kitchen.key"),
    ];
    assert!(!secured.publish(&forged).status.success());
    wait_for_log(&house, &["not signed by `client_ca`"]);
}

#[test]
fn a_certificates_user_has_its_permissions() {
    let secured = Secured::new();
    let house = secured.run(
        "client_ca = \"tls/ca.pem\"\n\
         [access.user.kitchen]\nwrite = [\"home/%u/lamp\"]\n\
         [access.anonymous]\nread = [\"#\"]\n",
    );
    let watcher = house.watch("home/#");
    assert!(secured.publish_as_kitchen().status.success());
    watcher.wait_for("home/kitchen/lamp", "on");
    // Without the certificate, loopback lets it in, but it may write nothing.
    secured.publish(&[]);
    wait_for_log(&house, &["anonymous", "may not write", "home/kitchen/lamp"]);
    assert_eq!(watcher.payloads("home/kitchen/lamp"), ["on"]);
}

#[test]
fn a_client_that_does_not_trust_us_is_told_of_in_the_log() {
    let (secured, stranger) = (Secured::new(), Secured::new());
    let house = secured.run("");
    let ca = stranger.file("ca.pem");
    let distrustful = secured.publish(&["--cafile", ca.to_str().unwrap()]);
    assert!(!distrustful.status.success());
    wait_for_log(&house, &["does not trust our certificate"]);
}

#[test]
fn new_certificates_are_taken_over_while_the_house_runs() {
    let secured = Secured::new();
    let house = secured.run("");
    assert!(secured.publish(&[]).status.success());
    fs::remove_dir_all(secured.file("")).unwrap();
    house.hang_up();
    wait_for_log(
        &house,
        &["the old TLS certificate stays in use", "server.pem"],
    );
    secured.make_certificates();
    // The files are looked at by themselves; this client trusts the new CA alone.
    eventually("the new certificate to be served", || {
        secured.publish(&[]).status.success().then_some(())
    });
}

/// Clients of another address that hold connections open without a handshake.
async fn hold(address: SocketAddr, greeting: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(greeting).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_clients_hold_nobody_up_and_are_let_go() {
    let (secured, house) = tokio::task::spawn_blocking(|| {
        let secured = Secured::new();
        let house = secured.run("");
        (secured, house)
    })
    .await
    .unwrap();
    let address = ([127, 0, 0, 1], secured.port).into();
    // Plain MQTT, the head of a ClientHello, and nothing at all. The first is judged when its
    // turn comes, which it must not wait for behind the others.
    let mut held = Vec::new();
    held.push(hold(address, b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00").await);
    for _ in 0..200 {
        held.push(hold(address, &[0x16, 3, 1, 2, 0, 1]).await);
        held.push(hold(address, &[]).await);
    }
    let served = tokio::task::spawn_blocking(move || {
        let output = secured.publish(&[]);
        (secured, output)
    });
    let (_secured, output) = served.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    for mut stream in held {
        let mut rest = Vec::new();
        // An alert at most; then the end.
        let _ = stream.read_to_end(&mut rest).await;
    }
    tokio::task::spawn_blocking(move || {
        wait_for_log(&house, &["127.0.0.2", "does not speak TLS"]);
        wait_for_log(&house, &["127.0.0.2", "no TLS handshake within 10 s"]);
    })
    .await
    .unwrap();
}
