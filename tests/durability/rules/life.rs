//! One life of a house with rules: the script is told to it, once undisturbed or with a
//! `kill -9` at some moment and a start right after it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::script::{FOUND, INPUTS, LAST_INPUT, OVER, PUMP, PUMP_SET, RULES};
use crate::PATIENCE;
use crate::line::{Heard, Line};
use crate::program::Site;
use crate::read::ConnAck;
use crate::wire::{self, PUBACK, Publish, V5, ack, lasting, publish};

/// A message that a rule sent, and when it came since the script's beginning.
#[derive(Clone, Debug)]
pub struct Said {
    pub at: Duration,
    pub topic: String,
    pub payload: String,
}

/// Packet ids from here on are those of beats.
const FIRST_BEAT: u16 = 2000;

/// All that was said.
#[derive(Debug, Default)]
pub struct Story {
    /// Before the kill. Also what the broker kept from then for whoever was away.
    pub before: Vec<Said>,
    pub after: Vec<Said>,
    /// From the kill until the inputs came again.
    pub down: Duration,
    /// The most that an input was told too late, the downtime aside, or waited for its
    /// acknowledgement: so slow is this computer, whatever the rules do.
    pub stalled: Duration,
}

/// A house, and the boards and the listener around it.
struct Life {
    site: Site,
    line: Line,
    begun: Instant,
    story: Story,
    is_back: bool,
    /// What came, by packet id: the broker repeats what it does not know to have come.
    heard: HashMap<u16, (String, Vec<u8>)>,
    inputs: Vec<Input>,
    answers: u16,
    /// What shows how fast this computer is: sent all the time, with nothing to do for
    /// the rules. The next id, and those that are not acknowledged, with when they went.
    beats: u16,
    beating: HashMap<u16, Instant>,
    beat: Instant,
}

struct Input {
    due: Duration,
    topic: &'static str,
    payload: &'static str,
    told: Option<Instant>,
    taken: bool,
}

