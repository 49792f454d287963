//! A running gateway: the real binary on a config, a folder and ports of its own.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::iter;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::log::Log;
use super::{Board, Mqtt, eventually, http, within};

/// The folder of one test: config, databases, and links to its boards' ports.
pub struct Site {
    folder: Arc<TempDir>,
    pub mqtt: u16,
    pub http: u16,
    /// Where MQTT is spoken.
    pub host: &'static str,
    /// More lines of `[broker]`.
    pub broker: &'static str,
    /// More lines of `[history]`.
    pub history: String,
    /// Whether it looks for boards on USB by itself.
    pub scan: bool,
    /// Ports that it looks at besides those of its boards.
    pub ports: Vec<PathBuf>,
}

impl Site {
    pub fn new() -> Site {
        Site {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            mqtt: free_port(),
            http: free_port(),
            host: "127.0.0.1",
            broker: "",
            history: String::new(),
            scan: false,
            ports: Vec::new(),
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its databases are.
    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Where a board of this name is plugged in.
    pub fn port(&self, board: &str) -> PathBuf {
        self.folder().join(board)
    }

    /// A board, plugged in.
    pub fn board(&self, name: &str) -> Board {
        Board::plug(&self.port(name))
    }

    /// Writes a config with `text` below the addresses, and returns its path.
    pub fn write_config(&self, text: &str) -> PathBuf {
        let file = self.folder().join("hearth.toml");
        let data = self.data();
        let config = format!(
            "data = {data:?}\n\
             [home]\nname = \"Test house\"\ntimezone = \"UTC\"\n\
             [broker]\nlisten = \"{}:{}\"\n{}\n\
             [web]\nlisten = \"127.0.0.1:{}\"\n\
             [history]\nlose_at_most = \"1s\"\n{}\n\
             [serial]\nscan = {}\nports = {:?}\n\
             {text}",
            self.host, self.mqtt, self.broker, self.http, self.history, self.scan, self.ports
        );
        fs::write(&file, config).unwrap();
        file
    }

    /// `[board.NAME]` for a board that is plugged in here.
    pub fn board_config(&self, name: &str, room: &str) -> String {
        format!(
            "[board.{name}]\nport = {:?}\nroom = \"{room}\"\n",
            self.port(name)
        )
    }

    /// Starts `hearth run` and waits until it is ready.
    pub fn run(&self, config: &str) -> House {
        House::start(self.command(config), self)
    }

    /// The same, with a log that says more.
    pub fn run_talkative(&self, config: &str) -> House {
        let mut command = self.command(config);
        command.env("RUST_LOG", "hearth=debug");
        House::start(command, self)
    }

    /// The same, after a shell has done `before`, such as `ulimit -n 64`.
    pub fn run_after(&self, before: &str, config: &str) -> House {
        let run = self.command(config);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{before} && exec \"$0\" \"$@\"")])
            .arg(run.get_program())
            .args(run.get_args());
        for (name, value) in run.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        House::start(shell, self)
    }

    fn command(&self, config: &str) -> Command {
        let config = self.write_config(config);
        let mut command = hearth();
        command.arg("run").arg("--config").arg(config);
        command
    }

    /// Starts `hearth demo` and waits until it is ready.
    pub fn demo(&self) -> House {
        let mut command = hearth();
        command
            .arg("demo")
            .arg("--mqtt")
            .arg(format!("127.0.0.1:{}", self.mqtt))
            .arg("--http")
            .arg(format!("127.0.0.1:{}", self.http))
            .arg("--data")
            .arg(self.data());
        House::start(command, self)
    }
}

/// The binary under test, with the surroundings of a plain terminal.
pub fn hearth() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hearth"));
    command
        .env_remove("RUST_LOG")
        .env_remove("NOTIFY_SOCKET")
        .env_remove("JOURNAL_STREAM")
        .env("NO_COLOR", "1");
    command
}

/// A port that nobody listens on. It is below those that the kernel gives to
/// outgoing connections: one of another test's could take it before it is used,
/// or while its program starts again.
pub fn free_port() -> u16 {
    const RANGE: Range<u16> = 12_000..32_000;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let chance = || RandomState::new().hash_one(0) % u64::from(RANGE.end - RANGE.start);
    let mut ports = iter::repeat_with(|| RANGE.start + u16::try_from(chance()).unwrap());
    ports.find(is_free).unwrap()
}

/// A gateway that is ready. Dropping it kills it.
pub struct House {
    child: Child,
    pub log: Log,
    pub mqtt: u16,
    pub http: u16,
    _folder: Arc<TempDir>,
}

/// How a gateway ended.
pub struct Ended {
    pub status: ExitStatus,
    pub took: Duration,
    pub log: Log,
}

impl House {
    fn start(mut command: Command, site: &Site) -> House {
        let mut child = command
            .current_dir(site.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::default();
        log.collect(child.stdout.take().unwrap());
        log.collect(child.stderr.take().unwrap());
        let mut house = House {
            child,
            log,
            mqtt: site.mqtt,
            http: site.http,
            _folder: Arc::clone(&site.folder),
        };
        eventually("the gateway to be ready", || house.is_ready());
        house
    }

    fn is_ready(&mut self) -> Option<()> {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the gateway ended: {status}");
        }
        let health = http::get(self.http, "/healthz").ok()?;
        (health.status == 200).then_some(())
    }

    /// The page at `path`; it must be there.
    pub fn page(&self, path: &str) -> String {
        let response = http::get(self.http, path).unwrap();
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.body
    }

    /// The API's answer at `path`; it must be there.
    pub fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.page(path)).unwrap()
    }

    /// An MQTT client that sees what matches `filter`.
    pub fn watch(&self, filter: &str) -> Mqtt {
        Mqtt::connect(self.mqtt, filter)
    }

    /// Tells it that files have changed, as `kill -HUP` does.
    pub fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }

    /// Asks it to stop, as systemd does, and waits for its end.
    pub fn stop(mut self) -> Ended {
        let asked = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let status = within(Duration::from_secs(20), "the gateway to end", || {
            self.child.try_wait().unwrap()
        });
        Ended {
            status,
            took: asked.elapsed(),
            log: self.log.clone(),
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- what the gateway said ---\n{}", self.log.text());
        }
    }
}
