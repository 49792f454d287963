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
            Peer::Hearth => "hearth",
        }
    }

    /// Starts it with room for every message, so that speed is compared and
    /// not the size of queues.
    pub fn start(self, hearth: &Path) -> anyhow::Result<Running> {
        let port = free_port()?;
        let folder = std::env::temp_dir().join(format!("hearth-bench-{}-{port}", self.name()));
        fs::create_dir_all(&folder)?;
        let mut command = self.command(hearth, port, &folder)?;
        let began = Instant::now();
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = quiet.spawn().with_context(|| format!("cannot start {}", self.name()))?;
        let mut running = Running { port, process, folder, started_in: Duration::ZERO };
        running.wait(began)?;
        Ok(running)
    }

    fn command(self, hearth: &Path, port: u16, folder: &Path) -> anyhow::Result<Command> {
        let config = folder.join("config");
        Ok(match self {
            Peer::Mosquitto => {
                let text = format!(
                    "listener {port} 127.0.0.1\nallow_anonymous true\n\
                     max_queued_messages 0\nmax_inflight_messages 100\n"
                );
                fs::write(&config, text)?;
                let mut command = Command::new("mosquitto");
                command.arg("-c").arg(&config);
                command
            }
            Peer::Rumqttd => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("rumqttd").arg(port.to_string());
                command
            }
            Peer::Hearth => {
                let text = format!(
                    "[broker]\nlisten = \"127.0.0.1:{port}\"\n\
                     [web]\nlisten = \"127.0.0.1:{}\"\n[serial]\nscan = false\n",
                    free_port()?
                );
                fs::write(&config, text)?;
                let mut command = Command::new(hearth);
                command.arg("run").arg("--config").arg(&config).arg("--data").arg(folder);
                command
            }
        })
    }
}

impl Running {
    /// Resident memory in MB.
    pub fn rss(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
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
