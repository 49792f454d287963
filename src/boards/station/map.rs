//! The map of pins: the one that is wanted, the one that the board has, and what to call
//! its things.

use hearth_wire::board::{Answer, BoardTopic, Kind, Map, Refusal, Status};

use super::Station;
use crate::boards::voice::Effect;
use crate::broker::{Publication, Qos};
use crate::clock::Now;
use crate::home::pin_map::{MapProblem, MapReport, MapState, Pin, PinKind, PinThing, Plan, Slot};
use crate::home::{PinMap, topic};

#[derive(Debug, Default)]
pub(super) struct Maps {
    /// What people want, if it can be.
    wanted: Option<(PinMap, Plan)>,
    /// What the board has, with the names that its things go by.
    in_force: Option<Plan>,
    /// Somebody has said what is wanted, if only what cannot be.
    is_configured: bool,
    told: Option<MapReport>,
}

impl Maps {
    /// The things that the board has, with the numbers of their slots.
    pub fn slots(&self) -> impl Iterator<Item = (u8, &Slot)> {
        let plan = self.in_force.iter();
        plan.flat_map(|plan| (1..).zip(&plan.slots))
    }

    pub fn slot(&self, number: u8) -> Option<&Slot> {
        self.slots()
            .find(|(slot, _)| *slot == number)
            .map(|(_, slot)| slot)
    }
}

impl Station {
    /// Takes what is wanted, from the board's config topic.
    pub(super) fn want(&mut self, payload: &[u8], now: Now) {
        let wire = topic::wire(&self.client, &topic::wire_part(BoardTopic::WantedMap));
        self.maps.is_configured = !payload.is_empty();
        if payload.is_empty() {
            // The board keeps what it has.
            if self.maps.wanted.take().is_some() {
                self.voice.publish(wire, String::new(), Qos::AtLeastOnce);
            }
            return self.report_map(MapState::Empty, None);
        }
        let read = serde_json::from_slice::<PinMap>(payload);
        let planned = read
            .map_err(|error| MapProblem {
                at: None,
                reason: format!("this is no map of pins: {error}"),
            })
            .and_then(|map| Ok((map.plan(&self.room)?, map)));
        match planned {
            Ok((plan, map)) => self.take(map, plan, wire, now),
            Err(problem) => self.report_map(MapState::Refused, Some(problem)),
        }
    }

    fn take(&mut self, map: PinMap, plan: Plan, wire: String, now: Now) {
        let is_there = self.maps.in_force.as_ref().map(|has| &has.octets) == Some(&plan.octets);
        let wanted = Publication::new(wire, plan.octets.clone());
        // Retained: the board gets it whenever it connects.
        let wanted = wanted.retained().qos(Qos::AtLeastOnce);
        self.voice.push(Effect::Publish(wanted));
        // Of a slot that becomes another thing the last state means nothing.
        let before = self.maps.in_force.as_ref();
        self.states
            .retain(|slot, _| before.is_some_and(|before| before.same(&plan, *slot)));
        if is_there {
            // The same pins, perhaps under other names.
            self.maps.in_force = Some(plan.clone());
            self.tell_states(now);
        }
        self.maps.wanted = Some((map, plan));
        self.report_map(
            match is_there {
                true => MapState::InForce,
                false => MapState::Waiting,
            },
            None,
        );
    }

    /// Takes the board's word on its map.
    pub(super) fn answered(&mut self, payload: &[u8], now: Now) {
        let Some(answer) = Answer::decode(payload) else {
            return;
        };
        let is_wanted = |(_, plan): &&(PinMap, Plan)| plan.octets == answer.map;
        let wanted = self.maps.wanted.as_ref().filter(is_wanted);
        let wanted = wanted.map(|(_, plan)| plan);
        let known = self.maps.in_force.as_ref();
        let known = wanted.or_else(|| known.filter(|plan| plan.octets == answer.map));
        let plan = match known {
            Some(plan) => Some(plan.clone()),
            None => self.adopt(answer.map),
        };
        let is_new = self.maps.in_force != plan;
        self.maps.in_force = plan;
        if is_new {
            self.pending.clear();
            self.throttles.clear();
            self.tell_states(now);
        }
        self.judge_answer(&answer, now);
    }

