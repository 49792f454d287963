//! One connection, read packet by packet without ever waiting for long.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::PATIENCE;
use super::wire::Packet;

/// What came.
pub enum Heard {
    Packet(Packet),
    Nothing,
    /// The connection is gone, and everything that had come before it was read.
    Closed,
}

/// A connection.
pub struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
    wait: Duration,
}

impl Line {
    pub fn open(address: SocketAddr) -> io::Result<Line> {
        let stream = TcpStream::connect(address)?;
        // A port that nobody listens on may be the one that the system has
        // chosen for us: then we would speak to ourselves.
        if stream.local_addr()? == address {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Line {
            stream,
            buffer: Vec::new(),
            wait: Duration::ZERO,
        })
    }

    /// Whatever the broker does not get for want of a connection is lost, as on
    /// any network; reading tells when the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next packet, if one comes in time.
    pub fn hear(&mut self, wait: Duration) -> Heard {
        loop {
            if let Some(packet) = self.cut() {
                return Heard::Packet(packet);
            }
            match self.read(wait) {
                Ok(0) => return Heard::Closed,
                Ok(_) => {}
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Heard::Nothing,
                    ErrorKind::Interrupted => {}
                    _ => return Heard::Closed,
                },
            }
        }
    }

    fn read(&mut self, wait: Duration) -> io::Result<usize> {
        if self.wait != wait {
            self.stream.set_read_timeout(Some(wait))?;
            self.wait = wait;
        }
        let mut bytes = [0; 16 * 1024];
        let read = self.stream.read(&mut bytes)?;
        self.buffer.extend(&bytes[..read]);
        Ok(read)
    }

    /// Takes a whole packet off the buffer.
    fn cut(&mut self) -> Option<Packet> {
        let (mut length, mut start) = (0, 1);
        loop {
            let byte = *self.buffer.get(start)?;
            length |= usize::from(byte & 0x7f) << (7 * (start - 1));
            start += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let body = self.buffer.get(start..start + length)?.to_vec();
        let first = self.buffer[0];
        self.buffer.drain(..start + length);
        Some(Packet { first, body })
    }
}
