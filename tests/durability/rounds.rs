//! Rounds of one life in one folder: clients publish and subscribe, the broker
//! is killed, starts again, and everything that was acknowledged is there.
//!
//! Every other round or so all is brought to an end and checked; in the others
//! the next kill comes while the clients still recover from the last one.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope, sleep};
use std::time::Duration;

use super::chance::Chance;
use super::expected::Shared;
use super::ledger::{Broker, Failure, Ledger, Stop, Topic, Totals};
use super::program::{Kind, Site};
use super::publisher::Publisher;
use super::session::{Goal, Session};
use super::subscriber::{Crew, Habit, Subscriber};
use super::trace::{Did, Trace, story};
use super::wire::{self, Publish, V5, V311};

/// A broker that answers so many pings first does not send what is retained.
const MOST_PINGS: u32 = 100;

/// How each round ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The broker is killed.
    Kill,
    /// It is stopped in order.
    Stop,
    /// It lives on, but all connections are cut.
    Cut,
}

/// A broker and everyone around it.
pub struct World {
    site: Site,
    end: End,
    chance: Chance,
    at: SocketAddr,
    ledger: Ledger,
    clients: Clients,
    broker: Trace,
}

struct Clients {
    publishers: Vec<Publisher>,
    subscribers: Vec<Subscriber>,
}

impl World {
    /// A broker that runs, and clients with their sessions.
    pub fn begin(kind: Kind, end: End, seed: u64) -> World {
        let (topics, publishers) = publishers(kind);
        let mut site = Site::new(kind);
        let mut world = World {
            at: site.start(),
            site,
            end,
            chance: Chance::new(seed),
            clients: Clients {
                publishers,
                subscribers: subscribers(kind, topics.len()),
            },
            ledger: Ledger::new(topics),
            broker: Trace::new("the broker"),
        };
        // The subscriptions before the first message: nobody misses any.
        for subscriber in &mut world.clients.subscribers {
            let chance = world.chance.of("begin");
            let outcome = subscriber.run(world.at, &world.ledger, chance, Goal::Begin);
            outcome.unwrap_or_else(|stop| world.ledger.stopped(stop));
        }
        world.everybody(0, Goal::Begin);
        world
    }

    /// Lives through so many ends of the broker.
    ///
    /// # Errors
    /// The first thing that must not be, as a story.
    pub fn live(&mut self, rounds: u64) -> Result<Totals, String> {
        self.judge(0)?;
        for round in 1..=rounds {
            let mut chance = self.chance.of(("round", round));
            let lifetime = Duration::from_millis(10 + chance.below(140));
            self.until_the_end(round, lifetime);
            if self.end == End::Kill && chance.one_in(12) {
                self.kill_at_start(Duration::from_millis(chance.below(40)));
            }
            if self.end != End::Cut {
                self.at = self.site.start();
                self.broker.note(Did::Broker("serves"));
            }
            self.ledger.set(Broker::Serves);
            self.check_retained(round);
            self.judge(round)?;
            if round == rounds || !chance.one_in(4) {
                self.everybody(round, Goal::Finish);
                self.judge(round)?;
                self.turn_pages();
            }
        }
        Ok(self.ledger.totals())
    }

    /// A power cut while the broker reads what it has kept.
    fn kill_at_start(&mut self, after: Duration) {
        self.site.launch();
        sleep(after);
        self.site.kill();
        self.broker.note(Did::Broker("is killed while it starts"));
    }

    /// Runs all clients until all have reached the goal.
    fn everybody(&mut self, round: u64, goal: Goal) {
        thread::scope(|scope| {
            let chance = self.chance.of(round);
            self.clients
                .spawn(scope, self.at, &self.ledger, &chance, goal);
        });
    }

    /// Lets all clients live, until the broker is ended.
    fn until_the_end(&mut self, round: u64, lifetime: Duration) {
        thread::scope(|scope| {
            let chance = self.chance.of(round);
            self.clients
                .spawn(scope, self.at, &self.ledger, &chance, Goal::Live);
            sleep(lifetime);
            match self.end {
                End::Kill => {
                    self.ledger.set(Broker::Ends);
                    self.site.kill();
                }
                End::Stop => {
                    self.ledger.set(Broker::Ends);
                    self.site.stop();
                }
                End::Cut => self.ledger.set(Broker::IsCutOff),
            }
            self.broker.note(Did::Broker("is ended"));
        });
    }

    /// What is retained is the last message that was acknowledged, or a later
    /// one: asked before any publisher is back.
    fn check_retained(&mut self, round: u64) {
        let version = if round.is_multiple_of(2) { V311 } else { V5 };
        let mut observer = Session::new("observer", wire::connect(version, "observer"));
        let outcome = retained_are_right(&mut observer, self.at, &self.ledger);
        outcome.unwrap_or_else(|stop| self.ledger.stopped(stop));
    }

    fn turn_pages(&mut self) {
        self.broker.turn_page();
        self.clients
            .sessions()
            .for_each(|one| one.trace.turn_page());
    }

    /// The first failure, if there is one, with the story of its message.
    fn judge(&mut self, round: u64) -> Result<(), String> {
        let Some(Failure { by, says, about }) = self.ledger.failure().take() else {
            return Ok(());
        };
        let traces = self.clients.sessions().map(|one| &one.trace);
        let traces: Vec<&Trace> = traces.chain([&self.broker]).collect();
        let story = story(&traces, about, &by, |one| self.ledger.name(one));
        let about = about.map_or_else(String::new, |about| {
            let last = self.ledger.topics[about.0].acknowledged();
            format!(" ({} of {last} acknowledged)", self.ledger.name(about))
        });
        let folder = self.site.keep();
        Err(format!(
            "round {round}: {by}: {says}{about}\n{story}the folder is {}",
            folder.display()
        ))
    }
}

