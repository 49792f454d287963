//! The brokers under test, each as a process of its own on a port of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Which broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Mosquitto,
    Rumqttd,
    Hearth,
}

pub const ALL: [Peer; 3] = [Peer::Mosquitto, Peer::Rumqttd, Peer::Hearth];

/// Where things are, and how much may wait.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Hearth's program.
    pub hearth: PathBuf,
    /// Where the brokers keep their data.
    pub folder: PathBuf,
    /// Room for every message of the run in one queue of Hearth, where its
    /// default would drop some. The others have it anyway.
    pub endless_queues: bool,
}

/// A broker that runs until it is dropped.
pub struct Running {
    pub port: u16,
    process: Child,
    folder: PathBuf,
    /// Time from its start to the first accepted connection.
    pub started_in: Duration,
}

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Peer::Mosquitto => "mosquitto",
            Peer::Rumqttd => "rumqttd",
            Peer::Hearth => "Hearth",
        }
    }

    pub fn start(self, setup: &Setup) -> anyhow::Result<Running> {
        let port = free_port()?;
        let folder = setup.folder.join(format!("hearth-bench-{}-{port}", self.name()));
        fs::create_dir_all(&folder)?;
        let mut command = self.command(setup, port, &folder)?;
        let began = Instant::now();
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = quiet.spawn().with_context(|| format!("cannot start {}", self.name()))?;
        let mut running = Running { port, process, folder, started_in: Duration::ZERO };
        running.wait(began)?;
        Ok(running)
    }

    fn command(self, setup: &Setup, port: u16, folder: &Path) -> anyhow::Result<Command> {
        let config = folder.join("config");
        Ok(match self {
            Peer::Mosquitto => {
                fs::write(&config, mosquitto_config(port, folder))?;
                let mut command = Command::new("/usr/sbin/mosquitto");
                command.arg("-c").arg(&config);
                command
            }
            Peer::Rumqttd => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("rumqttd").arg(port.to_string());
                command
            }
            Peer::Hearth => {
                fs::write(&config, hearth_config(port, setup.endless_queues)?)?;
                let mut command = Command::new(&setup.hearth);
                command.arg("run").arg("--config").arg(&config).arg("--data").arg(folder);
                command
            }
        })
    }
}

/// With persistence as it is usually turned on: the file is written every half
/// hour and at an orderly stop. A crash takes what came since.
fn mosquitto_config(port: u16, folder: &Path) -> String {
    format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n\
         persistence true\npersistence_location {}/\n\
         max_queued_messages 0\nmax_inflight_messages 100\n",
        folder.display()
    )
}

fn hearth_config(port: u16, endless_queues: bool) -> anyhow::Result<String> {
    let queues = match endless_queues {
        true => "[broker.limits]\nqueue_messages = 100000000\nqueue_bytes = 4000000000\n",
        false => "",
    };
    Ok(format!(
        "[broker]\nlisten = \"127.0.0.1:{port}\"\n{queues}\
         [web]\nlisten = \"127.0.0.1:{}\"\n[serial]\nscan = false\n",
        free_port()?
    ))
}

impl Running {
    /// Resident memory in MB.
    pub fn rss(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }

    /// CPU time so far, as [`cpu`] says.
    pub fn cpu(&self) -> Duration {
        cpu(&self.process.id().to_string())
    }

    fn proc(&self, file: &str) -> String {
        proc(&self.process.id().to_string(), file)
    }

    fn wait(&mut self, began: Instant) -> anyhow::Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while began.elapsed() < Duration::from_secs(10) {
            if TcpStream::connect(address).is_ok() {
                self.started_in = began.elapsed();
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("the broker ended at its start: {status}");
            }
            sleep(Duration::from_millis(1));
        }
        bail!("the broker does not listen")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// rumqttd in this process, with the limits of its own example config.
pub fn serve_rumqttd(port: u16) -> anyhow::Result<()> {
    let config = serde_json::json!({
        "id": 0,
        "router": {
            "max_connections": 10_010,
            "max_outgoing_packet_count": 200,
            "max_segment_size": 104_857_600,
            "max_segment_count": 10,
        },
        "v4": { "1": {
            "name": "v4-1",
            "listen": format!("127.0.0.1:{port}"),
            "next_connection_delay_ms": 1,
            "connections": {
                "connection_timeout_ms": 60_000,
                "max_payload_size": 20_480,
                "max_inflight_count": 100,
                "dynamic_filters": true,
            },
        }},
    });
    let mut broker = rumqttd::Broker::new(serde_json::from_value(config)?);
    Ok(broker.start()?)
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// CPU time of a process so far, of user and system together; `self` is this
/// one. The kernel counts it in hundredths of a second (proc(5), USER_HZ).
pub fn cpu(process: &str) -> Duration {
    let stat = proc(process, "stat");
    // The name in parentheses may hold anything; `utime` is the 14th field.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn proc(process: &str, file: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default()
}
