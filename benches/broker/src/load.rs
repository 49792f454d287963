//! Runs of the load generator: publishers as fast as they are let, subscribers
//! that count.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use crate::wire::{Wire, frame, packet_id, publish};

/// Unacknowledged QoS 1 messages of one publisher.
const WINDOW: usize = 100;
const FILTER: &str = "bench/#";

/// What to do.
#[derive(Clone, Debug)]
pub struct Load {
    pub port: u16,
    pub qos: u8,
    pub publishers: usize,
    pub subscribers: usize,
    /// Of each publisher.
    pub messages: usize,
    pub payload: usize,
    /// Whether the subscribers' sessions outlive their connections.
    pub lasting: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub done: u64,
    pub expected: u64,
    pub seconds: f64,
}

impl Outcome {
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.seconds
    }

    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.done)
    }
}

impl Load {
    fn published(&self) -> u64 {
        (self.publishers * self.messages) as u64
    }
}

/// Publishes to subscribers that are there. Time ends with the last delivery.
pub fn run(load: &Load) -> anyhow::Result<Outcome> {
    let expected = load.published();
    let count = Arc::new(AtomicU64::new(0));
    let start = Arc::new(Barrier::new(load.publishers + load.subscribers + 1));
    let mut subscribers = Vec::new();
    for index in 0..load.subscribers {
        let mut wire = subscribe(load, index)?;
        let (start, count) = (Arc::clone(&start), Arc::clone(&count));
        subscribers.push(thread::spawn(move || {
            start.wait();
            receive(&mut wire, expected, &count)
        }));
    }
    let publishers = publishers(load, &start)?;
    start.wait();
    let began = Instant::now();
    for publisher in publishers {
        publisher.join().expect("a publisher")?;
    }
    let mut last = began;
    for subscriber in subscribers {
        last = last.max(subscriber.join().expect("a subscriber")?.unwrap_or(began));
    }
    Ok(Outcome {
        done: count.load(Ordering::Relaxed),
        expected: expected * load.subscribers as u64,
        seconds: last.duration_since(began).as_secs_f64().max(1e-9),
    })
}

/// Publishes to a session whose client is away, until everything is
/// acknowledged; then the client comes and takes it.
pub fn run_absent(load: &Load) -> anyhow::Result<(Outcome, Outcome)> {
    let expected = load.published();
    subscribe(load, 0)?.stream.write_all(&frame(0xe0, &[]))?;
    let start = Arc::new(Barrier::new(load.publishers + 1));
    let publishers = publishers(load, &start)?;
    start.wait();
    let began = Instant::now();
    for publisher in publishers {
        publisher.join().expect("a publisher")?;
    }
    let kept = Outcome {
        done: expected,
        expected,
        seconds: began.elapsed().as_secs_f64(),
    };
    let count = AtomicU64::new(0);
    let began = Instant::now();
    let mut wire = Wire::connect(load.port, "bench-sub-0", false)?;
    let last = receive(&mut wire, expected, &count)?.unwrap_or_else(Instant::now);
    let taken = Outcome {
        done: count.load(Ordering::Relaxed),
        expected,
        seconds: last.duration_since(began).as_secs_f64(),
    };
    Ok((kept, taken))
}

fn subscribe(load: &Load, index: usize) -> anyhow::Result<Wire> {
    let mut wire = Wire::connect(load.port, &format!("bench-sub-{index}"), !load.lasting)?;
    wire.subscribe(&[FILTER.to_owned()], load.qos)?;
    Ok(wire)
}

type Publisher = thread::JoinHandle<anyhow::Result<()>>;

fn publishers(load: &Load, start: &Arc<Barrier>) -> anyhow::Result<Vec<Publisher>> {
    let mut publishers = Vec::new();
    for index in 0..load.publishers {
        let wire = Wire::connect(load.port, &format!("bench-pub-{index}"), true)?;
        let (start, load) = (Arc::clone(start), load.clone());
        publishers.push(thread::spawn(move || {
            start.wait();
            send(wire, index, &load)
        }));
    }
    Ok(publishers)
}

/// Counts until all are there or nothing comes any more; acknowledges QoS 1.
fn receive(wire: &mut Wire, expected: u64, count: &AtomicU64) -> anyhow::Result<Option<Instant>> {
    let (mut seen, mut last) = (0u64, None);
    let mut acks = Vec::new();
    while seen < expected {
        let before = seen;
        let going = wire.read(&mut |frame| {
            if frame.first & 0xf0 == 0x30 {
                seen += 1;
                if frame.first & 0x06 == 0x02 {
                    acks.extend([0x40, 2]);
                    acks.extend(packet_id(frame.body));
                }
            }
        })?;
        if !going {
            break;
        }
        wire.stream.write_all(&acks)?;
        acks.clear();
        count.fetch_add(seen - before, Ordering::Relaxed);
        last = Some(Instant::now());
    }
    Ok(last)
}

fn send(mut wire: Wire, index: usize, load: &Load) -> anyhow::Result<()> {
    let topic = format!("bench/{index}");
    let payload = vec![b'x'; load.payload];
    match load.qos {
        0 => {
            let one = publish(&topic, &payload, None);
            let chunk = one.repeat(64);
            for _ in 0..load.messages / 64 {
                wire.stream.write_all(&chunk)?;
            }
            wire.stream.write_all(&one.repeat(load.messages % 64))?;
        }
        _ => send_acknowledged(&mut wire, &topic, &payload, load.messages)?,
    }
    wire.stream.write_all(&frame(0xc0, &[]))?;
    // The connection stays until everything is acknowledged as alive.
    let mut alive = false;
    while !alive {
        if !wire.read(&mut |frame| alive |= frame.first == 0xd0)? {
            break;
        }
    }
    Ok(())
}

fn send_acknowledged(
    wire: &mut Wire,
    topic: &str,
    payload: &[u8],
    messages: usize,
) -> anyhow::Result<()> {
    let (mut sent, mut acknowledged, mut next_id) = (0, 0, 0u16);
    let mut chunk = Vec::new();
    while acknowledged < messages {
        while sent < messages && sent - acknowledged < WINDOW {
            next_id = next_id.checked_add(1).unwrap_or(1);
            chunk.extend(publish(topic, payload, Some(next_id)));
            sent += 1;
        }
        wire.stream.write_all(&chunk)?;
        chunk.clear();
        let going = wire.read(&mut |frame| acknowledged += usize::from(frame.first == 0x40))?;
        anyhow::ensure!(going, "no PUBACK for {} messages", sent - acknowledged);
    }
    Ok(())
}
