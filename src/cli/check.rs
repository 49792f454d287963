//! `hearth check`: is the config fine, and who may come in?

use std::io::{self, Write};
use std::path::Path;

use super::ConfigArgs;
use crate::broker::demands::Demand;
use crate::broker::users::store::Store;
use crate::config::Config;
use crate::database::state;

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) async fn run(args: CheckArgs) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let path = args.config.config.display();
    let users = users(&config.data).await;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{path} is fine: {}", summary(&config))?;
    for entry in config.broker.entries(config.web.listen) {
        writeln!(stdout, "{entry}")?;
    }
    for warning in warnings(&config, &users) {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    Ok(())
}

/// The users' names, or why they cannot be told.
type Names = Result<Vec<String>, String>;

async fn users(data: &Path) -> Names {
    let Some(database) = state::peek(data) else {
        return Ok(Vec::new());
    };
    let names = Store::new(database.clone()).names().await;
    database.close().await;
    names.map_err(|error| format!("cannot read {}: {error}", state::file(data).display()))
}

/// What the config and the users together make doubtful.
fn warnings(config: &Config, users: &Names) -> Vec<String> {
    let names = match users {
        Ok(names) => names,
        Err(why) => return vec![format!("who the users are is not known: {why}")],
    };
    let mut warnings = Vec::new();
    let entries = config.broker.entries(config.web.listen);
    let mut locked = entries.iter().filter(|one| one.demand == Demand::Password);
    if let Some(entry) = locked.next().filter(|_| names.is_empty()) {
        warnings.push(format!(
            "{entry}, and there are no users; `hearth user add NAME` makes one"
        ));
    }
    let tls = config.broker.tls.as_ref();
    if tls.is_none_or(|tls| tls.client_ca.is_none()) {
        let sections = config.broker.access.users.keys();
        let unknown = sections.filter(|name| !names.contains(name));
        warnings.extend(unknown.map(|name| {
            format!("[access.user.{name}] is for nobody: `hearth user add {name}` makes that user")
        }));
    }
    warnings
}

/// `3 boards, 1 pin, 5 rules, 9 rule tests passed`
fn summary(config: &Config) -> String {
    let tests = config.rules.iter().map(|rule| rule.tests.len()).sum();
    [
        count(config.boards.boards.len(), "board"),
        count(config.gpio.pins.len(), "pin"),
        count(config.rules.len(), "rule"),
        count(tests, "rule test") + " passed",
    ]
    .join(", ")
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let base = Path::new("/etc/hearth");
        crate::config::load_text("hearth.toml", text, base)
            .unwrap()
            .0
    }

    fn said(text: &str, users: &[&str]) -> String {
        let users = users.iter().map(|name| (*name).to_owned()).collect();
        warnings(&config(text), &Ok(users)).join("\n")
    }

    #[test]
    fn the_summary_counts_in_plain_english() {
        let path = Path::new("examples/hearth.toml");
        let (config, _) = crate::config::load(path).unwrap();
        assert_eq!(
            summary(&config),
            "0 boards, 0 pins, 4 rules, 3 rule tests passed"
        );
        assert_eq!(count(1, "pin"), "1 pin");
    }

    #[test]
    fn a_door_that_opens_for_nobody_is_told() {
        let open = "[broker]\nlisten = '0.0.0.0:1883'";
        let locked = said(open, &[]);
        assert!(
            locked.contains("0.0.0.0:1883") && locked.contains("no users"),
            "{locked}"
        );
        assert_eq!(said(open, &["anna"]), "");
        assert_eq!(said("", &[]), "");
        assert!(said("[broker]\nanonymous = false", &[]).contains("127.0.0.1:1883"));
    }

    #[test]
    fn permissions_for_nobody_are_told() {
        let text = "[access.user.ana]\nread = '#'";
        assert!(said(text, &["anna"]).contains("[access.user.ana] is for nobody"));
        assert_eq!(said(text, &["ana"]), "");
        let unknown = warnings(&config(text), &Err("locked".to_owned()));
        assert_eq!(unknown, ["who the users are is not known: locked"]);
    }

    #[tokio::test]
    async fn users_are_looked_up_without_making_a_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(users(folder.path()).await, Ok(Vec::new()));
        assert!(!state::file(folder.path()).exists());
        let database = state::open(folder.path()).await.unwrap();
        Store::new(database.clone())
            .add("anna", "hash")
            .await
            .unwrap();
        assert_eq!(users(folder.path()).await, Ok(vec!["anna".to_owned()]));
        database.close().await;
        std::fs::write(state::file(folder.path()), "no database at all").unwrap();
        assert!(users(folder.path()).await.unwrap_err().contains("state.db"));
    }
}
