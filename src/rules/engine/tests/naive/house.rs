//! A second engine, as plain as can be: it scans everything each time, and what a
//! run still has to do is a list of actions.
//!
//! At one moment times end first, rule by rule: hold times, waits, looks, repeats of
//! `keep`, the end of a trip. Then messages come, one after the other.

use super::{Act, Cond, MINE, Mode, Spec, When};

/// Rules that led to something, by number.
type Chain = Vec<usize>;

#[derive(Clone, Debug)]
enum Todo {
    Act(Act),
    /// Another round, if there is one: which, of how many, while, what.
    Round(u32, u32, Option<Cond>, Vec<Act>),
}

#[derive(Clone, Debug, Default)]
struct Cause {
    payload: Option<String>,
    room: Option<String>,
    chain: Chain,
}

#[derive(Clone, Debug)]
struct Run {
    /// The next one is the last.
    todo: Vec<Todo>,
    cause: Cause,
    until: u64,
    waits: Option<(Cond, bool)>,
    id: u64,
}

#[derive(Debug, Default)]
struct One {
    off: bool,
    tripped: u64,
    cooldown: u64,
    acted: Vec<u64>,
    runs: Vec<Run>,
    queue: Vec<Cause>,
    last_id: u64,
    /// Of the trigger: whether it has fired, since when it holds, the value before.
    fired: bool,
    holds: Option<(u64, Cause)>,
    before: Option<String>,
    /// Of the `keep`: what it wants, what the thing was when it was told, until when
    /// it waits for how long.
    looked: Option<Option<String>>,
    told: Option<Option<String>>,
    next: Option<(u64, u64)>,
}

pub(super) struct House<'a> {
    specs: &'a [Spec],
    ones: Vec<One>,
    now: u64,
    values: Vec<(String, Option<String>, u64)>,
    /// Every message of a rule: when, where, what, by whom.
    words: Vec<(u64, String, String, Chain)>,
    pub(super) said: Vec<(u64, String, String)>,
    switches: Vec<(usize, bool)>,
}

