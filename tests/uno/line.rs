//! The serial port of an emulated Uno, opened as the gateway would.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serialport::TTYPort;

use crate::board::{PATIENCE, Uno};

/// An open port. To open it resets the board.
pub struct Line(TTYPort);

impl Line {
    pub fn open(uno: &Uno) -> Line {
        Line::open_at(uno, 115_200)
    }

    pub fn open_at(uno: &Uno, baud: u32) -> Line {
        // The link is followed: the port crate wants the device itself.
        let device = std::fs::canonicalize(uno.port()).unwrap();
        let port = serialport::new(device.to_string_lossy(), baud);
        let port = port.timeout(Duration::from_millis(20)).open_native();
        Line(port.unwrap())
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// What has come, perhaps nothing yet; an unplugged board is an error.
    pub fn read(&mut self) -> std::io::Result<Vec<u8>> {
        let mut buffer = [0; 1024];
        match self.0.read(&mut buffer) {
            Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => Ok(buffer[..length].to_vec()),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Waits for so many bytes.
    pub fn expect<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while bytes.len() < LENGTH {
            assert!(
                Instant::now() < deadline,
                "waited in vain for {LENGTH} bytes: {bytes:?}"
            );
            bytes.extend(self.read().unwrap());
        }
        bytes.try_into().unwrap()
    }
}
