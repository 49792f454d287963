//! The table, and a gateway's broker that is asked for what it knows.

use std::net::Ipv4Addr;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::*;
use crate::boards::{Owner, PortListing, Usb};
use crate::broker::{self, Handle, Publication};
use crate::clock::Clock;
use crate::supervisor::Supervisor;

fn port(device: &str, usb: Option<Usb>) -> PortListing {
    PortListing {
        device: device.into(),
        name: "uno-c1a2".into(),
        usb,
        driver: Some("cdc_acm".into()),
        owners: vec![],
        permitted: true,
    }
}

fn uno() -> Usb {
    Usb {
        vendor: 0x2341,
        product: 0x43,
        serial: Some("8573C1A2".into()),
        product_name: None,
    }
}

const SHED: &str = r#"{"board":"shed","firmware":"hearth","port":"/dev/ttyACM0","usb":"8573C1A2","room":"garden","things":[]}"#;
const OLD: &str = r#"{"board":"old","firmware":"text","port":"/dev/ttyACM0","usb":"2341:0043","room":"hall","things":[]}"#;
const PINS: &str =
    r#"{"board":"pi","firmware":"pins","port":"gpiochip0","room":"hall","things":[]}"#;
const VITALS: &str = r#"{"client":"uno-0badcafe","firmware":"0.1.0","uptime":93784,"reset":"power-on",
 "restarts":2,"frames":12034,"damaged":3,"overruns":1,"repeated":5,"link_quality":97}"#;

const RETAINED: [(&str, &str); 7] = [
    ("hearth/board/shed/about", SHED),
    ("hearth/board/shed/status", "online"),
    ("hearth/board/shed/vitals", VITALS),
    ("hearth/board/old/about", OLD),
    ("hearth/board/old/status", "offline"),
    ("hearth/board/pi/about", PINS),
    ("hearth/board/pi/status", "online"),
];

fn boards() -> Boards {
    let mut boards = Boards::new();
    for (topic, payload) in RETAINED {
        let message = Message {
            topic: topic.to_owned(),
            payload: payload.into(),
            qos: 0,
            retain: true,
        };
        take(&mut boards, &message, UtcMillis::default());
    }
    boards
}

/// The words of each line, cut where two spaces are.
fn cells(table: &str) -> Vec<Vec<&str>> {
    table
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect()
}

#[test]
fn what_is_plugged_in_stands_beside_what_the_gateway_tells() {
    let ports = [
        port("/dev/ttyACM0", Some(uno())),
        port("/dev/ttyUSB10", None),
    ];
    let text = table::text(&ports, Ok(&boards()));
    assert_eq!(
        cells(&text),
        [
            vec![
                "PORT", "BOARD", "FIRMWARE", "UPTIME", "ERRORS", "LINK", "USB", "SERIAL",
                "PRODUCT", "DRIVER"
            ],
            vec![
                "/dev/ttyACM0",
                "shed",
                "hearth 0.1.0",
                "1 day 2 h",
                "4",
                "97 %",
                "2341:0043",
                "8573C1A2",
                "-",
                "cdc_acm"
            ],
            vec![
                "/dev/ttyUSB10",
                "uno-c1a2",
                "-",
                "-",
                "-",
                "-",
                "-",
                "-",
                "-",
                "cdc_acm"
            ],
            vec![
                "/dev/ttyACM0",
                "old",
                "text",
                "offline",
                "-",
                "-",
                "2341:0043",
                "-",
                "-",
                "-"
            ],
            vec!["gpiochip0", "pi", "pins", "-", "-", "-", "-", "-", "-", "-"],
        ],
        "{text}"
    );
    let only_pins = table::text(&[], Ok(&boards()));
    assert!(
        only_pins.contains("gpiochip0") && !only_pins.contains("dmesg"),
        "{only_pins}"
    );
}

#[test]
fn without_a_gateway_columns_are_aligned_and_problems_follow() {
    let mut ports = [
        port("/dev/ttyACM0", Some(uno())),
        port("/dev/ttyUSB10", None),
    ];
    ports[0].permitted = false;
    let owner = Owner {
        pid: 7,
        name: "screen".into(),
    };
    ports[1].owners.push(owner);
    let table = table::text(&ports, Err(&anyhow::anyhow!("nothing listens on pi:1883")));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 6, "{table}");
    assert_eq!(
        cells(lines[0])[0],
        ["PORT", "BOARD", "USB", "SERIAL", "PRODUCT", "DRIVER"]
    );
    let columns = |line: &str| line.find("uno-c1a2");
    assert_eq!(columns(lines[1]), lines[0].find("BOARD"), "{table}");
    assert_eq!(columns(lines[2]), lines[0].find("BOARD"), "{table}");
    assert!(lines[3].contains("usermod -aG dialout"), "{table}");
    assert_eq!(lines[4], "/dev/ttyUSB10 is open in screen (process 7)");
    assert_eq!(
        lines[5],
        "Firmware and link quality are known to the running gateway only: nothing listens on pi:1883"
    );
}

#[test]
fn an_empty_list_teaches_what_to_check() {
    assert!(table::text(&[], Ok(&Boards::new())).contains("dmesg | tail"));
}

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    args: BoardsArgs,
}

fn args(port: u16) -> BoardsArgs {
    let line = format!("boards --port {port}");
    let matches = Alone::command()
        .try_get_matches_from(line.split(' '))
        .unwrap();
    Alone::from_arg_matches(&matches).unwrap().args
}

async fn retain(handle: &Handle, topic: &str, payload: &str) {
    let publication = Publication::new(topic, payload.to_owned()).retained();
    let client = handle.connect("boards").await.unwrap();
    client.publisher().publish(publication).await.unwrap();
}

#[tokio::test]
async fn the_running_gateway_is_asked() {
    let supervisor = Supervisor::new();
    let settings = broker::Settings {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        ..broker::Settings::default()
    };
    let broker = broker::start(settings, None, Clock::start(), &supervisor)
        .await
        .unwrap();
    let args = args(broker.address.port());
    for (topic, payload) in RETAINED {
        retain(&broker.handle, topic, payload).await;
    }
    retain(&broker.handle, topic::GATEWAY_STATUS, "online").await;
    assert_eq!(ask(&args.connection).await.unwrap(), boards());
    retain(&broker.handle, topic::GATEWAY_STATUS, "offline").await;
    let error = ask(&args.connection).await.unwrap_err();
    assert_eq!(error.to_string(), "the gateway has stopped");
    supervisor.stop().await;
    let error = ask(&args.connection).await.unwrap_err().to_string();
    assert!(error.contains("hearth run"), "{error}");
}
