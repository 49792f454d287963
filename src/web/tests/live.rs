//! The WebSocket, over real sockets.

use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn serve() -> (SocketAddr, Handle, Supervisor) {
    let (supervisor, clock) = (Supervisor::new(), Clock::start());
    let handle = broker(&supervisor, clock).await;
    let settings = Settings {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
    };
    let history = History::off("there is no disk");
    let name = "Lab".to_owned();
    let address = start(
        settings,
        name,
        TimeZone::UTC,
        clock,
        handle.clone(),
        history,
        &supervisor,
    )
    .await
    .unwrap();
    (address, handle, supervisor)
}

async fn open(address: SocketAddr, origin: &str) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}/live")
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("origin", origin.parse().unwrap());
    Ok(connect_async(request).await?.0)
}

async fn update(socket: &mut Socket) -> Value {
    let message = socket.next().await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

async fn retain(handle: &Handle, topic: &str, payload: &str) {
    let client = handle.connect("board").await.unwrap();
    let publication = Publication::new(topic, payload.to_owned()).retained();
    client.publish(publication).await.unwrap();
}

#[tokio::test]
async fn a_page_is_told_all_and_then_what_changes() {
    let (address, handle, supervisor) = serve().await;
    retain(&handle, "home/hall/door", "off").await;
    let mut socket = open(address, &format!("http://{address}")).await.unwrap();
    let first = update(&mut socket).await;
    assert_eq!(first["things"][0]["text"], "closed");
    retain(&handle, "home/hall/lux", "7").await;
    let next = loop {
        let next = update(&mut socket).await;
        if next["things"][0]["thing"] == "home/hall/lux" {
            break next;
        }
    };
    assert_eq!(next["things"].as_array().unwrap().len(), 1);
    assert_ne!(first["versions"]["things"], next["versions"]["things"]);
    assert_eq!(first["versions"]["rules"], next["versions"]["rules"]);
    // Pages of the history learn when its figures are to be told again.
    assert!(first["versions"]["history"].is_string(), "{first}");
    supervisor.stop().await;
}

#[tokio::test]
async fn a_slow_page_gets_the_latest_value() {
    let (address, handle, supervisor) = serve().await;
    let mut socket = open(address, &format!("http://{address}")).await.unwrap();
    for n in 0..500 {
        retain(&handle, "home/hall/lux", &n.to_string()).await;
    }
    let mut updates = 0;
    loop {
        updates += 1;
        if update(&mut socket).await["things"][0]["text"] == "499" {
            break;
        }
    }
    assert!(updates < 500, "{updates} updates for 500 values");
    supervisor.stop().await;
}

#[tokio::test]
async fn open_pages_are_told_that_hearth_stops() {
    let (address, _, supervisor) = serve().await;
    let mut socket = open(address, &format!("http://{address}")).await.unwrap();
    update(&mut socket).await;
    assert!(supervisor.stop().await);
    let goodbye = loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            _ => continue,
        }
    };
    assert_eq!(goodbye.reason.as_str(), "Hearth is stopping");
}

#[tokio::test]
async fn another_sites_page_may_not_listen() {
    let (address, _, supervisor) = serve().await;
    let refused = open(address, "http://evil.example").await;
    let Err(Error::Http(response)) = refused else {
        panic!("not refused over HTTP: {refused:?}");
    };
    assert_eq!(response.status(), 403);
    supervisor.stop().await;
}
