//! The houses that are measured: Hearth, and mosquitto with a script.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::board::Speech;

const SCRIPT: &str = include_str!("../script.py");
const MAP: &str = r#"{"things": [
    {"name": "level", "kind": "analog", "pin": "A0", "scale": [0, 100], "unit": "%"},
    {"name": "pump", "kind": "relay", "pin": 7}]}"#;

/// Runs until it is dropped.
pub struct House {
    processes: Vec<Child>,
    pub port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl House {
    /// A gateway with two rules for each board.
    pub fn hearth(program: &Path, ports: &[PathBuf], speech: Speech) -> anyhow::Result<House> {
        let folder = tempfile::tempdir()?;
        let (port, http) = (free_port()?, free_port()?);
        let mut config = format!(
            "data = {:?}\n[broker]\nlisten = \"127.0.0.1:{port}\"\n[web]\nlisten = \"127.0.0.1:{http}\"\n[serial]\nscan = false\n",
            folder.path().join("data")
        );
        for (number, device) in ports.iter().enumerate() {
            config += &format!("[board.b{number}]\nport = {device:?}\nbaud = 115200\n");
            if speech == Speech::Text {
                config += &format!("[board.b{number}.thing.pump]\nkind = \"switch\"\n");
            }
            for (what, limit, to) in [("above", 50, "on"), ("below", 50, "off")] {
                config += &format!(
                    "[[rule]]\nname = \"b{number} {to}\"\nwhen = {{ topic = \"home/b{number}/level\", {what} = {limit} }}\n\
                     then = [{{ set = \"home/b{number}/pump\", to = \"{to}\" }}]\n"
                );
            }
        }
        let file = folder.path().join("hearth.toml");
        std::fs::write(&file, config)?;
        let run = Command::new(program)
            .arg("run")
            .arg("--config")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start Hearth")?;
        let house = House {
            processes: vec![run],
            port,
            _folder: folder,
        };
        wait_for(port)?;
        if speech == Speech::Frames {
            for number in 0..ports.len() {
                house.publish(program, &format!("hearth/board/b{number}/config"), MAP)?;
            }
        }
        Ok(house)
    }

    /// Retained.
    pub fn publish(&self, program: &Path, topic: &str, message: &str) -> anyhow::Result<()> {
        let status = Command::new(program)
            .args(["pub", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-t", topic, "-m", message, "--retain", "-q", "1"])
            .status()?;
        anyhow::ensure!(status.success(), "cannot publish to {topic}");
        Ok(())
    }

    /// mosquitto, and the script.
    pub fn script(ports: &[PathBuf]) -> anyhow::Result<House> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mosquitto = Command::new("/usr/sbin/mosquitto")
            .args(["-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start mosquitto")?;
        wait_for(port)?;
        let script = folder.path().join("script.py");
        std::fs::write(&script, SCRIPT)?;
        let script = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(port.to_string())
            .args(ports)
            .spawn()
            .context("cannot start python3")?;
        Ok(House {
            processes: vec![script, mosquitto],
            port,
            _folder: folder,
        })
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn wait_for(port: u16) -> anyhow::Result<()> {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        anyhow::ensure!(began.elapsed() < Duration::from_secs(20), "nobody listens on {port}");
        sleep(Duration::from_millis(20));
    }
    Ok(())
}
