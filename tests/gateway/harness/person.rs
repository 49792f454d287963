//! Somebody who uses `hearth user`, `hearth pub` and `hearth sub`.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::log::Log;
use super::{House, eventually, hearth};

/// A user name and a password, or neither.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub name: &'static str,
    pub password: &'static str,
}

/// Who gives no name.
pub const ANYBODY: Person = Person {
    name: "",
    password: "",
};

/// A running `hearth sub`. Dropping it kills it.
pub struct Watcher {
    child: Child,
    log: Log,
}

impl Person {
    /// `hearth user ACTION`, with the password where it is asked for.
    pub fn user(&self, action: &str, data: &Path) -> Output {
        let mut command = hearth();
        command
            .args(["user", action, self.name])
            .arg("--data")
            .arg(data);
        if action != "remove" {
            command.arg("--password-stdin");
        }
        finish(&mut command, self.password)
    }

    /// Adds this user, which must work.
    pub fn join(&self, data: &Path) {
        let output = self.user("add", data);
        assert!(output.status.success(), "{output:?}");
    }

    /// Publishes at QoS 1; what the broker says is the outcome.
    pub fn publish(&self, house: &House, topic: &str, message: &str) -> Result<(), String> {
        let mut command = self.command("pub", house);
        command.args(["-q", "1", "-t", topic, "-m", message]);
        outcome(&finish(&mut command, ""))
    }

    /// Publishes at QoS 1, retained.
    pub fn retain(&self, house: &House, topic: &str, message: &str) -> Result<(), String> {
        let mut command = self.command("pub", house);
        command.args(["-q", "1", "-r", "-t", topic, "-m", message]);
        outcome(&finish(&mut command, ""))
    }

    /// Whether the broker lets this person in.
    pub fn enter(&self, house: &House) -> Result<(), String> {
        self.publish(house, "test/entered", self.name)
    }

    /// Subscribes to a filter that is refused; why.
    pub fn subscribe_in_vain(&self, house: &House, filter: &str) -> String {
        let output = finish(self.command("sub", house).args(["-t", filter]), "");
        outcome(&output).unwrap_err()
    }

    /// Subscribes, and waits until a retained message shows that it holds: there
    /// must be one.
    pub fn watch(&self, house: &House, filter: &str) -> Watcher {
        let mut child = self
            .command("sub", house)
            .args(["-v", "-t", filter])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::default();
        log.collect(child.stdout.take().unwrap());
        log.collect(child.stderr.take().unwrap());
        let watcher = Watcher { child, log };
        eventually("a retained message", || {
            (!watcher.lines().is_empty()).then_some(())
        });
        watcher
    }

    fn command(&self, what: &str, house: &House) -> Command {
        let mut command = hearth();
        command.args([what, "-p", &house.mqtt.to_string()]);
        if !self.name.is_empty() {
            command
                .args(["-u", self.name])
                .env("HEARTH_PASSWORD", self.password);
        }
        command
    }
}

impl Watcher {
    /// What it printed so far: topic and message.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Waits for a message.
    pub fn wait_for(&self, line: &str) {
        let is_there = || self.lines().iter().any(|one| one == line).then_some(());
        eventually(
            &format!("`{line}`, where there is {:?}", self.lines()),
            is_there,
        );
    }

    /// Waits until the broker ends the connection, and returns what was said.
    pub fn wait_for_end(mut self) -> String {
        eventually("the connection to end", || self.child.try_wait().unwrap());
        // Its streams are read to their end a moment later.
        eventually("the last words", || {
            self.lines()
                .into_iter()
                .rfind(|line| line.starts_with("error:"))
        })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command with this on its standard input.
pub fn finish(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that fails early does not read it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn outcome(output: &Output) -> Result<(), String> {
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