    fn judge_answer(&mut self, answer: &Answer<'_>, now: Now) {
        let status = Status::from_code(answer.status).unwrap_or(Status::Malformed);
        let Some((map, plan)) = &self.maps.wanted else {
            let is_empty = self
                .maps
                .in_force
                .as_ref()
                .is_none_or(|plan| plan.slots.is_empty());
            let state = match is_empty {
                true => MapState::Empty,
                false => MapState::InForce,
            };
            return self.report_map(state, None);
        };
        let is_in_force = plan.octets == answer.map;
        let refusal = Refusal {
            status,
            slot: answer.slot,
        };
        let problem = (status != Status::InForce).then(|| map.explain(refusal));
        let state = match (&problem, is_in_force) {
            (_, true) => MapState::InForce,
            (None, false) => MapState::Waiting,
            (Some(_), false) => MapState::Refused,
        };
        if let Some(problem) = &problem {
            self.voice.log(&format!("the map of pins: {problem}"), now);
        }
        self.report_map(state, problem);
    }

    /// A map that the board has and nobody here has written: its things are called after
    /// kind and pin, and people can go on from there.
    fn adopt(&mut self, octets: &[u8]) -> Option<Plan> {
        let map = named_by_pin(&Map::check(octets).ok()?);
        // Its rules are not told in words; so it is not what people would want.
        let plan = Plan {
            octets: octets.to_vec(),
            ..map.plan(&self.room).ok()?
        };
        let has_rules = Map::check(octets).is_ok_and(|map| map.rules().next().is_some());
        if !self.maps.is_configured && !plan.slots.is_empty() && !has_rules {
            let topic = topic::board_config(self.voice.name());
            self.voice.publish_json(topic, &map, Qos::AtLeastOnce);
        }
        Some(plan)
    }

    fn report_map(&mut self, state: MapState, problem: Option<MapProblem>) {
        let report = MapReport {
            state,
            at: problem.as_ref().and_then(|problem| problem.at.clone()),
            reason: problem.map(|problem| problem.reason),
        };
        if self.maps.told.as_ref() == Some(&report) {
            return;
        }
        if let Some(reason) = &report.reason {
            self.voice.warn(format!("its map of pins: {reason}"));
        }
        let topic = topic::board_map(self.voice.name());
        self.voice.publish_json(topic, &report, Qos::AtLeastOnce);
        self.maps.told = Some(report);
    }
}

fn named_by_pin(map: &Map<'_>) -> PinMap {
    let things = map.things().filter_map(|thing| {
        let pin = Pin::parse(&thing.pin.to_string())?;
        let kind = kind(thing.kind);
        let is_contact = matches!(kind, PinKind::Digital | PinKind::Counter);
        let name = format!("{}-{pin}", kind.as_str()).to_lowercase();
        let safe = kind.is_output().then(|| level(thing.kind, thing.safe()));
        Some(PinThing {
            name,
            kind,
            pin,
            room: None,
            every: Some(f64::from(thing.period) / 10.0),
            deadband: (kind == PinKind::Analog).then(|| f64::from(thing.deadband()) * 5.0 / 1023.0),
            debounce: is_contact.then(|| thing.debounce()),
            pull_up: thing.pull_up(),
            active_low: thing.active_low(),
            safe,
            scale: None,
            unit: None,
            device_class: None,
        })
    });
    PinMap {
        silence: map.silence(),
        things: things.collect(),
        rules: Vec::new(),
    }
}

fn level(kind: Kind, level: u8) -> crate::home::pin_map::Level {
    use crate::home::pin_map::Level;
    match kind {
        Kind::Relay => Level::Text(if level == 0 { "off" } else { "on" }.to_owned()),
        Kind::Pwm => Level::Number((f64::from(level) / 2.55 * 10.0).round() / 10.0),
        _ => Level::Number(level.into()),
    }
}

fn kind(kind: Kind) -> PinKind {
    match kind {
        Kind::Analog => PinKind::Analog,
        Kind::Digital => PinKind::Digital,
        Kind::Counter => PinKind::Counter,
        Kind::Relay => PinKind::Relay,
        Kind::Pwm => PinKind::Pwm,
        Kind::Servo => PinKind::Servo,
        Kind::Ds18b20 => PinKind::Ds18b20,
    }
}
