//! The broker under test: a process on a folder that outlives it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::PATIENCE;

/// Which broker. mosquitto shows that the test asks for nothing but MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Hearth,
    Mosquitto,
}

/// A folder, and the broker that lives in it from time to time.
pub struct Site {
    kind: Kind,
    folder: TempDir,
    running: Option<Child>,
    /// What else the program finds in its environment.
    pub environment: Vec<(&'static str, PathBuf)>,
}

impl Site {
    pub fn new(kind: Kind) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let config = match kind {
            Kind::Hearth => hearth_config(),
            Kind::Mosquitto => mosquitto_config(folder.path()),
        };
        Site::write(kind, folder, &config)
    }

    /// Hearth with more in its config.
    pub fn with(more: &str) -> Site {
        let config = format!("{}{more}", hearth_config());
        Site::write(Kind::Hearth, tempfile::tempdir().unwrap(), &config)
    }

    fn write(kind: Kind, folder: TempDir, config: &str) -> Site {
        fs::write(folder.path().join("config"), config).unwrap();
        Site {
            kind,
            folder,
            running: None,
            environment: Vec::new(),
        }
    }

    /// Starts the broker, and waits until it serves.
    pub fn start(&mut self) -> SocketAddr {
        let mut child = self.command().spawn().unwrap();
        let said = child.stderr.take().unwrap();
        self.running = Some(child);
        let address = follow(self.kind, said, &self.log_file());
        match address.recv_timeout(PATIENCE) {
            Ok(address) => address,
            Err(_) => panic!("the broker does not start\n{}", self.log()),
        }
    }

    /// Starts the broker, and does not wait.
    pub fn launch(&mut self) {
        let mut child = self.command().spawn().unwrap();
        let said = child.stderr.take().unwrap();
        self.running = Some(child);
        let _ = follow(self.kind, said, &self.log_file());
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.running.take().expect("a broker that runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// An orderly stop.
    pub fn stop(&mut self) {
        let mut child = self.running.take().expect("a broker that runs");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}\n{}", self.log());
    }

    /// What the broker said, all starts together.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Where its config is, and its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves the folder where it is.
    pub fn keep(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn command(&self) -> Command {
        let mut command = match self.kind {
            Kind::Hearth => {
                // What a house runs is optimised; what cargo builds beside the tests is not.
                let built = env!("CARGO_BIN_EXE_hearth").into();
                let program = std::env::var_os("HEARTH_PROGRAM").unwrap_or(built);
                let mut hearth = Command::new(program);
                hearth.args(["run", "--config", "config"]);
                hearth
            }
            Kind::Mosquitto => {
                let mut mosquitto = Command::new("/usr/sbin/mosquitto");
                mosquitto.args(["-c", "config"]);
                mosquitto
            }
        };
        command
            .current_dir(self.folder.path())
            .envs([("NO_COLOR", "1"), ("RUST_LOG", "info")])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.kill();
        }
        if thread::panicking() {
            let folder = self.keep();
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(40)..].join("\n");
            eprintln!("the end of the log in {}:\n{last}", folder.display());
        }
    }
}

/// Copies what the broker says into its log, and tells when it serves, and where.
fn follow(kind: Kind, said: impl Read + Send + 'static, log: &Path) -> mpsc::Receiver<SocketAddr> {
    let (serves, address) = mpsc::sync_channel(1);
    let mut file = File::options().append(true).create(true).open(log).unwrap();
    let log = log.to_owned();
    thread::spawn(move || {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            let _ = writeln!(file, "{line}");
            if let Some(address) = address_in(kind, &line, &log) {
                let _ = serves.try_send(address);
            }
        }
    });
    address
}

fn address_in(kind: Kind, line: &str, log: &Path) -> Option<SocketAddr> {
    match kind {
        Kind::Hearth => line.split("MQTT at ").nth(1)?.trim().parse().ok(),
        // The port that its config has chosen.
        Kind::Mosquitto => line.ends_with(" running").then(|| {
            let config = fs::read_to_string(log.with_file_name("config")).unwrap();
            let port = config.split_whitespace().nth(1).unwrap().parse().unwrap();
            (Ipv4Addr::LOCALHOST, port).into()
        }),
    }
}

/// The addresses differ because two parts may not listen on the same one; the
/// queue holds what a client may miss in a few rounds.
fn hearth_config() -> String {
    "data = \"data\"\n\
     [home]\nname = \"Test\"\n\
     [broker]\nlisten = \"127.0.0.1:0\"\n\
     [broker.limits]\nqueue_messages = 100000\nqueue_bytes = 100000000\n\
     [web]\nlisten = \"127.0.0.2:0\"\n\
     [serial]\nscan = false\n"
        .to_owned()
}

fn mosquitto_config(folder: &Path) -> String {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = port.local_addr().unwrap().port();
    let folder = folder.display();
    format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n\
         persistence true\npersistence_location {folder}/\n\
         max_queued_messages 0\nmax_inflight_messages 100\n"
    )
}
