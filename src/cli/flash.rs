//! `hearth flash`: puts Hearth's firmware on an Uno.
//!
//! Shows how far it is; `boards::avrdude` does the work.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;

use crate::boards::avrdude::{Job, Progress, Stage};

/// Marks of the bar.
const BAR: usize = 40;

#[derive(Debug, clap::Args)]
pub(super) struct FlashArgs {
    /// The Uno's serial port, such as /dev/ttyACM0; `hearth boards` lists them
    #[arg(value_name = "PORT")]
    port: PathBuf,
    /// Put this program on the board, an Intel HEX file, instead of Hearth's firmware
    #[arg(long, value_name = "FILE")]
    hex: Option<PathBuf>,
    /// Speed of the bootloader; an older Nano wants 57600
    #[arg(long, value_name = "BAUD", default_value_t = 115_200)]
    baud: u32,
    /// Print the command instead of running it
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: FlashArgs) -> anyhow::Result<()> {
    if let Some(hex) = &args.hex {
        let problem = || format!("{} cannot be read", hex.display());
        std::fs::File::open(hex).with_context(problem)?;
    }
    let job = Job {
        hex: args.hex,
        port: args.port,
        baud: args.baud,
    };
    let mut out = io::stdout();
    if args.dry_run {
        return Ok(writeln!(out, "{}", job.command_line())?);
    }
    let program = match &job.hex {
        Some(hex) => hex.display().to_string(),
        None => format!("Hearth's firmware {}", version()),
    };
    writeln!(out, "{program} goes on the board at {}", job.port.display())?;
    let mut bar = Bar::new(io::stderr().is_terminal());
    let outcome = job.run(|progress| bar.show(progress));
    bar.end();
    outcome?;
    Ok(writeln!(
        out,
        "Done: written and verified. The board starts with it now."
    )?)
}

/// Of the firmware that comes with this program.
fn version() -> String {
    let version = hearth_logic::FIRMWARE;
    format!("{}.{}.{}", version.major, version.minor, version.patch)
}

/// A bar on a terminal, else a line for each stage.
struct Bar {
    live: bool,
    stage: Option<Stage>,
}

impl Bar {
    fn new(live: bool) -> Bar {
        Bar { live, stage: None }
    }

    /// If nobody can see it, that is no reason to stop.
    fn show(&mut self, progress: Progress) {
        let mut to = io::stderr();
        let begins = self.stage.replace(progress.stage) != Some(progress.stage);
        let _ = match self.live {
            true => write!(to, "{}{}", newline(begins), line(progress)),
            false if begins => writeln!(to, "{} …", word(progress.stage)),
            false => Ok(()),
        };
        let _ = to.flush();
    }

    fn end(&self) {
        if self.live && self.stage.is_some() {
            let _ = writeln!(io::stderr());
        }
    }
}

fn newline(begins: bool) -> &'static str {
    if begins { "\n" } else { "\r" }
}

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Writing => "writing",
        Stage::Verifying => "verifying",
    }
}

fn line(progress: Progress) -> String {
    let full = usize::from(progress.percent) * BAR / 100;
    let (marks, percent) = ("━".repeat(full), progress.percent);
    format!("{:<9} {marks:<BAR$} {percent:>3} %", word(progress.stage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_keeps_its_width() {
        let at = |percent| {
            let stage = Stage::Writing;
            line(Progress { stage, percent })
        };
        assert_eq!(at(0).chars().count(), at(100).chars().count());
        assert!(at(50).contains(&format!("{}{} ", "━".repeat(20), " ".repeat(20))));
    }
}
