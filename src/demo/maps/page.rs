//! The maps as a program gives them to the page, `PUT /api/boards/<board>/map`,
//! where the board has none. The page takes one as soon as it knows the board.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::Maps;
use crate::home::PinMap;

/// Until the next look whether the page knows a board.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Maps and problems are shorter.
const LONGEST: u64 = 64 * 1024;

pub(super) async fn give_missing(maps: &Maps, page: SocketAddr) -> anyhow::Result<()> {
    for (board, map) in maps {
        let path = format!("/api/boards/{board}/map");
        while !has_map(page, &path, map).await? {
            sleep(LOOK_AGAIN).await;
        }
    }
    Ok(())
}

/// Whether the board has a map, perhaps this one from now on; not if the page
/// does not know yet that it can have one.
async fn has_map(page: SocketAddr, path: &str, map: &str) -> anyhow::Result<bool> {
    let known = match request(page, "GET", path, "").await? {
        (200, known) => known,
        (404, _) => return Ok(false),
        (status, body) => bail!("the page answers with {status}: {body}"),
    };
    let known: PinMap = serde_json::from_str(&known).context("no map on the page")?;
    if !known.things.is_empty() {
        return Ok(true);
    }
    match request(page, "PUT", path, map).await? {
        (202, _) => Ok(true),
        // It has not said who it is.
        (404 | 409, _) => Ok(false),
        (status, body) => bail!("the page does not take a map ({status}): {body}"),
    }
}

/// The status and the body of the answer.
async fn request(
    page: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(page).await.context("no connection")?;
    // Of version 1.0, so that the answer ends with the connection, and is in one piece.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok((status.context("no answer of HTTP")?, body.to_owned()))
}
