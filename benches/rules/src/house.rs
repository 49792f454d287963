//! The houses that are measured: Hearth, and mosquitto with Node-RED. Each is a set of
//! processes in a folder of its own, and is gone when it is dropped.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::rule::{Layout, flows, hearth_config, hearth_rules};

/// Where things are.
#[derive(Clone, Debug)]
pub struct Setup {
    pub hearth: PathBuf,
    /// The folder in which `npm install` was run.
    pub node_red: PathBuf,
    /// On the disk whose speed counts.
    pub folder: PathBuf,
}

/// Which house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    NodeRed(Layout),
    Hearth,
}

/// Runs until it is dropped.
pub struct House {
    pub port: u16,
    processes: Vec<Child>,
    _folder: tempfile::TempDir,
    began: Instant,
}

impl Kind {
    /// Starts it; its rules may not be at work yet.
    pub fn start(self, setup: &Setup, rooms: usize) -> anyhow::Result<House> {
        let port = free_port()?;
        let folder = tempfile::Builder::new()
            .prefix("hearth-bench-")
            .tempdir_in(&setup.folder)?;
        let mut house = House {
            port,
            processes: Vec::new(),
            _folder: folder,
            began: Instant::now(),
        };
        let folder = house._folder.path().to_owned();
        match self {
            Kind::Hearth => {
                let config = folder.join("hearth.toml");
                let data = folder.join("data");
                fs::write(&config, hearth_config(port, free_port()?, &data))?;
                let beside = folder.join("rules.d");
                fs::create_dir(&beside)?;
                for (nth, rules) in hearth_rules(rooms).enumerate() {
                    fs::write(beside.join(format!("{nth}.toml")), rules)?;
                }
                house.run(
                    Command::new(&setup.hearth)
                        .arg("run")
                        .arg("--config")
                        .arg(config),
                )?;
                house.wait()?;
            }
            Kind::NodeRed(layout) => {
                let config = folder.join("mosquitto.conf");
                fs::write(&config, mosquitto_config(port, &folder))?;
                house.run(Command::new("/usr/sbin/mosquitto").arg("-c").arg(config))?;
                house.wait()?;
                let flows = flows(port, rooms, layout);
                fs::write(folder.join("flows.json"), serde_json::to_vec(&flows)?)?;
                fs::write(folder.join("settings.js"), settings(free_port()?))?;
                house.run(node_red(&setup.node_red).arg("--userDir").arg(&folder))?;
            }
        }
        Ok(house)
    }
}

fn node_red(prefix: &Path) -> Command {
    let modules = prefix.join("node_modules");
    let mut command = Command::new(modules.join("node/bin/node"));
    command.arg(modules.join("node-red/red.js"));
    command
}

/// As it comes, editor and all; only without lines for each start.
fn settings(port: u16) -> String {
    format!(
        "module.exports = {{ uiHost: '127.0.0.1', uiPort: {port}, flowFile: 'flows.json', \
         telemetry: {{ enabled: false }}, logging: {{ console: {{ level: 'warn' }} }} }};\n"
    )
}

/// With room for everything that waits for Node-RED, as its default drops all but 1,000; and
/// without Nagle's algorithm, whose default makes a reading wait tens of milliseconds.
fn mosquitto_config(port: u16, folder: &Path) -> String {
    format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n\
         persistence true\npersistence_location {}/\n\
         max_queued_messages 0\nmax_inflight_messages 100\nset_tcp_nodelay true\n",
        folder.display()
    )
}

impl House {
    fn run(&mut self, command: &mut Command) -> anyhow::Result<()> {
        let name = command.get_program().to_owned();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command
            .spawn()
            .with_context(|| format!("cannot start {}", name.display()))?;
        self.processes.push(process);
        Ok(())
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            self.check()?;
            ensure!(
                self.began.elapsed() < Duration::from_secs(60),
                "the broker does not listen"
            );
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Whether all of it still runs.
    pub fn check(&mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            if let Some(status) = process.try_wait()? {
                bail!("a part of the house ended: {status}");
            }
        }
        Ok(())
    }

    /// Time since its start.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// CPU time of all its processes so far, user and system together. The kernel counts
    /// it in hundredths of a second (proc(5), USER_HZ).
    pub fn cpu(&self) -> Duration {
        let ticks = self.processes.iter().map(|process| {
            let stat = proc(process, "stat");
            // The name in parentheses may hold anything; `utime` is the 14th field.
            let after_name = stat.rsplit(')').next().unwrap_or_default();
            let fields = after_name.split_whitespace().skip(11).take(2);
            fields
                .filter_map(|field| field.parse::<u64>().ok())
                .sum::<u64>()
        });
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    /// Memory of all its processes in MB: resident, and in proportion where pages are
    /// shared.
    pub fn memory(&self) -> (f64, f64) {
        let sum = |key: &str| {
            let kib = self.processes.iter().filter_map(|process| {
                let rollup = proc(process, "smaps_rollup");
                let line = rollup.lines().find_map(|line| line.strip_prefix(key))?;
                line.split_whitespace().next()?.parse::<f64>().ok()
            });
            kib.sum::<f64>() / 1024.0
        };
        (sum("Rss:"), sum("Pss:"))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn proc(process: &Child, file: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{file}", process.id())).unwrap_or_default()
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
