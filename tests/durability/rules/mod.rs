//! The kill test of the rules: `kill -9` at random moments of a script with timers, and
//! what the rules do is what they do undisturbed, within the window that
//! docs/durability.md states.
//!
//! `HEARTH_KILL_MOMENTS` says how many moments, `HEARTH_KILL_SEED` chooses those of an
//! earlier run again. Many houses live side by side, as they are mostly idle.

mod life;
mod script;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use self::life::{Said, Story, live};
use self::script::{INPUTS, MOST_DOWN, OVER, expected};
use crate::chance::Chance;
use crate::kill::setting;

const MOMENTS: u64 = 24;
const LANES: u64 = 8;
/// Beyond the downtime, nothing comes later than this. So late may a computer with
/// other work be, too.
const WINDOW: Duration = Duration::from_millis(1500);
/// What was said longer before the kill is not said again.
const REPEATS: Duration = Duration::from_millis(3500);
/// A computer that takes longer to tell an input, or to acknowledge it, makes another
/// story of the script.
const MOST_STALLED: Duration = Duration::from_millis(400);

/// What was found in one life.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    /// Actions that were said twice.
    doubles: usize,
    /// The most that an action was late, all in all.
    late: Duration,
    /// The most that it was later than the downtime explains.
    beyond: Duration,
    /// The longest time between saying something and the kill after which it was said
    /// again.
    repeated: Duration,
}

/// Holds a life against the script.
fn judge(story: &Story, kill: Option<Duration>) -> Result<Found, String> {
    let mut found = Found::default();
    let mut rest = by_topic(&story.before);
    let mut again = by_topic(&story.after);
    for (topic, wanted) in expected() {
        let before = rest.remove(topic).unwrap_or_default();
        let after = again.remove(topic).unwrap_or_default();
        judge_one(story, kill, &wanted, &before, &after, &mut found).map_err(|says| {
            let show = |said: &[Said]| {
                let said = said
                    .iter()
                    .map(|said| format!("{}@{:?}", said.payload, said.at));
                said.collect::<Vec<_>>().join(", ")
            };
            format!(
                "{topic}: {says}\n  before: {}\n  after: {}",
                show(&before),
                show(&after)
            )
        })?;
    }
    match rest.into_iter().chain(again).next() {
        Some(unwanted) => Err(format!("nobody expects {unwanted:?}")),
        None => Ok(found),
    }
}

fn judge_one(
    story: &Story,
    kill: Option<Duration>,
    wanted: &[(u64, &str)],
    before: &[Said],
    after: &[Said],
    found: &mut Found,
) -> Result<(), String> {
    let is = |said: &Said, wanted: &(u64, &str)| said.payload == wanted.1;
    let first = before.len();
    let begins = wanted.get(..first);
    if !begins.is_some_and(|begins| before.iter().zip(begins).all(|(a, b)| is(a, b))) {
        return Err("what came before the kill is not how it should begin".to_owned());
    }
    let Some(from) = wanted.len().checked_sub(after.len()) else {
        return Err("too much came after the kill".to_owned());
    };
    if !after.iter().zip(&wanted[from..]).all(|(a, b)| is(a, b)) {
        return Err("what came after the kill is not how it should end".to_owned());
    }
    if from > first {
        return Err(format!("{:?} never came", &wanted[first..from]));
    }
    found.doubles += first - from;
    for said in &before[from..] {
        let age = kill.unwrap_or_default().saturating_sub(said.at);
        found.repeated = found.repeated.max(age);
        if age > REPEATS {
            return Err(format!("{:?} was said again after {age:?}", said.payload));
        }
    }
    let came = before.iter().chain(&after[first - from..]);
    for (said, (due, _)) in came.zip(wanted) {
        let due = Duration::from_millis(*due);
        if said.at + Duration::from_millis(20) < due {
            return Err(format!("{:?} came too early, not at {due:?}", said.payload));
        }
        let late = said.at.saturating_sub(due);
        let beyond = late.saturating_sub(story.down);
        (found.late, found.beyond) = (found.late.max(late), found.beyond.max(beyond));
        if beyond > WINDOW {
            return Err(format!("{:?} came too late, not at {due:?}", said.payload));
        }
    }
    Ok(())
}

fn by_topic(all: &[Said]) -> BTreeMap<String, Vec<Said>> {
    let mut topics = BTreeMap::<_, Vec<_>>::new();
    for said in all {
        topics
            .entry(said.topic.clone())
            .or_default()
            .push(said.clone());
    }
    topics
}

/// Of all lives.
#[derive(Debug, Default)]
struct Totals {
    lives: u64,
    /// Lives in which the computer was so slow that the script became another one.
    void: u64,
    with_doubles: u64,
    doubles: usize,
    down: Duration,
    most: Found,
    failures: Vec<String>,
}