impl House<'_> {
    pub(super) fn new(specs: &[Spec]) -> House<'_> {
        let mut house = House {
            specs,
            ones: specs.iter().map(|_| One::default()).collect(),
            now: 0,
            values: Vec::new(),
            words: Vec::new(),
            said: Vec::new(),
            switches: Vec::new(),
        };
        for (rule, spec) in specs.iter().enumerate() {
            if spec.when == When::Start {
                house.begin(rule, Cause::default());
            }
            house.keep(rule, &[]);
            house.turn();
        }
        house
    }

    fn value(&self, topic: &str) -> Option<String> {
        let found = self.values.iter().find(|(known, ..)| known == topic);
        found.and_then(|(_, value, _)| value.clone())
    }

    fn holds(&self, cond: &Cond, cause: &Cause) -> bool {
        match cond {
            Cond::Is(topic, value) => self.value(topic).as_deref() == Some(value),
            Cond::IsNot(topic, value) => self.value(topic).as_deref() != Some(value),
            Cond::Age(topic, seconds) => {
                let heard = self.values.iter().find(|(known, ..)| known == topic);
                heard.is_some_and(|(.., at)| self.now - at > seconds * 1000)
            }
            Cond::Payload(value) => cause.payload.as_deref() == Some(value),
            Cond::Room(value) => cause.room.as_deref() == Some(value),
        }
    }

    /// When something falls due next, after now.
    pub(super) fn next(&self) -> Option<u64> {
        let mut all = Vec::new();
        for (spec, one) in self.specs.iter().zip(&self.ones) {
            all.extend(one.runs.iter().map(|run| run.until));
            all.extend(one.holds.iter().map(|(at, _)| at + spec.hold));
            all.extend(one.next.map(|(at, _)| at));
            all.push(one.tripped);
            let looks = one.runs.iter().any(Run::looks) || spec.keeps_by_age();
            all.extend(looks.then_some((self.now / 1000 + 1) * 1000));
        }
        all.into_iter().filter(|at| *at > self.now).min()
    }

    /// Ends the times that are over at a moment.
    pub(super) fn wake(&mut self, at: u64) {
        self.now = at;
        for rule in 0..self.specs.len() {
            let hold = self.specs[rule].hold;
            let over = self.ones[rule]
                .holds
                .take_if(|(from, _)| *from + hold <= at);
            if let Some((_, cause)) = over {
                self.ones[rule].fired = true;
                self.begin(rule, cause);
                self.turn();
            }
            let mut due: Vec<u64> = self.ones[rule].runs.iter().map(|run| run.id).collect();
            due.sort_unstable();
            for id in due {
                self.end_wait(rule, id);
                self.turn();
            }
            if at.is_multiple_of(1000) {
                self.look(rule);
                if self.specs[rule].keeps_by_age() {
                    self.keep(rule, &[]);
                }
                self.turn();
            }
            if self.ones[rule].next.is_some_and(|(next, _)| next <= at) {
                self.keep(rule, &[]);
                self.turn();
            }
            if self.ones[rule].tripped == at && at > 0 {
                self.keep(rule, &[]);
                self.turn();
            }
        }
    }

    fn end_wait(&mut self, rule: usize, id: u64) {
        let runs = &mut self.ones[rule].runs;
        let over = runs
            .iter()
            .position(|run| run.id == id && run.until <= self.now);
        let Some(run) = over.map(|over| runs.remove(over)) else {
            return;
        };
        let in_vain = |(cond, _): &(Cond, bool)| !self.holds(cond, &run.cause);
        let ends = run
            .waits
            .as_ref()
            .filter(|w| in_vain(w))
            .is_some_and(|(_, go_on)| !go_on);
        match ends {
            true => self.next_in_queue(rule),
            false => self.go_on(rule, run),
        }
    }

    fn look(&mut self, rule: usize) {
        let ids: Vec<u64> = self.ones[rule].runs.iter().map(|run| run.id).collect();
        for id in ids {
            let found = self.ones[rule].runs.iter().position(|run| run.id == id);
            let Some(at) = found else { continue };
            let run = &self.ones[rule].runs[at];
            let has_come = run
                .waits
                .as_ref()
                .is_some_and(|(cond, _)| self.holds(cond, &run.cause));
            if has_come {
                let run = self.ones[rule].runs.remove(at);
                self.go_on(rule, run);
            }
        }
    }

    /// A message comes; times that are over now have ended.
    pub(super) fn hear(&mut self, topic: &str, payload: &str) {
        let value = (!payload.is_empty()).then(|| payload.to_owned());
        self.values.retain(|(known, ..)| known != topic);
        self.values
            .push((topic.to_owned(), value.clone(), self.now));
        let chain = self.behind(topic, payload);
        // Who names the topic hears it before those who match it.
        for matches in [false, true] {
            for rule in 0..self.specs.len() {
                if matches == matches!(self.specs[rule].when, When::Matches) {
                    self.observe(rule, topic, &value, &chain);
                    self.turn();
                }
            }
        }
        for rule in 0..self.specs.len() {
            if self.specs[rule].asks(topic) {
                self.look(rule);
                // A late answer to its own word is no loop.
                let keep = self.specs[rule].keep.as_ref();
                let asked = keep.and_then(|keep| keep.cond.as_ref()?.topic());
                let is_answer = topic == MINE && asked != Some(MINE);
                let is_own = is_answer && chain.iter().all(|led| *led == rule);
                self.keep(rule, if is_own { &[] } else { &chain });
                self.turn();
            }
        }
        for rule in 0..self.specs.len() {
            if topic == format!("hearth/rule/r{rule}/set")
                && ["enabled", "disabled"].contains(&payload)
            {
                self.switches.push((rule, payload == "enabled"));
                self.turn();
            }
        }
    }

    /// The rules behind a message: who said the same, lately.
    fn behind(&self, topic: &str, payload: &str) -> Chain {
        let is_there = |said: &str| said == topic || said.strip_suffix("/set") == Some(topic);
        let mut words = self.words.iter().rev();
        let lately = words
            .by_ref()
            .filter(|(_, said, ..)| is_there(said))
            .take(8);
        let mut same = lately.filter(|(at, _, what, _)| what == payload && at + 5000 >= self.now);
        same.next()
            .map(|(.., chain)| chain.clone())
            .unwrap_or_default()
    }

    fn observe(&mut self, rule: usize, topic: &str, value: &Option<String>, chain: &[usize]) {
        let one = &mut self.ones[rule];
        let mut cause = Cause {
            payload: value.clone(),
            room: None,
            chain: chain.to_vec(),
        };
        let fires = match &self.specs[rule].when {
            When::Start => false,
            When::Comes(wanted) => *wanted == topic,
            When::Matches => {
                let room = topic.strip_prefix("t/").filter(|room| !room.contains('/'));
                cause.room = room.map(str::to_owned);
                room.is_some()
            }
            When::Changes(wanted) => {
                *wanted == topic && value.is_some() && {
                    let before = std::mem::replace(&mut one.before, value.clone());
                    before.is_some() && before != *value
                }
            }
            When::Is(wanted, level) if *wanted == topic => {
                let is_it = value.as_deref() == Some(*level);
                if !is_it {
                    (one.holds, one.fired) = (None, false);
                } else if self.specs[rule].hold > 0 && !one.fired && one.holds.is_none() {
                    one.holds = Some((self.now, cause.clone()));
                }
                let fires = is_it && !one.fired && self.specs[rule].hold == 0;
                one.fired |= fires;
                fires
            }
            When::Is(..) => false,
        };
        if fires {
            self.begin(rule, cause);
        }
    }

    fn begin(&mut self, rule: usize, cause: Cause) {
        let (spec, one) = (&self.specs[rule], &self.ones[rule]);
        if one.tripped > self.now || one.off || one.cooldown > self.now {
            return;
        }
        if times(&cause.chain, rule) > spec.allow_cycle {
            return self.trip(rule);
        }
        if spec
            .cond
            .as_ref()
            .is_some_and(|cond| !self.holds(cond, &cause))
        {
            return;
        }
        let one = &mut self.ones[rule];
        match spec.mode {
            Mode::Single if !one.runs.is_empty() => return,
            Mode::Parallel(max) if one.runs.len() >= max => return,
            Mode::Queued(max) if !one.runs.is_empty() => {
                if one.queue.len() < max {
                    one.queue.push(cause);
                }
                return;
            }
            _ => {}
        }
        if self.may_act(rule) {
            if spec.mode == Mode::Restart {
                self.ones[rule].runs.clear();
            }
            self.act(rule, cause);
        }
    }

    fn may_act(&mut self, rule: usize) -> bool {
        let (most, per) = self.specs[rule].rate;
        let acted = &mut self.ones[rule].acted;
        let lately = acted.iter().filter(|at| **at + per > self.now).count();
        let may = lately < most;
        acted.extend(may.then_some(self.now));
        may
    }

    fn act(&mut self, rule: usize, cause: Cause) {
        let spec = &self.specs[rule];
        let one = &mut self.ones[rule];
        one.last_id += 1;
        one.cooldown = self.now + spec.cooldown;
        let run = Run {
            todo: spec.then.iter().rev().cloned().map(Todo::Act).collect(),
            cause,
            until: 0,
            waits: None,
            id: one.last_id,
        };
        self.go_on(rule, run);
    }

    fn go_on(&mut self, rule: usize, mut run: Run) {
        run.waits = None;
        while let Some(todo) = run.todo.pop() {
            let mut then = |acts: &[Act]| {
                let acts = acts.iter().rev().cloned();
                run.todo.extend(acts.map(Todo::Act));
            };
            match todo {
                Todo::Round(round, times, cond, body) => {
                    let holds = |cond| self.holds(cond, &run.cause);
                    if round <= times && cond.as_ref().is_none_or(holds) {
                        run.todo
                            .push(Todo::Round(round + 1, times, cond, body.clone()));
                        run.todo.extend(body.into_iter().rev().map(Todo::Act));
                    }
                }
                Todo::Act(Act::Say(topic, payload)) => self.say(rule, topic, payload, &run.cause),
                Todo::Act(Act::Tell(topic)) => {
                    let tell = |what: &Option<String>| what.clone().unwrap_or("none".to_owned());
                    let text = format!("{}/{}", tell(&run.cause.payload), tell(&run.cause.room));
                    self.say(rule, topic, &text, &run.cause);
                }
                Todo::Act(Act::Delay(time)) => {
                    run.until = self.now + time;
                    return self.ones[rule].runs.push(run);
                }
                Todo::Act(Act::Wait(cond, timeout, go_on)) => {
                    if !self.holds(&cond, &run.cause) {
                        run.until = self.now + timeout;
                        run.waits = Some((cond, go_on));
                        return self.ones[rule].runs.push(run);
                    }
                }
                Todo::Act(Act::Choose(cond, yes, no)) => {
                    match self.holds(&cond, &run.cause) {
                        true => then(&yes),
                        false => then(&no),
                    };
                }
                Todo::Act(Act::Repeat(times, cond, body)) => {
                    run.todo.push(Todo::Round(1, times, cond, body));
                }
                Todo::Act(Act::Switch(other, on)) => {
                    self.switches.push((other % self.specs.len(), on));
                }
                Todo::Act(Act::Stop) => break,
            }
        }
        self.next_in_queue(rule);
    }

    fn next_in_queue(&mut self, rule: usize) {
        while self.ones[rule].runs.is_empty() && !self.ones[rule].queue.is_empty() {
            let cause = self.ones[rule].queue.remove(0);
            if self.may_act(rule) {
                self.act(rule, cause);
            }
        }
    }

    fn say(&mut self, rule: usize, topic: &str, payload: &str, cause: &Cause) {
        let mut chain = cause.chain.clone();
        chain.push(rule);
        self.words
            .push((self.now, topic.to_owned(), payload.to_owned(), chain));
        self.said
            .push((self.now, topic.to_owned(), payload.to_owned()));
    }

    fn trip(&mut self, rule: usize) {
        self.ones[rule].tripped = self.now + 60_000;
        self.end_all(rule);
    }

    fn end_all(&mut self, rule: usize) {
        let one = &mut self.ones[rule];
        one.runs.clear();
        one.queue.clear();
        (one.told, one.next) = (None, None);
    }

    /// Turns rules on and off, as others have said.
    fn turn(&mut self) {
        for (rule, on) in std::mem::take(&mut self.switches) {
            if !on && !self.ones[rule].off {
                self.end_all(rule);
            }
            self.ones[rule].off = !on;
            self.keep(rule, &[]);
        }
    }

    fn keep(&mut self, rule: usize, chain: &[usize]) {
        let Some(keep) = &self.specs[rule].keep else {
            return;
        };
        if self.ones[rule].off || self.ones[rule].tripped > self.now {
            return;
        }
        let holds = keep
            .cond
            .as_ref()
            .is_none_or(|cond| self.holds(cond, &Cause::default()));
        let wanted = match holds != keep.unless {
            true => Some("a".to_owned()),
            false => keep.otherwise.then(|| "b".to_owned()),
        };
        let state = self.value(MINE);
        let one = &mut self.ones[rule];
        let is_new = one.looked.replace(wanted.clone()) != Some(wanted.clone());
        let Some(level) = wanted.filter(|level| state.as_ref() != Some(level)) else {
            (one.told, one.next) = (None, None);
            return;
        };
        let moved = one.told.as_ref() != Some(&state);
        let pause = match one.next {
            Some((_, last)) if !is_new && !moved => (last * 2).min(300_000),
            _ => 5000,
        };
        if !is_new && !moved && one.next.is_some_and(|(next, _)| next > self.now) {
            return;
        }
        if times(chain, rule) > self.specs[rule].allow_cycle {
            return self.trip(rule);
        }
        one.next = Some((self.now + pause, pause));
        one.told = Some(state);
        if self.may_act(rule) {
            let cause = Cause {
                chain: chain.to_vec(),
                ..Cause::default()
            };
            self.say(rule, &format!("{MINE}/set"), &level, &cause);
        }
    }
}

impl Run {
    fn looks(&self) -> bool {
        matches!(self.waits, Some((Cond::Age(..), _)))
    }
}

fn times(chain: &[usize], rule: usize) -> usize {
    chain.iter().filter(|led| **led == rule).count()
}
