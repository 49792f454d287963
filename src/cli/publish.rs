//! `hearth pub`: publishes one message, or each line of standard input.

use anyhow::bail;
use clap::{ArgGroup, Args};
use tokio::io::{AsyncBufReadExt, BufReader, Split, Stdin};

use super::connection::{Connection, ConnectionArgs, Event, IN_FLIGHT};
use super::explain::check_topic;

const EXAMPLES: &str = "\
Examples:
  Switch a lamp on
    hearth pub -t home/porch/lamp/set -m on
  Set a value that later subscribers see too
    hearth pub -t home/hall/mode -m holiday --retain
  Forget it again
    hearth pub -t home/hall/mode --retain --empty
  Send a file line by line, each one acknowledged
    hearth pub -t test/lines --qos 1 --lines < readings.txt";

/// Publish a message
#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true, after_help = EXAMPLES)]
#[command(group = ArgGroup::new("what").required(true).args(["message", "empty", "lines"]))]
pub struct PubArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The topic to publish to
    #[arg(short = 't', long, value_name = "TOPIC")]
    pub topic: String,
    /// The message
    #[arg(short = 'm', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// Send a message of no bytes; with --retain it clears the retained one
    #[arg(short = 'n', long)]
    pub empty: bool,
    /// Send each line of standard input as a message
    #[arg(short = 'l', long, conflicts_with = "password_stdin")]
    pub lines: bool,
    /// 0: may be lost, 1: arrives at least once, 2: arrives exactly once
    #[arg(short = 'q', long, value_name = "0|1|2", default_value_t = 0,
          value_parser = clap::value_parser!(u8).range(0..=2))]
    pub qos: u8,
    /// Let the broker keep the message for later subscribers
    #[arg(short = 'r', long)]
    pub retain: bool,
}

/// Publishes, and returns when the broker has what it must acknowledge.
///
/// # Errors
/// When the topic is none, or the broker cannot be reached or refuses.
pub async fn run(args: PubArgs) -> anyhow::Result<()> {
    check_topic(&args.topic)?;
    let mut connection = args.connection.open("pub", false).await?;
    publish_all(&args, Source::of(&args), &mut connection).await?;
    connection.close().await
}

async fn publish_all(
    args: &PubArgs,
    mut source: Source,
    connection: &mut Connection,
) -> anyhow::Result<()> {
    let mut on_the_way = 0;
    let mut more = true;
    while more || on_the_way > 0 {
        tokio::select! {
            payload = source.next(), if more && on_the_way < IN_FLIGHT => match payload? {
                Some(payload) => {
                    connection.publish(&args.topic, payload, args.qos, args.retain).await?;
                    on_the_way += 1;
                }
                None => more = false,
            },
            event = connection.next() => match event? {
                Event::Sent if args.qos == 0 => on_the_way -= 1,
                Event::Delivered => on_the_way -= 1,
                Event::Refused(reason) => {
                    bail!("the broker does not take messages on `{}`: {reason}", args.topic);
                }
                _ => {}
            },
        }
    }
    Ok(())
}

/// Where the messages come from.
enum Source {
    One(Option<Vec<u8>>),
    Lines(Split<BufReader<Stdin>>),
}

impl Source {
    fn of(args: &PubArgs) -> Source {
        if args.lines {
            return Source::Lines(BufReader::new(tokio::io::stdin()).split(b'\n'));
        }
        Source::One(Some(args.message.clone().unwrap_or_default().into()))
    }

    /// Cancel-safe.
    async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Source::One(message) => Ok(message.take()),
            Source::Lines(lines) => Ok(lines.next_segment().await?),
        }
    }
}
