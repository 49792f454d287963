//! MQTT over WebSocket: on the page's port and on a port of its own.

use std::process::Command;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::{House, Site, free_port, http, repository, run};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// CONNECT at level 4 without a client id, and its answer.
const CONNECT: &[u8] = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00";
const CONNACK: &[u8] = b"\x20\x02\x00\x00";
/// SUBSCRIBE to `t`, and its answer.
const SUBSCRIBE: &[u8] = b"\x82\x06\x00\x01\x00\x01t\x00";
const SUBACK: &[u8] = b"\x90\x03\x00\x01\x00";
/// `hi` on `t`.
const PUBLISH: &[u8] = b"\x30\x05\x00\x01thi";

/// A house with a port for WebSocket.
struct Ports {
    house: House,
    own: u16,
}

impl Ports {
    fn open() -> Ports {
        let own = free_port();
        let listen = format!("[broker.websocket]\nlisten = \"127.0.0.1:{own}\"\n");
        let trusted = "origins = [\"http://localhost:3000\"]\n";
        let house = Site::new().run(&(listen + trusted));
        Ports { house, own }
    }

    async fn open_async() -> Ports {
        tokio::task::spawn_blocking(Ports::open).await.unwrap()
    }

    fn both(&self) -> [u16; 2] {
        [self.own, self.house.http]
    }
}

async fn connect(port: u16, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let address = format!("ws://127.0.0.1:{port}/mqtt");
    let mut request = address.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (socket, response) = connect_async(request).await?;
    // [MQTT-6.0.0-4]
    assert_eq!(response.headers()["sec-websocket-protocol"], "mqtt");
    Ok(socket)
}

async fn mqtt(port: u16) -> Socket {
    let asked = [("sec-websocket-protocol", "mqttv3.1, mqtt")];
    connect(port, &asked).await.unwrap()
}

async fn send(socket: &mut Socket, data: &[u8]) {
    let frame = Message::Binary(Bytes::copy_from_slice(data));
    socket.send(frame).await.unwrap();
}

/// Reads frames until they hold `expected`, and nothing else.
async fn expect(socket: &mut Socket, expected: &[u8]) {
    let mut came = Vec::new();
    while came.len() < expected.len() {
        match socket.next().await {
            Some(Ok(Message::Binary(data))) => came.extend_from_slice(&data),
            other => panic!("{other:?} after {came:?}"),
        }
    }
    assert_eq!(came, expected);
}

#[test]
fn paho_mqtt_is_served_on_both_ports() {
    let ports = Ports::open();
    for port in ports.both() {
        run(Command::new("/usr/bin/python3")
            .arg(repository("tests/clients/paho_exchange.py"))
            .args(["127.0.0.1", &port.to_string(), "websockets"]));
    }
}

/// [MQTT-6.0.0-2]
#[tokio::test(flavor = "multi_thread")]
async fn packets_and_frames_need_not_agree() {
    let ports = Ports::open_async().await;
    for port in ports.both() {
        let mut socket = mqtt(port).await;
        for byte in CONNECT {
            send(&mut socket, &[*byte]).await;
        }
        expect(&mut socket, CONNACK).await;
        let (head, tail) = PUBLISH.split_at(3);
        send(&mut socket, &[SUBSCRIBE, PUBLISH, PUBLISH, head].concat()).await;
        send(&mut socket, &[]).await;
        send(&mut socket, tail).await;
        expect(&mut socket, &[SUBACK, PUBLISH, PUBLISH, PUBLISH].concat()).await;
    }
}

/// [MQTT-6.0.0-1]
#[tokio::test(flavor = "multi_thread")]
async fn a_text_frame_ends_the_connection() {
    let ports = Ports::open_async().await;
    for port in ports.both() {
        let mut socket = mqtt(port).await;
        send(&mut socket, CONNECT).await;
        expect(&mut socket, CONNACK).await;
        socket.send(Message::text("hello")).await.unwrap();
        let Some(Ok(Message::Close(Some(close)))) = socket.next().await else {
            panic!("the connection goes on");
        };
        assert_eq!(close.code, CloseCode::Unsupported);
    }
}

/// [MQTT-6.0.0-3]
#[tokio::test(flavor = "multi_thread")]
async fn another_subprotocol_is_refused() {
    let ports = Ports::open_async().await;
    for port in ports.both() {
        for headers in [&[][..], &[("sec-websocket-protocol", "mqttv3.1")]] {
            assert_eq!(refusal(connect(port, headers).await), 400);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_are_refused_unless_they_are_named() {
    let ports = Ports::open_async().await;
    for port in ports.both() {
        let own = format!("http://127.0.0.1:{port}");
        let from = |origin| [("sec-websocket-protocol", "mqtt"), ("origin", origin)];
        let evil = connect(port, &from("http://evil.example")).await;
        assert_eq!(refusal(evil), 403);
        connect(port, &from(&own)).await.unwrap();
        connect(port, &from("http://localhost:3000")).await.unwrap();
    }
}

fn refusal(outcome: Result<Socket, Error>) -> u16 {
    match outcome {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("no refusal: {other:?}"),
    }
}

/// What is longer than any packet may be is not even read.
#[tokio::test(flavor = "multi_thread")]
async fn an_endless_frame_ends_its_connection_alone() {
    let ports = Ports::open_async().await;
    for port in ports.both() {
        let (mut bad, mut good) = (mqtt(port).await, mqtt(port).await);
        let _ = bad.send(Message::Binary(vec![0; 8 << 20].into())).await;
        while let Some(Ok(_)) = bad.next().await {}
        send(&mut good, CONNECT).await;
        expect(&mut good, CONNACK).await;
    }
}

/// A stop says goodbye to those who are connected, and leaves behind those who
/// never said hello.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_nobody_in_vain() {
    let ports = Ports::open_async().await;
    let silent = TcpStream::connect(("127.0.0.1", ports.house.mqtt)).await;
    let mut sockets = Vec::new();
    for port in ports.both() {
        let mut socket = mqtt(port).await;
        send(&mut socket, CONNECT).await;
        expect(&mut socket, CONNACK).await;
        sockets.push(socket);
    }
    let house = ports.house;
    let ended = tokio::task::spawn_blocking(|| house.stop()).await.unwrap();
    assert!(ended.status.success());
    assert!(ended.log.with(&["did not stop in time"]).is_empty());
    for mut socket in sockets {
        assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    }
    drop(silent);
}

#[test]
fn a_browser_is_told_what_is_spoken_there() {
    let ports = Ports::open();
    for port in ports.both() {
        let answer = http::get(port, "/mqtt").unwrap();
        assert!(answer.status >= 400 && answer.body.contains("MQTT over WebSocket"));
    }
    assert_eq!(http::get(ports.own, "/").unwrap().status, 404);
}

#[test]
fn the_page_can_be_without_mqtt() {
    let house = Site::new().run("[broker.websocket]\npage = false\n");
    assert_eq!(http::get(house.http, "/mqtt").unwrap().status, 404);
}
