//! `hearth completions`: what the Tab key can do.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    let mut command = super::Cli::command();
    clap_complete::generate(args.shell, &mut command, "hearth", &mut script);
    io::stdout().write_all(&script)?;
    Ok(())
}
