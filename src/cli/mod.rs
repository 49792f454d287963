//! The command line: `hearth run`, `hearth check` and the rest.
//!
//! Exit codes are those of sysexits(3), so that scripts and systemd can tell
//! a wrong config from a failure.

mod backup;
mod boards;
mod certs;
mod check;
mod completions;
mod connection;
mod demo;
mod explain;
mod flash;
mod graph;
mod history;
mod interrupt;
mod owner;
mod password;
mod progress;
mod publish;
mod replay;
mod restore;
mod run;
mod schema;
mod subscribe;
mod test;
mod times;
mod user;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::{self, Config, Problems};

/// Something outside went wrong: an address in use, a full disk.
const FAILURE: u8 = 1;
/// `EX_USAGE`: the command line is wrong.
const USAGE: u8 = 64;
/// `EX_CONFIG`: the config is wrong; starting again will not help.
const CONFIG: u8 = 78;

const EXAMPLES: &str = "\
Examples:
  hearth demo                                  try it without any hardware
  hearth run --config my-house.toml --data .   try a config of your own
  hearth check                                 is the config fine?
  hearth test fan                              run the rule tests about the fan
  hearth replay --rules draft.toml             what would these rules have done today?
  hearth history export -o house.csv           everything that was recorded, as a table
  hearth boards                                what is plugged in, and how is it?
  hearth flash /dev/ttyACM0                    put the firmware on an Uno
  hearth backup /media/stick                   the whole house in one file

