//! Random traffic and cuts: nothing is lost, nothing at QoS 2 comes twice,
//! nothing goes round, and the order holds.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// From the house or from there; which topic; at which QoS.
    Publish(bool, u8, Qos),
    Carry(usize),
    Cut,
    Restart,
    /// The other side loses the session.
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let qos = prop_oneof![
        Just(Qos::AtMostOnce),
        Just(Qos::AtLeastOnce),
        Just(Qos::ExactlyOnce)
    ];
    prop_oneof![
        10 => (any::<bool>(), 0..2_u8, qos).prop_map(|(here, topic, qos)| Step::Publish(here, topic, qos)),
        10 => (0..8_usize).prop_map(Step::Carry),
        2 => Just(Step::Cut),
        1 => Just(Step::Restart),
        1 => Just(Step::Forget),
    ]
}

/// What was published on one side, by number.
#[derive(Default)]
struct Published(Vec<(String, Qos)>);

/// How often each number was seen, and the numbers in the order of their first
/// appearance, for each topic.
fn sightings(seen: &[(String, String)], of: char) -> HashMap<String, Vec<usize>> {
    let mut by_topic: HashMap<String, Vec<usize>> = HashMap::new();
    for (topic, payload) in seen {
        if let Some(number) = payload.strip_prefix(of) {
            by_topic
                .entry(topic.clone())
                .or_default()
                .push(number.parse().unwrap());
        }
    }
    by_topic
}

fn check(
    published: &Published,
    seen: &[(String, String)],
    of: char,
    is_kept: impl Fn(usize, Qos) -> bool,
    exact: bool,
) {
    let mut sightings = sightings(seen, of);
    for (number, (topic, qos)) in published.0.iter().enumerate() {
        let here = sightings.entry(topic.clone()).or_default();
        let count = here.iter().filter(|seen| **seen == number).count();
        if is_kept(number, *qos) {
            assert!(count >= 1, "{of}{number} at {qos:?} is lost: {seen:?}");
        }
        if *qos == Qos::ExactlyOnce && exact {
            assert!(count <= 1, "{of}{number} came {count} times: {seen:?}");
        }
    }
    for (topic, numbers) in sightings {
        // Repetitions at QoS 1 apart, each QoS keeps its order (4.6).
        for wanted in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let mut first = Vec::new();
            for number in &numbers {
                let is_it = published.0[*number].1 == wanted;
                if is_it && !first.contains(number) {
                    first.push(*number);
                }
            }
            assert!(first.is_sorted(), "{topic}: {first:?}");
        }
    }
}

fn run(version: Version, steps: Vec<Step>) {
    let mut world = World::new(version, both("t/#"));
    world.rest();
    let here = visitor(&mut world.house, "a", "t/#");
    let there = visitor(&mut world.remote, "b", "t/#");
    let (mut ours, mut theirs) = (Published::default(), Published::default());
    let (mut forgot, mut restarted) = (0, false);
    for step in steps {
        match step {
            Step::Publish(true, topic, qos) => {
                let (topic, number) = (format!("t/{topic}"), ours.0.len());
                world
                    .house
                    .publish(here, &topic, &format!("h{number}"), qos, false);
                ours.0.push((topic, qos));
            }
            Step::Publish(false, topic, qos) => {
                let (topic, number) = (format!("t/{topic}"), theirs.0.len());
                world
                    .remote
                    .publish(there, &topic, &format!("r{number}"), qos, false);
                theirs.0.push((topic, qos));
            }
            Step::Carry(packets) => world.carry(packets),
            Step::Cut => world.reconnect(),
            Step::Restart => {
                restarted = true;
                world.restart();
            }
            Step::Forget => {
                // What the other side forgets, and what is published there
                // before we have subscribed anew, nobody can bring.
                forgot = theirs.0.len().max(1);
                world.forget();
                world.rest();
            }
        }
    }
    world.rest();
    assert_eq!((world.waiting(), world.relay.closing.len()), (0, 0));
    let seen_there = World::seen(&mut world.remote, there);
    let seen_here = World::seen(&mut world.house, here);
    // Here, everything is kept from QoS 0 on; there, as MQTT has it.
    check(&ours, &seen_there, 'h', |_, _| true, forgot == 0);
    let is_kept = |number, qos| number >= forgot && qos >= Qos::AtLeastOnce;
    check(&theirs, &seen_here, 'r', is_kept, forgot == 0);
    // Our own come back to nobody. What went out before a restart is not
    // remembered after it, and 3.1.1 marks nothing.
    let own = sightings(&seen_here, 'h')
        .into_values()
        .map(|numbers| numbers.len());
    if version == Version::V5 || !restarted {
        assert_eq!(own.sum::<usize>(), ours.0.len(), "{seen_here:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mqtt_5_loses_nothing(steps in prop::collection::vec(step(), 0..80)) {
        run(Version::V5, steps);
    }

    #[test]
    fn mqtt_3_1_1_loses_nothing(steps in prop::collection::vec(step(), 0..80)) {
        run(Version::V311, steps);
    }
}