impl Totals {
    fn add(&mut self, found: Found, down: Duration) {
        self.lives += 1;
        self.with_doubles += u64::from(found.doubles > 0);
        self.doubles += found.doubles;
        self.down = self.down.max(down);
        let most = &mut self.most;
        most.late = most.late.max(found.late);
        most.beyond = most.beyond.max(found.beyond);
        most.repeated = most.repeated.max(found.repeated);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals {
            lives,
            void,
            with_doubles,
            doubles,
            down,
            most,
            ..
        } = self;
        write!(
            f,
            "{lives} kills, {void} more were void; {doubles} actions said twice, in {with_doubles} \
             lives, at most {:?} after they were said first; the longest downtime {down:?}; the \
             latest action {:?} late, {:?} beyond the downtime",
            most.repeated, most.late, most.beyond
        )
    }
}

/// When to kill: at any moment, and every other time right after an input, where there
/// is most to be lost.
fn moment(nth: u64, chance: &mut Chance) -> Duration {
    let micros = match nth % 2 {
        0 => chance.below(OVER * 1000),
        _ => {
            let input = usize::try_from(chance.below(INPUTS.len() as u64)).unwrap();
            INPUTS[input].0 * 1000 + chance.below(100_000)
        }
    };
    Duration::from_micros(micros)
}

/// One kill. Whether it counts: on a computer that is too slow for the script it does not.
fn kill_once(at: Duration, totals: &Mutex<Totals>) -> bool {
    let (mut site, story) = live(Some(at));
    if story.down > MOST_DOWN || story.stalled > MOST_STALLED {
        totals.lock().unwrap().void += 1;
        return false;
    }
    match judge(&story, Some(at)) {
        Ok(found) => {
            let mut totals = totals.lock().unwrap();
            totals.add(found, story.down);
            if totals.lives.is_multiple_of(100) {
                eprintln!("{totals}");
            }
        }
        Err(says) => {
            let folder = site.keep();
            let says = format!(
                "killed at {at:?}, down for {:?}, in {}: {says}",
                story.down,
                folder.display()
            );
            eprintln!("{says}");
            totals.lock().unwrap().failures.push(says);
        }
    }
    true
}

#[test]
fn rules_that_are_killed_do_what_they_do_undisturbed() {
    let moments = setting("HEARTH_KILL_MOMENTS").unwrap_or(MOMENTS);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = setting("HEARTH_KILL_SEED").unwrap_or(u64::from(now.subsec_micros()));
    eprintln!("{moments} moments with HEARTH_KILL_SEED={seed}");
    let (next, totals) = (AtomicU64::new(0), Mutex::new(Totals::default()));
    thread::scope(|lanes| {
        for _ in 0..LANES.min(moments) {
            lanes.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= moments {
                        break;
                    }
                    let at = moment(nth, &mut Chance::new(seed).of(nth));
                    // On a computer that is busy for a while.
                    let _ = (0..5).find(|_| kill_once(at, &totals));
                }
            });
        }
    });
    let totals = totals.into_inner().unwrap();
    eprintln!("{totals}");
    assert!(
        totals.failures.is_empty(),
        "HEARTH_KILL_SEED={seed}: {}",
        totals.failures.join("\n")
    );
    assert!(
        totals.lives * 2 > moments,
        "this computer is too slow: {totals}"
    );
}

#[test]
fn rules_that_are_left_alone_follow_the_script() {
    let (_site, story) = live(None);
    let found = judge(&story, None).unwrap_or_else(|says| panic!("{says}"));
    assert_eq!(found.doubles, 0);
}

/// The test can fail: what is missing, comes too much, too late or too early is caught.
#[test]
fn a_story_that_is_not_the_script_is_caught() {
    let all = |shift: i64| {
        let all = expected().into_iter().flat_map(|(topic, said)| {
            said.into_iter()
                .map(move |(at, payload)| (at, topic, payload))
        });
        let said = all.map(|(at, topic, payload)| Said {
            at: Duration::from_millis(at.saturating_add_signed(shift)),
            topic: topic.to_owned(),
            payload: payload.to_owned(),
        });
        Story {
            before: said.collect(),
            ..Story::default()
        }
    };
    assert!(judge(&all(0), None).is_ok());
    for nth in 0..all(0).before.len() {
        let mut lost = all(0);
        lost.before.remove(nth);
        assert!(judge(&lost, None).is_err(), "{nth} is missing");
        let mut twice = all(0);
        twice.before.insert(nth, twice.before[nth].clone());
        assert!(judge(&twice, None).is_err(), "{nth} came twice");
    }
    assert!(judge(&all(1600), None).unwrap_err().contains("too late"));
    assert!(judge(&all(-100), None).unwrap_err().contains("too early"));
    // Said before the kill and once more after it.
    let mut repeated = all(0);
    repeated.after = vec![Said {
        at: Duration::from_millis(7500),
        topic: "act/gate".to_owned(),
        payload: "4".to_owned(),
    }];
    let at = |ms| Some(Duration::from_millis(ms));
    assert_eq!(judge(&repeated, at(7200)).unwrap().doubles, 1);
    let late = judge(&repeated, at(12_000)).unwrap_err();
    assert!(late.contains("said again"), "{late}");
}