The config is /etc/hearth/hearth.toml, with rules in /etc/hearth/rules.d/*.toml.
RUST_LOG=debug says more in the log.";

/// Turns a Raspberry Pi into the middle of a house: Arduino boards on USB and
/// the Pi's own pins become MQTT topics, rules turn readings into commands,
/// every reading is kept, and a page in the browser shows it all live.
#[derive(Debug, Parser)]
#[command(name = "hearth", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the house until it is stopped
    ///
    /// Ctrl-C or SIGTERM stops it in order within five seconds; a second
    /// Ctrl-C at once.
    Run(run::RunArgs),
    /// Try it: a house of simulated boards, on its own config
    ///
    /// The boards print lines on serial ports like any Arduino, and the house
    /// reads them like any others. Rules switch a heater, a fan and lamps; edit
    /// them and start again.
    Demo(demo::DemoArgs),
    /// Check the config and run the tests of its rules
    ///
    /// If all is fine, says so, and who may come in where. Otherwise prints every
    /// problem with its place and what to write instead, and exits with 78.
    Check(check::CheckArgs),
    /// Run the tests that stand beside the rules
    Test(test::TestArgs),
    /// Tell what rules would have done, from what was recorded
    ///
    /// Runs the rules of a file over the history on a virtual clock, and shows
    /// what they would have said beside what was said. Nothing is switched.
    Replay(replay::ReplayArgs),
    /// Take the history out, put it in, and forget
    ///
    /// Everything that was recorded can go into files that other programs read, and
    /// come from them: tables, JSON, InfluxDB's lines, Parquet, and the recorder of
    /// Home Assistant. The house may run meanwhile.
    History(history::HistoryArgs),
    /// Show which rule starts which
    ///
    /// A rule starts another by what it sets or publishes. Each connection has a
    /// line; rules that start each other in a circle are told below.
    Graph(graph::GraphArgs),
    /// Publish a message to the house
    Pub(publish::PubArgs),
    /// Show the messages of topics
    Sub(subscribe::SubArgs),
    /// List the serial ports, what sits on them, and how it is
    ///
    /// What is on USB is seen by this computer. Firmware, uptime, errors and link
    /// quality, and boards that are not on USB, are told by the running gateway.
    Boards(boards::BoardsArgs),
    /// Put Hearth's firmware on an Arduino Uno
    ///
    /// A board with it is set up from the page, needs no sketch of one's own,
    /// and keeps its outputs safe when the house is silent. What is on the
    /// board now is replaced. Uses avrdude.
    Flash(flash::FlashArgs),
    /// Make certificates for MQTT over TLS
    ///
    /// In DIR, makes a certificate authority, a certificate for this computer,
    /// and one for each client that is named. Nothing is overwritten: call it
    /// again for further clients.
    Certs(certs::CertsArgs),
    /// Say who may come in with a user name and a password
    ///
    /// A running house takes changes over within two seconds. Whoever is
    /// removed, or has another password, is disconnected.
    User(user::UserArgs),
    /// Put the whole house into one file, while it runs
    ///
    /// What it remembers, what it has recorded, and its config with the rules, as of one
    /// moment each. The file is read back and compared before it gets its name. It holds the
    /// hashes of passwords and whatever secrets the config holds: its owner alone may read it (mode 0600).
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::BackupArgs),
    /// Bring a house back from a backup
    ///
    /// The backup is unpacked and looked through before anything is changed. Nothing is
    /// deleted: what was there is moved into a folder beside it, which is named. The gateway
    /// must be stopped.
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::RestoreArgs),
    /// Print the schema of the config, for editors
    ///
    /// With it an editor completes the keys of hearth.toml, explains each, and
    /// marks those that do not exist.
    #[command(after_help = schema::HOW_TO_USE)]
    Schema,
    /// Print completions for a shell
    ///
    /// For bash: hearth completions bash | sudo tee
    /// /usr/share/bash-completion/completions/hearth
    Completions(completions::CompletionsArgs),
}

/// Which config a command reads.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgs {
    /// The config; rules are read from the folder rules.d beside it
    #[arg(long, short, value_name = "FILE", default_value = config::DEFAULT_PATH, global = true)]
    config: PathBuf,
}

impl ConfigArgs {
    /// Reads the config and shows its warnings.
    fn load(&self) -> Result<Config, Problems> {
        let (config, warnings) = config::load(&self.config)?;
        if !warnings.is_empty() {
            // If nobody can read them, that is no reason to stop.
            let _ = writeln!(io::stderr(), "{}", warnings.render(colours()));
        }
        Ok(config)
    }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(Cli { command }) => command,
        Err(error) => return usage(&error),
    };
    let outcome = match command {
        Some(Command::Run(args)) => run::run(args),
        Some(Command::Demo(args)) => demo::run(args),
        Some(Command::Check(args)) => wait_for(check::run(args)),
        Some(Command::Test(args)) => test::run(&args),
        Some(Command::Replay(args)) => wait_for(replay::run(args)),
        Some(Command::History(args)) => wait_for(history::run(args)),
        Some(Command::Graph(args)) => graph::run(&args),
        Some(Command::Pub(args)) => wait_for(publish::run(args)),
        Some(Command::Sub(args)) => wait_for(subscribe::run(args)),
        Some(Command::Boards(args)) => wait_for(boards::run(args)),
        Some(Command::Flash(args)) => flash::run(args),
        Some(Command::Certs(args)) => certs::run(&args),
        Some(Command::User(args)) => wait_for(user::run(args)),
        Some(Command::Backup(args)) => wait_for(backup::run(args)),
        Some(Command::Restore(args)) => wait_for(restore::run(args)),
        Some(Command::Schema) => schema::run(),
        Some(Command::Completions(args)) => completions::run(&args),
        None => Cli::command().print_long_help().map_err(Into::into),
    };
    outcome.map_or_else(|error| explain(&error), |()| ExitCode::SUCCESS)
}

/// Runs what waits for the network or for other tasks.
fn wait_for(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("no threads to run on")?;
    let outcome = runtime.block_on(work);
    // Everything that must end in order has; the rest must not hold us up.
    runtime.shutdown_background();
    outcome
}

/// `--help` and `--version` come here too; they are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    match error.use_stderr() {
        true => USAGE.into(),
        false => ExitCode::SUCCESS,
    }
}

fn explain(error: &anyhow::Error) -> ExitCode {
    let mut stderr = io::stderr();
    if let Some(problems) = error.downcast_ref::<Problems>() {
        let _ = writeln!(stderr, "{}", problems.render(colours()).trim_end());
        return CONFIG.into();
    }
    // Whoever reads our output may have seen enough, as `head` does.
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref::<io::Error>().is_some_and(gone) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(stderr, "error: {error:#}");
    FAILURE.into()
}

fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn exit_codes_tell_usage_from_config_from_failure() {
        let wrong = Cli::try_parse_from(["hearth", "frobnicate"]).unwrap_err();
        assert_eq!(usage(&wrong), USAGE.into());
        let help = Cli::try_parse_from(["hearth", "--help"]).unwrap_err();
        assert_eq!(usage(&help), ExitCode::SUCCESS);
        let problems = config::load_text("x", "a = 1", std::path::Path::new("")).unwrap_err();
        assert_eq!(explain(&problems.into()), CONFIG.into());
        assert_eq!(explain(&anyhow::anyhow!("disk full")), FAILURE.into());
        let gone = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(explain(&gone.into()), ExitCode::SUCCESS);
    }
}