impl Clients {
    fn sessions(&mut self) -> impl Iterator<Item = &mut Session> {
        let publishers = self.publishers.iter_mut().map(|one| &mut one.session);
        publishers.chain(self.subscribers.iter_mut().map(|one| &mut one.session))
    }

    /// Runs each client in a thread of its own.
    fn spawn<'scope>(
        &'scope mut self,
        scope: &'scope Scope<'scope, '_>,
        at: SocketAddr,
        ledger: &'scope Ledger,
        chance: &Chance,
        goal: Goal,
    ) {
        ledger.set_publishing(self.publishers.len());
        for publisher in &mut self.publishers {
            let chance = chance.of(publisher.session.name());
            scope.spawn(move || {
                let outcome = publisher.run(at, ledger, chance, goal);
                outcome.unwrap_or_else(|stop| ledger.stopped(stop));
                ledger.has_published();
            });
        }
        for subscriber in &mut self.subscribers {
            let chance = chance.of(subscriber.session.name());
            scope.spawn(move || {
                let outcome = subscriber.run(at, ledger, chance, goal);
                outcome.unwrap_or_else(|stop| ledger.stopped(stop));
            });
        }
    }
}

fn retained_are_right(observer: &mut Session, at: SocketAddr, ledger: &Ledger) -> Result<(), Stop> {
    let mut line = observer.resume(at, ledger)?;
    let version = observer.version();
    line.send(&wire::subscribe(version, 1, &[], &[("kill/+/kept", 0)]));
    let is_due = |topic: &&Topic| topic.retained && topic.acknowledged() > 0;
    let mut due: BTreeSet<&str> = ledger
        .topics
        .iter()
        .filter(is_due)
        .map(|t| &*t.name)
        .collect();
    let mut pings = 0;
    while let Some(next) = due.first() {
        let heard = observer.hear(&mut line, Duration::from_millis(20), ledger)?;
        let Some(packet) = heard.filter(|packet| packet.first >> 4 == 3) else {
            if pings == MOST_PINGS {
                return observer.fail(format!("finds nothing retained on {next}"), None);
            }
            pings += 1;
            line.send(&wire::PINGREQ);
            continue;
        };
        let publish = Publish::of(&packet, version);
        due.remove(&*publish.topic);
        let message = ledger.recognise(&publish);
        let is_right = message.is_some_and(|(topic, number)| {
            let topic = &ledger.topics[topic];
            publish.retain && number >= topic.acknowledged()
        });
        if !is_right {
            let says = format!("finds retained on {}: {message:?}", publish.topic);
            return observer.fail(says, message);
        }
    }
    Ok(())
}

/// Each has a topic that is retained and two that are not. mosquitto waits for
/// PUBREL before it keeps a message at QoS 2, as it may.
fn publishers(kind: Kind) -> (Vec<Topic>, Vec<Publisher>) {
    let kinds = [
        ("red", V5, 1),
        ("green", V311, 1),
        ("blue", V5, 2),
        ("gold", V311, 2),
    ];
    let (mut topics, mut publishers) = (Vec::new(), Vec::new());
    for (name, version, qos) in kinds {
        let third = match (kind, qos) {
            (Kind::Mosquitto, 2) => "c",
            _ => "kept",
        };
        let of_it = ["a", "b", third].map(|last| Topic::new(format!("kill/{name}/{last}"), qos));
        let first = topics.len();
        topics.extend(of_it);
        publishers.push(Publisher::new(
            name,
            version,
            qos,
            (first..topics.len()).collect(),
        ));
    }
    (topics, publishers)
}

/// mosquitto 2.0.11 sends more than the Receive Maximum, does not hand on what
/// a lost member of a shared subscription has left, and publishes again after
/// PUBREL ([MQTT-4.3.3-6]) to who comes back after a restart.
fn subscribers(kind: Kind, topics: usize) -> Vec<Subscriber> {
    let exactly_once = match kind {
        Kind::Hearth => 2,
        Kind::Mosquitto => 1,
    };
    let mut subscribers = vec![
        Subscriber::new("steady-2", V5, "kill/#", 2),
        Subscriber::new("steady-1", V311, "kill/+/+", 1),
        Subscriber::new("wanders-1", V5, "kill/#", 1).habit(Habit::Wanders),
        Subscriber::new("wanders-2", V311, "kill/#", exactly_once).habit(Habit::Wanders),
        Subscriber::new("sleeps-2", V5, "kill/#", exactly_once).habit(Habit::Sleeps),
        Subscriber::new("sleeps-1", V311, "kill/+/b", 1).habit(Habit::Sleeps),
        Subscriber::new("changes", V5, "kill/#", exactly_once).habit(Habit::Changes),
    ];
    if kind == Kind::Hearth {
        let crew: Crew = Arc::new(Mutex::new(vec![Shared::default(); topics]));
        let narrow = Subscriber::new("narrow", V5, "kill/+/a", 2).receive_maximum(3);
        subscribers.push(narrow.habit(Habit::Wanders));
        for (name, version) in [("crew-1", V5), ("crew-2", V311)] {
            let member = Subscriber::new(name, version, "$share/crew/kill/#", 2).of(&crew);
            subscribers.push(member.habit(Habit::Wanders));
        }
    }
    subscribers
}
