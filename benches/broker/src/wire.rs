//! Just enough MQTT 3.1.1 to load a broker: frames written and counted with
//! as little work as possible, so that the broker is what is measured.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};

/// A connection that reads in large pieces.
pub struct Wire {
    pub stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// One packet: the first byte and what follows its length.
pub struct Frame<'a> {
    pub first: u8,
    pub body: &'a [u8],
}

impl Wire {
    /// Connects with a clean session, or a lasting one, and waits for CONNACK.
    pub fn connect(port: u16, client_id: &str, clean: bool) -> anyhow::Result<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", port)).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(3)))?;
        let mut wire = Wire {
            stream,
            buffer: vec![0; 256 * 1024],
            filled: 0,
        };
        let mut body = b"\0\x04MQTT\x04".to_vec();
        body.push(if clean { 2 } else { 0 });
        // rumqttd refuses a keep alive of 0.
        body.extend([0, 60]);
        text(&mut body, client_id);
        wire.stream.write_all(&frame(0x10, &body))?;
        match wire.first()? {
            (0x20, body) if body.get(1) == Some(&0) => Ok(wire),
            other => bail!("{other:?} in place of CONNACK"),
        }
    }

    /// Subscribes to one filter and waits for SUBACK.
    pub fn subscribe(&mut self, filters: &[String], qos: u8) -> anyhow::Result<()> {
        let mut body = vec![0, 1];
        for filter in filters {
            text(&mut body, filter);
            body.push(qos);
        }
        self.stream.write_all(&frame(0x82, &body))?;
        let (first, _) = self.first()?;
        anyhow::ensure!(first == 0x90, "{first:#x} in place of SUBACK");
        Ok(())
    }

    /// Waits for one packet, and leaves what follows for [`Wire::read`].
    fn first(&mut self) -> anyhow::Result<(u8, Vec<u8>)> {
        loop {
            if let Some((start, end)) = frame_end(&self.buffer[..self.filled]) {
                let packet = (self.buffer[0], self.buffer[start..end].to_vec());
                self.forget(end);
                return Ok(packet);
            }
            anyhow::ensure!(self.fill()?, "the broker says nothing");
        }
    }

    /// Reads once, unless whole frames are here already, and shows every whole
    /// frame. False at the end of the stream or when nothing came for the read
    /// timeout.
    pub fn read(&mut self, show: &mut dyn FnMut(Frame<'_>)) -> anyhow::Result<bool> {
        if frame_end(&self.buffer[..self.filled]).is_none() && !self.fill()? {
            return Ok(false);
        }
        let mut start = 0;
        while let Some(end) = frame_end(&self.buffer[start..self.filled]) {
            let whole = &self.buffer[start..start + end.1];
            show(Frame {
                first: whole[0],
                body: &whole[end.0..],
            });
            start += end.1;
        }
        self.forget(start);
        Ok(true)
    }

    /// Reads once. False when nothing came.
    fn fill(&mut self) -> anyhow::Result<bool> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(read) => {
                self.filled += read;
                Ok(read > 0)
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn forget(&mut self, bytes: usize) {
        self.buffer.copy_within(bytes..self.filled, 0);
        self.filled -= bytes;
    }
}

/// A PUBLISH; the packet id is written for QoS 1.
pub fn publish(topic: &str, payload: &[u8], packet_id: Option<u16>) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic);
    body.extend(packet_id.into_iter().flat_map(u16::to_be_bytes));
    body.extend(payload);
    frame(if packet_id.is_some() { 0x32 } else { 0x30 }, &body)
}

/// The packet id of a QoS 1 PUBLISH.
pub fn packet_id(body: &[u8]) -> [u8; 2] {
    let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
    [body[2 + topic], body[3 + topic]]
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.extend((text.len() as u16).to_be_bytes());
    body.extend(text.as_bytes());
}

pub fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut left = body.len();
    loop {
        let byte = (left % 128) as u8;
        left /= 128;
        out.push(if left > 0 { byte | 128 } else { byte });
        if left == 0 {
            break;
        }
    }
    out.extend(body);
    out
}

/// Where the body starts and the frame ends, once all of it is there.
fn frame_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut length, mut start) = (0usize, 1);
    loop {
        let byte = *bytes.get(start)?;
        length |= usize::from(byte & 127) << (7 * (start - 1));
        start += 1;
        if byte < 128 {
            break;
        }
    }
    (bytes.len() >= start + length).then_some((start, start + length))
}