/// Tells the script to a house of its own.
pub fn live(kill_at: Option<Duration>) -> (Site, Story) {
    let mut life = Life::begin();
    let mut kill_at = kill_at;
    loop {
        let now = life.begun.elapsed();
        if kill_at.is_some_and(|at| at <= now) {
            kill_at = None;
            life.fall();
            life.come_back();
        }
        life.tell_due();
        life.beat();
        let is_over = now > ms(OVER) + life.story.down + ms(1500);
        if is_over && life.inputs.iter().all(|input| input.taken) {
            break;
        }
        assert!(
            now < ms(OVER) + 3 * PATIENCE,
            "an input that the broker does not take"
        );
        let next = life.inputs.iter().find(|input| input.told.is_none());
        let next = next.map(|input| input.due).into_iter().chain(kill_at).min();
        let wait = next.map_or(ms(50), |next| next.saturating_sub(life.begun.elapsed()));
        assert!(life.hear(wait.clamp(ms(1), ms(50))), "the line is cut");
    }
    life.end_beats();
    (life.site, life.story)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Life {
    /// A house at rest: everything was found.
    fn begin() -> Life {
        let mut site = Site::with(RULES);
        let mut line = Line::open(site.start()).unwrap();
        assert!(!greet(&mut line), "a session was there");
        line.send(&wire::subscribe(
            V5,
            u16::MAX,
            &[],
            &[("act/#", 1), ("home/+/+/set", 1)],
        ));
        let input = |due, topic, payload| Input {
            due,
            topic,
            payload,
            told: None,
            taken: false,
        };
        let found = FOUND
            .iter()
            .map(|(topic, payload)| input(ms(0), *topic, *payload));
        let mut life = Life {
            site,
            line,
            begun: Instant::now(),
            story: Story::default(),
            is_back: false,
            heard: HashMap::new(),
            inputs: found.collect(),
            answers: 0,
            beats: FIRST_BEAT,
            beating: HashMap::new(),
            beat: Instant::now(),
        };
        life.tell_due();
        let rests = |life: &Life| life.inputs.iter().all(|input| input.taken);
        while !rests(&life) {
            assert!(
                life.begun.elapsed() < PATIENCE,
                "the house does not come to rest"
            );
            life.hear(ms(20));
        }
        let rest = Instant::now();
        while rest.elapsed() < ms(300) {
            life.hear(ms(20));
        }
        life.story = Story::default();
        let all = INPUTS.iter().chain([&LAST_INPUT]);
        life.inputs = all
            .map(|(due, topic, payload)| input(ms(*due), topic, payload))
            .collect();
        life.begun = Instant::now();
        life
    }

    fn tell_due(&mut self) {
        let now = self.begun.elapsed();
        for (nth, input) in self.inputs.iter_mut().enumerate() {
            if input.due > now {
                break;
            }
            if input.told.is_some() {
                continue;
            }
            input.told = Some(Instant::now());
            let late = now - input.due;
            // What fell in the downtime could not come earlier.
            if late > self.story.down {
                self.story.stalled = self.story.stalled.max(late - self.story.down);
            }
            let id = u16::try_from(nth + 1).unwrap();
            let message = publish(input.topic, input.payload).retained().qos(1, id);
            self.line.send(&message.bytes(V5));
        }
    }

    /// Asks the broker to write something down, as it does for the rules.
    fn beat(&mut self) {
        if self.beat.elapsed() >= ms(150) {
            self.beat = Instant::now();
            let message = publish("beat", &self.beats.to_string()).retained();
            self.line.send(&message.qos(1, self.beats).bytes(V5));
            self.beating.insert(self.beats, self.beat);
            self.beats += 1;
        }
    }

    fn end_beats(&mut self) {
        let beating = std::mem::take(&mut self.beating);
        beating
            .values()
            .for_each(|sent| self.stalled(sent.elapsed()));
    }

    fn stalled(&mut self, waited: Duration) {
        self.story.stalled = self.story.stalled.max(waited);
    }

    /// Hears what comes for so long; `false` if the connection is gone.
    fn hear(&mut self, wait: Duration) -> bool {
        let packet = match self.line.hear(wait) {
            Heard::Packet(packet) => packet,
            Heard::Nothing => return true,
            Heard::Closed => return false,
        };
        match packet.first & 0xf0 {
            PUBACK => {
                let id = u16::from_be_bytes([packet.body[0], packet.body[1]]);
                let sent = match self.inputs.get_mut(usize::from(id) - 1) {
                    Some(input) => {
                        input.taken = true;
                        input.told
                    }
                    None => self.beating.remove(&id),
                };
                self.stalled(sent.map_or(Duration::ZERO, |sent| sent.elapsed()));
            }
            0x30 => self.take(Publish::of(&packet, V5)),
            _ => {}
        }
        true
    }

    fn take(&mut self, message: Publish) {
        let at = self.begun.elapsed();
        self.line.send(&ack(PUBACK, message.id));
        let what = (message.topic.clone(), message.payload.clone());
        if message.dup && self.heard.get(&message.id) == Some(&what) {
            return;
        }
        self.heard.insert(message.id, what);
        let payload = String::from_utf8(message.payload).unwrap();
        // The pump does as it is told, and reports it.
        if message.topic == PUMP_SET {
            self.answers += 1;
            let answer = publish(PUMP, &payload).retained();
            let answer = answer.qos(1, 1000 + self.answers);
            self.line.send(&answer.bytes(V5));
        }
        let said = Said {
            at,
            topic: message.topic,
            payload,
        };
        match self.is_back && !message.dup {
            true => self.story.after.push(said),
            false => self.story.before.push(said),
        }
    }

    /// `kill -9`. What was on its way to the listener comes.
    fn fall(&mut self) {
        self.site.kill();
        let beating = std::mem::take(&mut self.beating);
        beating
            .values()
            .for_each(|sent| self.stalled(sent.elapsed()));
        while self.hear(ms(1000)) {}
    }

    /// A start; whoever was connected comes again, and the boards report what was not
    /// acknowledged.
    fn come_back(&mut self) {
        let fell = Instant::now();
        self.line = Line::open(self.site.start()).unwrap();
        assert!(greet(&mut self.line), "the listener's session is gone");
        self.is_back = true;
        self.story.down = fell.elapsed();
        for input in &mut self.inputs {
            input.told = input.told.filter(|_| input.taken);
        }
    }
}

/// Connects as the listener; whether its session was there.
fn greet(line: &mut Line) -> bool {
    line.send(&lasting(V5, "listener").bytes());
    match line.hear(PATIENCE) {
        Heard::Packet(packet) => {
            let connack = ConnAck::of(&packet, V5);
            assert_eq!(connack.code, 0, "{connack:?}");
            connack.session_present()
        }
        Heard::Nothing | Heard::Closed => panic!("the broker does not let the listener in"),
    }
}
