//! One message at a time: how long it takes.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::{Wire, frame, packet_id, publish};

/// Between one message and the next.
const PACE: Duration = Duration::from_millis(2);
const PAYLOAD: &[u8] = b"0123456789abcdef";
const TOPIC: &str = "latency";

/// Times of single messages in microseconds, sorted.
pub struct Times(Vec<u64>);

impl Times {
    pub fn percentile(&self, percent: usize) -> f64 {
        self.0[self.0.len() * percent / 100] as f64
    }
}

/// From publish to receive. The subscriber's session may be a lasting one.
pub fn to_receive(port: u16, qos: u8, lasting: bool, samples: usize) -> anyhow::Result<Times> {
    let mut subscriber = Wire::connect(port, "bench-latency-sub", !lasting)?;
    subscriber.subscribe(&[TOPIC.to_owned()], qos)?;
    let mut publisher = Wire::connect(port, "bench-latency-pub", true)?;
    let mut taken = Vec::with_capacity(samples);
    for index in 0..samples {
        let began = Instant::now();
        publisher.stream.write_all(&message(qos, index))?;
        let mut arrived = false;
        let mut acks = Vec::new();
        while !arrived {
            let going = subscriber.read(&mut |frame| {
                arrived |= frame.first & 0xf0 == 0x30;
                if frame.first & 0x06 == 0x02 {
                    acks.extend([0x40, 2]);
                    acks.extend(packet_id(frame.body));
                }
            })?;
            anyhow::ensure!(going, "message {index} did not arrive");
        }
        taken.push(began.elapsed().as_micros() as u64);
        subscriber.stream.write_all(&acks)?;
        if qos > 0 {
            acknowledged(&mut publisher, index)?;
        }
        thread::sleep(PACE);
    }
    taken.sort_unstable();
    Ok(Times(taken))
}

/// From publish to PUBACK, where the message must wait for an absent client.
pub fn to_keep(port: u16, samples: usize) -> anyhow::Result<Times> {
    let mut subscriber = Wire::connect(port, "bench-latency-sub", false)?;
    subscriber.subscribe(&[TOPIC.to_owned()], 1)?;
    subscriber.stream.write_all(&frame(0xe0, &[]))?;
    drop(subscriber);
    let mut publisher = Wire::connect(port, "bench-latency-pub", true)?;
    let mut taken = Vec::with_capacity(samples);
    for index in 0..samples {
        let began = Instant::now();
        publisher.stream.write_all(&message(1, index))?;
        acknowledged(&mut publisher, index)?;
        taken.push(began.elapsed().as_micros() as u64);
        thread::sleep(PACE);
    }
    taken.sort_unstable();
    Ok(Times(taken))
}

fn message(qos: u8, index: usize) -> Vec<u8> {
    let id = (qos > 0).then_some((index % 60_000) as u16 + 1);
    publish(TOPIC, PAYLOAD, id)
}

fn acknowledged(publisher: &mut Wire, index: usize) -> anyhow::Result<()> {
    let mut is_here = false;
    while !is_here {
        let going = publisher.read(&mut |frame| is_here |= frame.first == 0x40)?;
        anyhow::ensure!(going, "message {index} was not acknowledged");
    }
    Ok(())
}
