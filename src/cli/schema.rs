//! `hearth schema`: what editors need to complete and explain a config.

use std::io::{self, Write};

use crate::config;

pub(super) const HOW_TO_USE: &str = "\
Write it beside the config, and name it in the first line of hearth.toml and of
each file in rules.d:

  hearth schema > hearth.schema.json

  #:schema ./hearth.schema.json        (in rules.d: ../hearth.schema.json)

Editors that read TOML with Taplo then complete keys, explain them and mark slips:
VS Code with the extension Even Better TOML, Helix, Zed, Neovim. On the command
line, `taplo check hearth.toml` does. What no schema can see, such as a wrong
expression or a failing test, `hearth check` tells.";

pub(super) fn run() -> anyhow::Result<()> {
    io::stdout().write_all(config::SCHEMA.as_bytes())?;
    Ok(())
}
