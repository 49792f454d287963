//! What a bridge leads to: a real mosquitto, and a way there that can be cut.

use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::harness::{Mqtt, eventually, free_port};

/// A mosquitto on a port and a folder of its own. Dropping it kills it.
pub struct Mosquitto {
    child: Child,
    config: String,
    folder: TempDir,
    pub port: u16,
}

impl Mosquitto {
    /// One that lets everybody in and keeps nothing.
    pub fn start() -> Mosquitto {
        Mosquitto::with("allow_anonymous true\n")
    }

    /// One that starts again with what it has saved.
    pub fn that_remembers() -> Mosquitto {
        Mosquitto::with("allow_anonymous true\npersistence true\n")
    }

    /// One with these lines below its listener. `%` stands for its folder,
    /// `PORT` for its port.
    pub fn with(lines: &str) -> Mosquitto {
        Mosquitto::in_folder(tempfile::tempdir().unwrap(), lines)
    }

    /// The same, in a folder that holds what the lines name.
    pub fn in_folder(folder: TempDir, lines: &str) -> Mosquitto {
        let port = free_port();
        // As root it would become another user, who may not write here.
        let config = format!("user root\nlistener {port} 127.0.0.1\n{lines}");
        let config = config.replace('%', folder.path().to_str().unwrap());
        let config = config.replace("PORT", &port.to_string());
        let child = launch(folder.path(), &config);
        let mosquitto = Mosquitto {
            child,
            config,
            folder,
            port,
        };
        mosquitto.wait();
        mosquitto
    }

    fn wait(&self) {
        eventually("mosquitto to listen", || {
            TcpStream::connect(self.address()).ok()
        });
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub fn watch(&self, filter: &str) -> Mqtt {
        Mqtt::connect(self.port, filter)
    }

    /// `kill -9`
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = launch(self.folder.path(), &self.config);
        self.wait();
    }

    /// Has it write all that it knows to its database.
    pub fn save(&self) {
        let file = self.folder.path().join("mosquitto.db");
        let _ = fs::remove_file(&file);
        kill_process(Pid::from_child(&self.child), Signal::USR1).unwrap();
        eventually("mosquitto to save", || file.exists().then_some(()));
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(folder: &Path, config: &str) -> Child {
    let file = folder.join("mosquitto.conf");
    let config = format!("persistence_location {}/\n{config}", folder.display());
    fs::write(&file, config).unwrap();
    let spawned = Command::new(program())
        .arg("-c")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    spawned.expect("mosquitto is missing: sudo apt-get install mosquitto")
}

/// Debian keeps it where only administrators look.
fn program() -> &'static str {
    match Path::new("/usr/sbin/mosquitto").exists() {
        true => "/usr/sbin/mosquitto",
        false => "mosquitto",
    }
}

/// A way to an address that can be cut, and mended.
pub struct Cable {
    pub port: u16,
    is_cut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cable {
    pub fn to(address: SocketAddr) -> Cable {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let cable = Cable {
            port: listener.local_addr().unwrap().port(),
            is_cut: Arc::default(),
            streams: Arc::default(),
        };
        let (is_cut, streams) = (Arc::clone(&cable.is_cut), Arc::clone(&cable.streams));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = TcpStream::connect(address);
                let mut streams = streams.lock().unwrap();
                if let (false, Ok(far)) = (is_cut.load(Ordering::SeqCst), far) {
                    for (mut from, mut to) in
                        [(share(&near), share(&far)), (share(&far), share(&near))]
                    {
                        thread::spawn(move || {
                            let _ = io::copy(&mut from, &mut to);
                            let _ = to.shutdown(Shutdown::Both);
                        });
                    }
                    streams.extend([near, far]);
                }
            }
        });
        cable
    }

    /// Ends every connection, and lets none be made.
    pub fn cut(&self) {
        let mut streams = self.streams.lock().unwrap();
        self.is_cut.store(true, Ordering::SeqCst);
        for stream in streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

fn share(stream: &TcpStream) -> TcpStream {
    stream.try_clone().unwrap()
}
