//! Readings in, commands out: real MQTT clients, one that publishes and one that counts.
//!
//! Readings come two by two, one that makes a room hot and one that makes it cold again,
//! room after room. So each second one is to become a command, and which command belongs
//! to which reading is known.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::house::House;
use crate::rule::{COLD, FANS, HOT, fan, room_of, temperature, window};
use crate::wire::{Wire, packet_id, publish};

/// Readings of QoS 1 that the broker has not acknowledged.
const UNACKNOWLEDGED: usize = 100;
/// Written at once.
const CHUNK: usize = 64;

/// How readings follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// As commands come back: at most so many readings are on their way.
    Window(usize),
    /// As the broker takes them, or acknowledges them.
    AllAtOnce,
    /// So many a second, whatever comes of it.
    Paced(f64),
}

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub rooms: usize,
    /// An even number: each second one is to become a command.
    pub readings: usize,
    /// Of the readings; commands have QoS 1.
    pub qos: u8,
    pub way: Way,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub readings: usize,
    pub commands: usize,
    pub seconds: f64,
    /// From a reading to its command in microseconds, sorted.
    times: Vec<u64>,
    /// CPU time of the house.
    pub cpu: Duration,
}

impl Outcome {
    /// Readings per second whose commands came out.
    pub fn rate(&self) -> f64 {
        2.0 * self.commands as f64 / self.seconds
    }

    pub fn lost(&self) -> usize {
        (self.readings / 2).saturating_sub(self.commands)
    }

    /// In microseconds; 0 if nothing came.
    pub fn percentile(&self, percent: usize) -> f64 {
        let last = self.times.len().saturating_sub(1);
        let nth = (self.times.len() * percent / 100).min(last);
        self.times.get(nth).copied().unwrap_or_default() as f64
    }

    /// CPU time for each reading in microseconds.
    pub fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.readings.max(1) as f64
    }
}

/// What the two clients know of each other.
struct Shared {
    began: Instant,
    /// Microseconds after `began` at which each hot reading was sent.
    sent: Vec<AtomicU64>,
    commands: AtomicUsize,
    acknowledged: AtomicUsize,
    gave_up: AtomicBool,
}

/// Publishes the readings, and waits for the last command or until none has come for three
/// seconds.
pub fn run(house: &House, load: Load) -> anyhow::Result<Outcome> {
    let Load {
        rooms, readings, ..
    } = load;
    let mut commands = Wire::connect(house.port, "bench-fans", true)?;
    commands.subscribe(&[FANS.to_owned()], 1)?;
    let publisher = Wire::connect(house.port, "bench-thermometers", true)?;
    let mut stream = publisher.stream.try_clone()?;
    let before = house.cpu();
    let shared = Arc::new(Shared {
        began: Instant::now(),
        sent: (0..readings / 2).map(|_| AtomicU64::new(0)).collect(),
        commands: AtomicUsize::new(0),
        acknowledged: AtomicUsize::new(0),
        gave_up: AtomicBool::new(false),
    });
    let sender = thread::current();
    let acks = spawn(&shared, &sender, move |shared, sender| {
        acknowledgements(
            publisher,
            if load.qos > 0 { readings } else { 0 },
            shared,
            sender,
        )
    });
    let fans = spawn(&shared, &sender, move |shared, sender| {
        receive(commands, rooms, readings / 2, shared, sender)
    });
    send(&mut stream, load, &shared)?;
    let (mut times, last) = fans.join().expect("the fans")?;
    acks.join().expect("the thermometers")?;
    times.sort_unstable();
    Ok(Outcome {
        readings,
        commands: times.len(),
        seconds: last.duration_since(shared.began).as_secs_f64().max(1e-9),
        times,
        cpu: house.cpu() - before,
    })
}

