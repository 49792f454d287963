//! `hearth user`: who may come in with a user name and a password.
//!
//! Works on the house's `state.db`, beside a running gateway or without one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};

use super::{ConfigArgs, owner, password};
use crate::broker::users::{self, password::hash, store::Store};
use crate::config;
use crate::database::{OpenError, state};

const EXAMPLES: &str = "\
Examples:
  The first user, asked for the password
    sudo hearth user add anna
  For a script
    sudo hearth user add kitchen --password-stdin < kitchen.password
  Say goodbye
    sudo hearth user remove anna

What each may read and write is in the config, under [access.user.NAME].";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct UserArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The folder of the databases, whatever the config says
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Let somebody in
    Add(NewPassword),
    /// Give a user another password
    Passwd(NewPassword),
    /// Let somebody in no more
    Remove {
        /// Up to 64 letters, without /, +, # and %
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Tell who may come in
    List,
}

#[derive(Debug, Args)]
struct NewPassword {
    /// Up to 64 letters, without /, +, # and %
    #[arg(value_name = "NAME")]
    name: String,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

pub(super) async fn run(args: UserArgs) -> anyhow::Result<()> {
    let data = args.data()?;
    match args.action {
        Action::Add(new) => add(&data, &new).await,
        Action::Passwd(new) => change(&data, &new).await,
        Action::Remove { name } => remove(&data, &name).await,
        Action::List => list(&data).await,
    }
}

impl UserArgs {
    /// The house's folder. Without rules and certificates, which do not matter here.
    fn data(&self) -> anyhow::Result<PathBuf> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None => Ok(config::load_untested(&self.config.config)?.0.data),
        }
    }
}

impl NewPassword {
    /// Its hash, as the password itself is not needed any more.
    fn hash(&self) -> anyhow::Result<String> {
        let password = match self.password_stdin {
            true => password::from_stdin()?,
            false => password::ask_twice(&self.name)?,
        };
        Ok(hash(&password)?)
    }
}

async fn add(data: &Path, new: &NewPassword) -> anyhow::Result<()> {
    let name = &new.name;
    if !users::is_name(name) {
        bail!("{name:?} cannot be a user: {}", users::NAME_RULE);
    }
    let hash = new.hash()?;
    let added = with_store(data, async |store| store.add(name, &hash).await).await?;
    match added {
        true => say(&format!("{name} may come in")),
        false => bail!(
            "there is a user {name:?} already; `hearth user passwd {name}` changes the password"
        ),
    }
}

async fn change(data: &Path, new: &NewPassword) -> anyhow::Result<()> {
    let name = &new.name;
    // Before the password is asked for.
    ensure_known(data, name).await?;
    let hash = new.hash()?;
    let changed = with_store(data, async |store| store.change(name, &hash).await).await?;
    match changed {
        true => say(&format!("{name} has a new password")),
        false => unknown(name),
    }
}

async fn remove(data: &Path, name: &str) -> anyhow::Result<()> {
    match with_store(data, async |store| store.remove(name).await).await? {
        true => say(&format!("{name} may not come in any more")),
        false => unknown(name),
    }
}

async fn list(data: &Path) -> anyhow::Result<()> {
    let names = with_store(data, async |store| store.names().await).await?;
    let mut stdout = io::stdout().lock();
    for name in names {
        writeln!(stdout, "{name}")?;
    }
    Ok(())
}

async fn ensure_known(data: &Path, name: &str) -> anyhow::Result<()> {
    let names = with_store(data, async |store| store.names().await).await?;
    match names.iter().any(|known| known == name) {
        true => Ok(()),
        false => unknown(name),
    }
}

fn unknown(name: &str) -> anyhow::Result<()> {
    bail!("there is no user {name:?}; `hearth user list` tells who there is")
}

fn say(sentence: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{sentence}")?;
    Ok(())
}

/// Opens the house's state for one piece of work.
async fn with_store<T>(
    data: &Path,
    work: impl AsyncFnOnce(&Store) -> sqlx::Result<T>,
) -> anyhow::Result<T> {
    if !data.is_dir() {
        let data = data.display();
        bail!(
            "there is no folder {data}: start hearth first, or name the house's folder with --data"
        );
    }
    let database = state::open(data).await.map_err(explain)?;
    let outcome = work(&Store::new(database.clone())).await;
    database.close().await;
    owner::give_away(&state::file(data))?;
    outcome.with_context(|| format!("cannot use {}", state::file(data).display()))
}

fn explain(error: OpenError) -> anyhow::Error {
    match error {
        OpenError::NotWritable { .. } => {
            anyhow!("{error}\ntry `sudo hearth user …`, or as the user that runs hearth")
        }
        error => error.into(),
    }
}
