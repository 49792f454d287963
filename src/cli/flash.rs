//! `hearth flash`: puts Hearth's firmware on an Uno.
//!
//! Finds the firmware and shows how far it is; `boards::avrdude` does the work.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::boards::avrdude::{Job, Progress, Stage};

/// Where the package puts it.
const PACKAGED: &str = "/usr/share/hearth/firmware/uno.hex";
/// Beside the program, or where `firmware/build` puts it beside cargo's output.
const NEAR_THE_PROGRAM: [&str; 2] = ["uno.hex", "../firmware/uno.hex"];
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
    let job = Job {
        hex: find(args.hex)?,
        port: args.port,
        baud: args.baud,
    };
    let mut out = io::stdout();
    if args.dry_run {
        return Ok(writeln!(out, "{}", job.command_line())?);
    }
    writeln!(
        out,
        "{} goes on the board at {}",
        job.hex.display(),
        job.port.display()
    )?;
    let mut bar = Bar::new(io::stderr().is_terminal());
    let outcome = job.run(|progress| bar.show(progress));
    bar.end();
    outcome?;
    Ok(writeln!(
        out,
        "Done: written and verified. The board starts with it now."
    )?)
}

fn find(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(hex) = given {
        let problem = || format!("{} cannot be read", hex.display());
        std::fs::File::open(&hex).with_context(problem)?;
        return Ok(hex);
    }
    let places = places(&std::env::current_exe().unwrap_or_default());
    let found = places.iter().find_map(|place| place.canonicalize().ok());
    found.with_context(|| not_found(&places))
}

fn places(program: &Path) -> Vec<PathBuf> {
    let folder = program.parent().unwrap_or(Path::new("."));
    let near = NEAR_THE_PROGRAM.iter().map(|place| folder.join(place));
    [PathBuf::from(PACKAGED)].into_iter().chain(near).collect()
}

fn not_found(places: &[PathBuf]) -> String {
    let looked = places
        .iter()
        .map(|place| format!("\n  {}", place.display()));
    format!(
        "the firmware is not there. Looked for:{}\nIt comes with the package; in the source, \
         `firmware/build` makes it. Or name a file with --hex",
        looked.collect::<String>()
    )
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

    #[test]
    fn a_missing_firmware_names_every_place() {
        let places = places(Path::new("/opt/hearth/bin/hearth"));
        let text = not_found(&places);
        for place in [
            PACKAGED,
            "/opt/hearth/bin/uno.hex",
            "/opt/hearth/bin/../firmware/uno.hex",
        ] {
            assert!(text.contains(place), "{text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = find(Some("/nowhere/x.hex".into())).unwrap_err();
        assert!(format!("{error:#}").contains("/nowhere/x.hex"), "{error:#}");
    }
}
