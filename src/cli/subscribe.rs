//! `hearth sub`: prints messages as they come.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::connection::{Connection, ConnectionArgs, Event, Message};
use super::explain::check_filter;

const EXAMPLES: &str = "\
Examples:
  Watch the whole house
    hearth sub -t 'home/#' -v
  Every temperature, as JSON for another program
    hearth sub -t 'home/+/temperature' --format json
  The value a topic has now
    hearth sub -t home/hall/temperature -C 1
  Do not miss messages while away (run it again to get them)
    hearth sub -t 'home/#' -q 1 --id my-laptop --keep-session";

/// Print messages as they come
#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true, after_help = EXAMPLES)]
pub struct SubArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The topic to subscribe to; `+` is any one level, `#` all that follow. Repeatable
    #[arg(short = 't', long, value_name = "TOPIC", required = true)]
    pub topic: Vec<String>,
    /// The QoS to receive with, at most
    #[arg(short = 'q', long, value_name = "0|1|2", default_value_t = 0,
          value_parser = clap::value_parser!(u8).range(0..=2))]
    pub qos: u8,
    /// Print the topic before each message
    #[arg(short = 'v', long)]
    pub topics: bool,
    /// How to print messages
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// End after this many messages
    #[arg(short = 'C', long, value_name = "COUNT",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after this many seconds
    #[arg(short = 'W', long, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,
    /// Let the broker keep the subscription and its messages while away
    #[arg(short = 'c', long, requires = "id")]
    pub keep_session: bool,
}

/// How messages are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The payload as it is, one per line
    Text,
    /// One JSON object per line
    Json,
}

/// Prints until the count is reached, the time is up, or Ctrl-C.
///
/// # Errors
/// When a filter is none, the broker cannot be reached or refuses, or the time is
/// up before the count.
pub async fn run(args: SubArgs) -> anyhow::Result<()> {
    args.topic
        .iter()
        .try_for_each(|filter| check_filter(filter))?;
    let mut connection = args.connection.open("sub", args.keep_session).await?;
    connection.subscribe(&args.topic, args.qos).await?;
    tokio::select! {
        result = print_all(&args, &mut connection) => result?,
        () = time_is_up(args.timeout) => {
            if let Some(count) = args.count {
                bail!("fewer than {count} messages came in time");
            }
        }
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    connection.close().await
}

async fn time_is_up(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

async fn print_all(args: &SubArgs, connection: &mut Connection) -> anyhow::Result<()> {
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        match connection.next().await? {
            Event::Message(message) => {
                match print(&message, args) {
                    // Whoever read our output has seen enough.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    result => result?,
                }
                left -= 1;
            }
            Event::Subscribed(answers) => check_answers(&args.topic, &answers)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_answers(filters: &[String], answers: &[Option<String>]) -> anyhow::Result<()> {
    for (filter, answer) in filters.iter().zip(answers) {
        if let Some(reason) = answer {
            bail!("the broker refuses a subscription to `{filter}`: {reason}");
        }
    }
    Ok(())
}

fn print(message: &Message, args: &SubArgs) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&line(message, args))?;
    out.flush()
}

fn line(message: &Message, args: &SubArgs) -> Vec<u8> {
    let mut line = match args.format {
        Format::Json => json_line(message).into_bytes(),
        Format::Text if args.topics => [message.topic.as_bytes(), b" ", &message.payload].concat(),
        Format::Text => message.payload.clone(),
    };
    line.push(b'\n');
    line
}

/// Text is given as `payload`; bytes that are none, as `payload_hex`.
fn json_line(message: &Message) -> String {
    let (key, payload) = match std::str::from_utf8(&message.payload) {
        Ok(text) => ("payload", text.to_owned()),
        Err(_) => {
            let hex = message.payload.iter().map(|byte| format!("{byte:02x}"));
            ("payload_hex", hex.collect())
        }
    };
    json!({
        "topic": message.topic,
        key: payload,
        "qos": message.qos,
        "retain": message.retain,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        args: SubArgs,
    }

    fn args(line: &str) -> SubArgs {
        let line = line.split(' ');
        let matches = Alone::command().try_get_matches_from(line).unwrap();
        Alone::from_arg_matches(&matches).unwrap().args
    }

    fn message(payload: &[u8]) -> Message {
        Message {
            topic: "home/étage/temp".into(),
            payload: payload.into(),
            qos: 1,
            retain: true,
        }
    }

    #[test]
    fn options_are_those_of_mosquitto() {
        let args =
            args("sub -h pi -p 1884 -t a -t b/# -q 2 -v -C 3 -W 5 -i me -c -u u -P p -V 3.1.1");
        assert_eq!(args.topic, ["a", "b/#"]);
        assert_eq!(args.connection.host, "pi");
        assert_eq!((args.qos, args.count, args.timeout), (2, Some(3), Some(5)));
        assert!(args.topics && args.keep_session);
    }

    #[test]
    fn a_kept_session_needs_a_name() {
        let line = "sub -t a -c".split(' ');
        assert!(Alone::command().try_get_matches_from(line).is_err());
    }

    #[test]
    fn messages_are_printed_as_asked() {
        let text = message(b"21.5");
        assert_eq!(line(&text, &args("sub -t a")), b"21.5\n");
        assert_eq!(
            line(&text, &args("sub -t a -v")),
            "home/étage/temp 21.5\n".as_bytes()
        );
        assert_eq!(
            json_line(&text),
            r#"{"payload":"21.5","qos":1,"retain":true,"topic":"home/étage/temp"}"#
        );
        assert!(json_line(&message(b"\xff\x00")).contains(r#""payload_hex":"ff00""#));
    }
}