fn spawn<T: Send + 'static>(
    shared: &Arc<Shared>,
    sender: &thread::Thread,
    work: impl FnOnce(&Shared, &thread::Thread) -> anyhow::Result<T> + Send + 'static,
) -> JoinHandle<anyhow::Result<T>> {
    let (shared, sender) = (Arc::clone(shared), sender.clone());
    thread::spawn(move || {
        let done = work(&shared, &sender);
        if done.is_err() {
            shared.gave_up.store(true, Relaxed);
            sender.unpark();
        }
        done
    })
}

fn send(stream: &mut TcpStream, load: Load, shared: &Shared) -> anyhow::Result<()> {
    let Load { readings, way, .. } = load;
    let topics: Vec<String> = (0..load.rooms).map(temperature).collect();
    let mut sent = 0;
    let mut chunk = Vec::new();
    while sent < readings {
        ensure!(
            !shared.gave_up.load(Relaxed),
            "nothing comes any more after {sent} readings"
        );
        let until = readings.min(allowed(sent, load, shared));
        if until == sent {
            rest(sent, way, shared);
            continue;
        }
        let until = until.min(sent + CHUNK);
        let now = shared.began.elapsed().as_micros() as u64;
        for reading in sent..until {
            let is_hot = reading % 2 == 0;
            if is_hot {
                shared.sent[reading / 2].store(now, Relaxed);
            }
            let payload = if is_hot { HOT } else { COLD };
            let id = (load.qos > 0).then_some((reading % 65_535) as u16 + 1);
            chunk.extend(publish(
                &topics[reading / 2 % load.rooms],
                payload.as_bytes(),
                id,
            ));
        }
        stream.write_all(&chunk)?;
        chunk.clear();
        sent = until;
    }
    Ok(())
}

/// How many readings may have been sent by now.
fn allowed(sent: usize, load: Load, shared: &Shared) -> usize {
    let unacknowledged = match load.qos {
        0 => load.readings,
        _ => shared.acknowledged.load(Relaxed) + UNACKNOWLEDGED,
    };
    match load.way {
        Way::AllAtOnce => unacknowledged,
        Way::Window(most) => unacknowledged.min(2 * shared.commands.load(Relaxed) + most),
        Way::Paced(rate) => {
            let due = (shared.began.elapsed().as_secs_f64() * rate) as usize + 1;
            due.max(sent)
        }
    }
}

/// Until it may be time to send again.
fn rest(sent: usize, way: Way, shared: &Shared) {
    match way {
        Way::Paced(rate) => {
            let due = shared.began + Duration::from_secs_f64(sent as f64 / rate);
            sleep(due.saturating_duration_since(Instant::now()));
        }
        // Whoever makes room says so; the time is for a word that came too early.
        _ => thread::park_timeout(Duration::from_millis(5)),
    }
}

fn acknowledgements(
    mut wire: Wire,
    readings: usize,
    shared: &Shared,
    sender: &thread::Thread,
) -> anyhow::Result<()> {
    let mut seen = 0;
    while seen < readings {
        let going = wire.read(&mut |frame| seen += usize::from(frame.first == 0x40))?;
        ensure!(going, "no PUBACK for {} readings", readings - seen);
        shared.acknowledged.store(seen, Relaxed);
        sender.unpark();
    }
    Ok(())
}

/// The time from each hot reading to its command, and when the last one came.
fn receive(
    mut wire: Wire,
    rooms: usize,
    expected: usize,
    shared: &Shared,
    sender: &thread::Thread,
) -> anyhow::Result<(Vec<u64>, Instant)> {
    let mut of_room = vec![0; rooms];
    let mut times = Vec::with_capacity(expected);
    let (mut last, mut acks) = (Instant::now(), Vec::new());
    while times.len() < expected {
        let mut rooms_now = Vec::new();
        let going = wire.read(&mut |frame| {
            if frame.first & 0xf0 == 0x30 {
                rooms_now.extend(topic(frame.body).and_then(room_of));
                acks.extend([0x40, 2]);
                acks.extend(packet_id(frame.body));
            }
        })?;
        if !going {
            break;
        }
        last = Instant::now();
        wire.stream.write_all(&acks)?;
        acks.clear();
        for room in rooms_now {
            let reading = of_room[room] * rooms + room;
            of_room[room] += 1;
            let sent = shared
                .sent
                .get(reading)
                .context("a command too many")?
                .load(Relaxed);
            let now = last.duration_since(shared.began).as_micros() as u64;
            times.push(now.saturating_sub(sent));
        }
        shared.commands.store(times.len(), Relaxed);
        sender.unpark();
    }
    shared.gave_up.store(times.len() < expected, Relaxed);
    Ok((times, last))
}

