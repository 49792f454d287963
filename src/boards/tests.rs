//! Boards on ptys, served by the real bridge through the real broker.

use std::fs::File;
use std::io::{Read, Write};

use tempfile::TempDir;
use tokio::time::{Duration, timeout};

use super::*;
use crate::broker::{self, Client, Publication, Qos};

/// A running bridge for the boards that are linked into its folder.
struct House {
    folder: TempDir,
    supervisor: Supervisor,
    watcher: Client,
    /// Everything published, as `topic payload`.
    seen: Vec<String>,
}

impl House {
    async fn start(boards: &[&str]) -> House {
        let folder = TempDir::new().unwrap();
        let settings = Settings {
            scan: false,
            ports: boards
                .iter()
                .map(|board| folder.path().join(board))
                .collect(),
            boards: Vec::new(),
        };
        let (supervisor, clock) = (Supervisor::new(), Clock::start());
        let listen = broker::Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            ..broker::Settings::default()
        };
        let handle = broker::start(listen, None, clock, &supervisor)
            .await
            .unwrap()
            .handle;
        let mut watcher = handle.connect("watcher").await.unwrap();
        watcher.subscribe("#", Qos::AtLeastOnce).await.unwrap();
        start(settings, clock, handle, &supervisor).await.unwrap();
        House {
            folder,
            supervisor,
            watcher,
            seen: Vec::new(),
        }
    }

    /// Plugs a board in; returns its side of the line.
    async fn plug(&mut self, board: &str) -> File {
        let (far, near) = port::pty();
        let link = self.folder.path().join(board);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&near.device, link).unwrap();
        self.sees(&format!("hearth/board/{board}/status online"))
            .await;
        // What comes sooner may be the tail of a line and is not read.
        tokio::time::sleep(Duration::from_millis(350)).await;
        far
    }

    /// Waits for a message that begins so; returns it.
    async fn sees(&mut self, wanted: &str) -> String {
        let wait = async {
            loop {
                let message = self.watcher.next().await.unwrap();
                let seen = format!("{} {}", message.topic, message.text().unwrap());
                self.seen.push(seen.clone());
                if seen.starts_with(wanted) {
                    return seen;
                }
            }
        };
        match timeout(Duration::from_secs(20), wait).await {
            Ok(seen) => seen,
            Err(_) => panic!("{wanted} did not come, but {:#?}", self.seen),
        }
    }

    async fn set(&self, topic: &str, to: &str) {
        let publication = Publication::new(topic, to.to_owned());
        self.watcher.publish(publication).await.unwrap();
    }
}

fn print(board: &mut File, text: &str) {
    board.write_all(text.as_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_is_read_commanded_unplugged_and_followed() {
    let mut house = House::start(&["den"]).await;
    let mut board = house.plug("den").await;
    print(&mut board, "temperature: 21.5 C\nfan:off\n");
    house.sees("home/den/temperature 21.5").await;
    house.sees("home/den/fan off").await;
    house.sees("hearth/board/den/about {").await;

    house.set("home/den/fan/set", "on").await;
    house.sees("hearth/board/den/command/fan {").await;
    // The end of a line first: a new pty echoes until it is made raw.
    let mut line = [0; 8];
    board.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"\nfan on\n");
    print(&mut board, "fan:on\n");
    let report = house.sees("hearth/board/den/command/fan {").await;
    assert!(report.contains("\"reported\""), "{report}");
    house.sees("home/den/fan on").await;

    drop(board);
    house.sees("hearth/board/den/status offline").await;
    house.sees("hearth/board/den/fault unplugged from").await;
    let mut board = house.plug("den").await;
    print(&mut board, "temperature: 22\n");
    house.sees("home/den/temperature 22").await;

    assert!(house.supervisor.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_leaves_the_boards_offline() {
    let mut house = House::start(&["den"]).await;
    let _board = house.plug("den").await;
    let supervisor = house.supervisor.clone();
    let offline = house.sees("hearth/board/den/status offline");
    let (stopped, _) = tokio::join!(supervisor.stop(), offline);
    assert!(stopped);
}

/// Prints without pause until the far end is closed, from a thread of its own.
fn print_for_ever(mut board: File, text: Vec<u8>) {
    std::thread::spawn(move || while board.write_all(&text).is_ok() {});
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_boards_leave_the_good_one_alone() {
    let names = ["flood", "noise", "chatty", "good"];
    let mut house = House::start(&names).await;
    let flood = house.plug("flood").await;
    let noise = house.plug("noise").await;
    let chatty = house.plug("chatty").await;
    let mut good = house.plug("good").await;
    print_for_ever(flood, vec![b'x'; 4096]);
    print_for_ever(noise, (0..=255).collect());
    print_for_ever(chatty, b"temp:21\n".to_vec());
    for value in 0..20 {
        print(&mut good, &format!("n:{value}\n"));
        house.sees(&format!("home/good/n {value}")).await;
    }
    house.set("home/good/lamp/set", "on").await;
    let mut line = [0; 9];
    good.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"\nlamp on\n");
    print(&mut good, "end:1\n");
    house.sees("home/good/end 1").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    print(&mut good, "end:2\n");
    house.sees("home/good/end 2").await;
    for (board, fault) in [("flood", "without a newline"), ("noise", "no text")] {
        let topic = format!("hearth/board/{board}/fault ");
        let faults: Vec<_> = house
            .seen
            .iter()
            .filter(|seen| seen.starts_with(&topic))
            .collect();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(fault), "{faults:?}");
    }
    let chatty = |seen: &&String| seen.starts_with("hearth/board/chatty/fault prints");
    assert_eq!(house.seen.iter().filter(chatty).count(), 1);
    assert!(house.supervisor.stop().await);
}
