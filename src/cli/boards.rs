//! `hearth boards`: the serial ports, what sits on them, and how it is.
//!
//! Ports are looked at; the rest is asked from the running gateway, which retains it on
//! its broker. `table` makes the text of both.

mod table;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::de::DeserializeOwned;

use super::connection::{Connection, ConnectionArgs, Event, Message};
use crate::boards::list;
use crate::clock::{Clock, UtcMillis};
use crate::home::{About, Vitals, topic};

const EXAMPLES: &str = "\
Examples:
  What is plugged in, and how is it?
    hearth boards
  The gateway is another computer, and wants a password
    HEARTH_PASSWORD=… hearth boards --host pi.local --username anna
  Follow one board
    hearth sub -v -t 'hearth/board/shed/#'

ERRORS counts damaged frames and lost bytes; LINK is how many of the last frames arrived
whole. Both are told by boards with Hearth's firmware: see `hearth flash`.";

/// A gateway that is there answers within milliseconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
const TOLD: [&str; 3] = [
    topic::ALL_ABOUTS,
    "hearth/board/+/status",
    "hearth/board/+/vitals",
];

/// List the serial ports, what sits on them, and how it is
#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true, after_help = EXAMPLES)]
pub struct BoardsArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What the gateway tells of a board.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    about: Option<About>,
    online: bool,
    vitals: Option<Vitals>,
}

/// By the board's name.
type Boards = BTreeMap<String, Known>;

/// Prints the table to standard output. A gateway that does not answer is no error.
///
/// # Errors
/// When nothing can be printed.
pub async fn run(args: BoardsArgs) -> anyhow::Result<()> {
    let asked = ask(&args.connection).await;
    let text = table::text(&list(), asked.as_ref());
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

async fn ask(connection: &ConnectionArgs) -> anyhow::Result<Boards> {
    tokio::time::timeout(ANSWERS_WITHIN, listen(connection))
        .await
        .context("no gateway answered within two seconds")?
}

/// Everything that is retained. The gateway's own status is asked for last and so comes last.
async fn listen(connection: &ConnectionArgs) -> anyhow::Result<Boards> {
    let mut connection = connection.open("boards", false).await?;
    connection.subscribe(&TOLD.map(str::to_owned), 0).await?;
    let last = [topic::GATEWAY_STATUS.to_owned()];
    connection.subscribe(&last, 0).await?;
    let mut boards = Boards::new();
    while let Some(message) = next(&mut connection).await? {
        if message.topic == topic::GATEWAY_STATUS {
            if message.payload != b"online" {
                bail!("the gateway has stopped");
            }
            break;
        }
        take(&mut boards, &message, Clock::start().now().utc);
    }
    connection.close().await?;
    Ok(boards)
}

async fn next(connection: &mut Connection) -> anyhow::Result<Option<Message>> {
    loop {
        match connection.next().await? {
            Event::Message(message) => return Ok(Some(message)),
            Event::Subscribed(answers) => {
                if let Some(reason) = answers.into_iter().flatten().next() {
                    bail!("the broker refuses a subscription to `hearth/…`: {reason}");
                }
            }
            _ => {}
        }
    }
}

fn take(boards: &mut Boards, message: &Message, now: UtcMillis) {
    let rest = message.topic.strip_prefix("hearth/board/");
    let Some((name, leaf)) = rest.and_then(|rest| rest.split_once('/')) else {
        return;
    };
    let board = boards.entry(name.to_owned()).or_default();
    match leaf {
        "about" => board.about = parse(message),
        "vitals" => board.vitals = parse::<Vitals>(message).map(|said| said.counted_to(now)),
        "status" => board.online = message.payload == b"online",
        _ => {}
    }
}

fn parse<T: DeserializeOwned>(message: &Message) -> Option<T> {
    serde_json::from_slice(&message.payload).ok()
}

#[cfg(test)]
mod tests;