fn topic(body: &[u8]) -> Option<&str> {
    let length = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
    std::str::from_utf8(body.get(2..2 + length)?).ok()
}

/// Waits until the rules are at work, shuts all windows, and sees that an open window keeps
/// a fan from going on. Returns how long the house took to its first command.
pub fn prepare(house: &mut House, rooms: usize) -> anyhow::Result<Duration> {
    let mut probe = Probe::new(house.port)?;
    while !probe.goes_on(0, Duration::from_millis(50))? {
        house.check()?;
        ensure!(
            house.age() < Duration::from_secs(120),
            "the rule does not work"
        );
    }
    let ready = house.age();
    probe.drain()?;
    for room in 0..rooms {
        probe.say(&window(room), "shut", true)?;
    }
    let last = rooms - 1;
    let patience = Duration::from_secs(5);
    ensure!(
        probe.goes_on(last, patience)?,
        "the fan of room {last} stays off"
    );
    probe.say(&window(last), "open", true)?;
    let is_on = probe.goes_on(last, Duration::from_millis(300))?;
    ensure!(
        !is_on,
        "the fan of room {last} goes on while its window is open"
    );
    probe.say(&window(last), "shut", true)?;
    ensure!(
        probe.goes_on(last, patience)?,
        "the fan of room {last} stays off again"
    );
    Ok(ready)
}

/// A client that asks one room at a time.
struct Probe {
    thermometer: Wire,
    fans: Wire,
    id: u16,
}

impl Probe {
    fn new(port: u16) -> anyhow::Result<Probe> {
        let mut fans = Wire::connect(port, "bench-probe-fans", true)?;
        fans.subscribe(&[FANS.to_owned()], 0)?;
        let thermometer = Wire::connect(port, "bench-probe", true)?;
        Ok(Probe {
            thermometer,
            fans,
            id: 0,
        })
    }

    /// Takes commands of questions that were given up before.
    fn drain(&mut self) -> anyhow::Result<()> {
        self.fans
            .stream
            .set_read_timeout(Some(Duration::from_millis(500)))?;
        while self.fans.read(&mut |_| ())? {}
        Ok(())
    }

    fn say(&mut self, topic: &str, payload: &str, retain: bool) -> anyhow::Result<()> {
        self.id = self.id.checked_add(1).unwrap_or(1);
        let mut packet = publish(topic, payload.as_bytes(), Some(self.id));
        packet[0] |= u8::from(retain);
        self.thermometer.stream.write_all(&packet)?;
        let mut is_known = false;
        while !is_known {
            let going = self
                .thermometer
                .read(&mut |frame| is_known |= frame.first == 0x40)?;
            ensure!(going, "no PUBACK for {topic}");
        }
        Ok(())
    }

    /// Makes a room hot, sees whether its fan goes on, and makes it cold again.
    fn goes_on(&mut self, room: usize, within: Duration) -> anyhow::Result<bool> {
        let until = Instant::now() + within;
        let wanted = fan(room);
        self.say(&temperature(room), HOT, false)?;
        let mut is_on = false;
        while !is_on && Instant::now() < until {
            self.fans
                .stream
                .set_read_timeout(Some(Duration::from_millis(20)))?;
            self.fans.read(&mut |frame| {
                is_on |= frame.first & 0xf0 == 0x30 && topic(frame.body) == Some(&wanted);
            })?;
        }
        self.say(&temperature(room), COLD, false)?;
        Ok(is_on)
    }
}
