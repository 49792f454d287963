//! Boards that a house can be measured with: one thread each, at the other end of a
//! pseudoterminal.

use std::io::{self, Read, Write};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use hearth_wire::Packet;
use hearth_wire::board::{BoardTopic, Command, EMPTY_MAP, client_id};
use hearth_wire::frame::{DEFRAMER_SIZE, DELIMITER, Deframer, frame_bytes};
use hearth_wire::packet::{Connect, PubAck, Publish, Qos, ReturnCode, Subscribe, Topic, TopicId};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const PACE: Duration = Duration::from_millis(100);
/// A command that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a house takes to get to know its boards.
const WARM_UP: usize = 30;

/// How a board speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// As Hearth's firmware does.
    Frames,
    /// As any sketch does: `level:90`, and `pump on` back.
    Text,
}

/// Times from readings to commands, in milliseconds.
#[derive(Default)]
pub struct Times {
    sorted: Vec<f64>,
    pub lost: usize,
}

impl Times {
    pub fn percentile(&self, percent: usize) -> f64 {
        let at = self.sorted.len() * percent / 100;
        self.sorted.get(at.min(self.sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }
}

/// A house with so many boards, each of which reads so many times.
pub fn measure<H>(
    boards: usize,
    readings: usize,
    speech: Speech,
    start: impl FnOnce(&[PathBuf]) -> anyhow::Result<H>,
) -> anyhow::Result<Times> {
    let folder = tempfile::tempdir()?;
    let mut lines = Vec::new();
    let mut ports = Vec::new();
    for number in 0..boards {
        let (line, port) = Line::open(&folder.path().join(format!("b{number}")))?;
        lines.push(line);
        ports.push(port);
    }
    let threads: Vec<_> = lines
        .into_iter()
        .enumerate()
        .map(|(number, line)| {
            // They do not speak all at the same moment.
            let offset = PACE * u32::try_from(number).unwrap_or(0) / 16;
            thread::spawn(move || Board::new(line, number, speech).run(readings, offset))
        })
        .collect();
    let house = start(&ports)?;
    let mut all = Times::default();
    for thread in threads {
        let times = thread.join().map_err(|_| anyhow::anyhow!("a board panicked"))??;
        all.sorted.extend(times.sorted);
        all.lost += times.lost;
    }
    drop(house);
    all.sorted.sort_by(f64::total_cmp);
    Ok(all)
}

/// The board's end of a line.
struct Line {
    master: File,
}

impl Line {
    fn open(link: &Path) -> anyhow::Result<(Line, PathBuf)> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        fcntl_setfl(&master, OFlags::NONBLOCK)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        std::os::unix::fs::symlink(name.to_str()?, link)?;
        let master = File::from(master);
        Ok((Line { master }, link.to_owned()))
    }

    /// What has come; nothing while nobody has the port open.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 512];
        match self.master.read(&mut buffer) {
            Ok(length) => Ok(buffer[..length].to_vec()),
            Err(error) if matches!(error.raw_os_error(), Some(5 | 11)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Waits a little for what comes.
    fn wait(&mut self) -> io::Result<Vec<u8>> {
        let bytes = self.read()?;
        if bytes.is_empty() {
            thread::sleep(Duration::from_micros(20));
        }
        Ok(bytes)
    }
}

struct Board {
    line: Line,
    number: usize,
    speech: Speech,
    deframer: Deframer<DEFRAMER_SIZE>,
    msg_id: u16,
    map: Vec<u8>,
    is_ready: bool,
    /// The last command, as `on` or `off`.
    commanded: Option<String>,
    text: Vec<u8>,
}

impl Board {
    fn new(line: Line, number: usize, speech: Speech) -> Board {
        Board {
            line,
            number,
            speech,
            deframer: Deframer::new(),
            msg_id: 0,
            map: EMPTY_MAP.to_vec(),
            is_ready: speech == Speech::Text,
            commanded: None,
            text: Vec::new(),
        }
    }

    fn run(mut self, readings: usize, offset: Duration) -> anyhow::Result<Times> {
        self.begin()?;
        thread::sleep(offset);
        let mut times = Times::default();
        let mut next = Instant::now();
        for reading in 0..readings + WARM_UP {
            while Instant::now() < next {
                self.serve()?;
            }
            next = Instant::now() + PACE;
            let high = reading % 2 == 0;
            self.commanded = None;
            self.say(high)?;
            let said = Instant::now();
            let wanted = if high { "on" } else { "off" };
            let came = loop {
                let bytes = self.line.wait()?;
                let now = Instant::now();
                self.take(&bytes)?;
                if self.commanded.as_deref() == Some(wanted) {
                    break Some(now - said);
                }
                if now - said > PATIENCE {
                    break None;
                }
            };
            if reading < WARM_UP {
                continue;
            }
            match came {
                Some(took) => times.sorted.push(took.as_secs_f64() * 1000.0),
                None => times.lost += 1,
            }
        }
        Ok(times)
    }

    /// Says hello until the house is there and has said what the board shall be.
    fn begin(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut next = began;
        loop {
            if self.is_ready && (self.speech == Speech::Frames || self.commanded.is_some()) {
                return Ok(());
            }
            if began.elapsed() > Duration::from_secs(60) {
                anyhow::bail!("the house does not talk to board {}", self.number);
            }
            if Instant::now() >= next {
                next = Instant::now() + Duration::from_millis(500);
                let high = began.elapsed().as_millis() % 1000 < 500;
                match self.speech {
                    Speech::Text => self.say(high)?,
                    Speech::Frames if self.msg_id == 0 => self.hello()?,
                    Speech::Frames => {}
                }
            }
            self.serve()?;
        }
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        let bytes = self.line.wait()?;
        self.take(&bytes)
    }

    fn say(&mut self, high: bool) -> anyhow::Result<()> {
        match self.speech {
            Speech::Text => {
                let line = if high { "level:90\n" } else { "level:10\n" };
                self.write(line.as_bytes())
            }
            Speech::Frames => {
                // Of the converter's 1023 counts.
                let counts: &[u8] = if high { b"921" } else { b"102" };
                self.publish(BoardTopic::State(1), counts, Qos::AtMostOnce)
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match self.line.master.write_all(bytes) {
            // Nobody has the port open.
            Err(error) if matches!(error.raw_os_error(), Some(5 | 11)) => Ok(()),
            other => other.context("cannot write to a pseudoterminal"),
        }
    }

    fn send(&mut self, packet: &Packet<'_>) -> anyhow::Result<()> {
        let mut buffer = [0; 256];
        let length = packet.encode(&mut buffer).context("a packet is too long")?;
        let frame = [DELIMITER].into_iter().chain(frame_bytes(&buffer[..length]));
        self.write(&frame.collect::<Vec<u8>>())
    }

    fn hello(&mut self) -> anyhow::Result<()> {
        let id = client_id(u32::try_from(self.number)? + 1);
        self.send(&Packet::Connect(Connect {
            will: false,
            clean_session: false,
            duration: 60,
            client_id: std::str::from_utf8(&id)?.into(),
        }))
    }

    fn publish(&mut self, topic: BoardTopic, data: &[u8], qos: Qos) -> anyhow::Result<()> {
        if qos == Qos::AtLeastOnce {
            self.msg_id = self.msg_id.checked_add(1).unwrap_or(1);
        }
        let msg_id = if qos == Qos::AtLeastOnce { self.msg_id } else { 0 };
        self.send(&Packet::Publish(Publish {
            dup: false,
            qos,
            retain: false,
            topic: TopicId::Predefined(topic.id()),
            msg_id,
            data,
        }))
    }

    fn subscribe(&mut self, topic: BoardTopic) -> anyhow::Result<()> {
        self.msg_id += 1;
        let msg_id = self.msg_id;
        self.send(&Packet::Subscribe(Subscribe {
            dup: false,
            qos: Qos::AtLeastOnce,
            topic: Topic::Predefined(topic.id()),
            msg_id,
        }))
    }

    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        for byte in bytes {
            if self.speech == Speech::Text {
                self.text.push(*byte);
                if *byte == b'\n' {
                    let line = String::from_utf8_lossy(&self.text).trim().to_owned();
                    self.text.clear();
                    self.commanded = line.strip_prefix("pump ").map(str::to_owned).or(self.commanded.take());
                }
                continue;
            }
            let packet = match self.deframer.push(*byte) {
                Ok(Some(packet)) => packet.to_vec(),
                _ => continue,
            };
            if let Ok(packet) = Packet::decode(&packet) {
                self.hear(packet)?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, packet: Packet<'_>) -> anyhow::Result<()> {
        match packet {
            Packet::ConnAck(_) => {
                self.subscribe(BoardTopic::WantedMap)?;
                self.subscribe(BoardTopic::Set(2))?;
                self.tell_map()
            }
            Packet::Disconnect(_) => {
                self.msg_id = 0;
                Ok(())
            }
            Packet::Publish(publish) => {
                let (data, topic_id) = (publish.data.to_vec(), publish.topic.code());
                let (msg_id, code) = (publish.msg_id, ReturnCode::Accepted);
                self.send(&Packet::PubAck(PubAck {
                    topic_id,
                    msg_id,
                    code,
                }))?;
                match BoardTopic::of(topic_id) {
                    Some(BoardTopic::WantedMap) => {
                        self.map = data;
                        self.is_ready = true;
                        self.tell_map()
                    }
                    Some(BoardTopic::Set(slot)) => {
                        let wanted = Command::parse(&data).wanted.to_vec();
                        self.commanded = Some(String::from_utf8(wanted)?);
                        self.publish(BoardTopic::State(slot), &data, Qos::AtLeastOnce)
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn tell_map(&mut self) -> anyhow::Result<()> {
        let answer = [&[0, 0], &self.map[..]].concat();
        self.publish(BoardTopic::Map, &answer, Qos::AtLeastOnce)
    }
}
