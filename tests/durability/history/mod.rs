//! The kill test of the history: `kill -9` at random moments under load. What is gone is never
//! older than the window that the config states, nothing is doubled, and the file always opens.
//!
//! `HEARTH_KILL_MOMENTS` says how many moments, `HEARTH_KILL_SEED` chooses those of an
//! earlier run again.

mod disk;
mod life;

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use self::life::{CONFIG, Cost, Life, TOPICS};
use crate::chance::Chance;
use crate::kill::setting;

const MOMENTS: u64 = 24;
const LANES: u64 = 4;
/// So often one house is killed, before there is a new one: what is read gets longer.
const KILLS_EACH: u64 = 12;
/// A life ends within this time after the house has started.
const LONGEST: u64 = 4000;
/// The window is kept by a commit that begins a quarter of a second before its end; a program
/// without optimisation that shares the processor may need so much more.
const SLACK: Duration = Duration::from_millis(250);
/// A computer that takes longer to acknowledge a message, or to write a few bytes, does not
/// commit in time either.
const MOST_STALLED: Duration = Duration::from_secs(1);
/// … and one that is busy needs longer for each of the steps of a commit.
const STEPS: u32 = 4;

/// Of all lives.
#[derive(Debug, Default)]
struct Totals {
    kills: u64,
    /// Kills after which only the window was not judged: the computer was too slow.
    slow: u64,
    gone: [usize; 3],
    oldest: [Duration; 3],
    kept: usize,
    sealed: u64,
    houses: u64,
    failures: Vec<String>,
}

impl Totals {
    fn add(&mut self, cost: Cost, is_slow: bool) {
        self.kills += 1;
        self.slow += u64::from(is_slow);
        for nth in 0..TOPICS.len() {
            self.gone[nth] += cost.gone[nth];
            if !is_slow {
                self.oldest[nth] = self.oldest[nth].max(cost.oldest[nth]);
            }
        }
        if self.kills.is_multiple_of(100) {
            eprintln!("{self}");
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} of them on a computer too slow to judge the window; {} samples kept in \
             {} houses, {} of which had sealed some; gone by class {:?}, the oldest {:?}",
            self.kills, self.slow, self.kept, self.houses, self.sealed, self.gone, self.oldest
        )
    }
}

fn judge(cost: &Cost, slack: Duration, is_slow: bool) -> Result<(), String> {
    for (nth, (topic, window)) in TOPICS.into_iter().enumerate() {
        if cost.oldest[nth] > window + slack && !is_slow {
            return Err(format!(
                "{topic}: a sample that is gone was {:?} old, and may be {window:?}",
                cost.oldest[nth]
            ));
        }
    }
    Ok(())
}

/// One house, and its kills.
fn house(first: u64, kills: u64, seed: u64, totals: &Mutex<Totals>) {
    let mut life = Life::begin(
        CONFIG,
        usize::try_from(first / KILLS_EACH).unwrap() % TOPICS.len(),
    );
    let mut kept = 0;
    for nth in first..first + kills {
        let mut chance = Chance::new(seed).of(("history", nth));
        let length = Duration::from_millis(200 + chance.below(LONGEST));
        let killed = life.live_and_die(length, &mut chance);
        let busy = life.stalled + life.synced;
        let is_slow = busy > MOST_STALLED;
        let judged = life.look(killed).and_then(|cost| {
            judge(&cost, SLACK + STEPS * busy, is_slow)?;
            match life.inspect().0.as_str() {
                "ok" => Ok(cost),
                says => Err(format!("SQLite finds {says}")),
            }
        });
        match judged {
            Ok(cost) => {
                kept = cost.kept;
                totals.lock().unwrap().add(cost, is_slow);
            }
            Err(says) => {
                let folder = life.site.keep();
                let says = format!("kill {nth} after {length:?}, {}: {says}", folder.display());
                eprintln!("{says}");
                totals.lock().unwrap().failures.push(says);
                return;
            }
        }
    }
    let mut totals = totals.lock().unwrap();
    totals.houses += 1;
    totals.kept += kept;
    totals.sealed += u64::from(life.inspect().1 > 0);
}

#[test]
fn a_history_that_is_killed_loses_no_more_than_it_states() {
    let moments = setting("HEARTH_KILL_MOMENTS").unwrap_or(MOMENTS);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = setting("HEARTH_KILL_SEED").unwrap_or(u64::from(now.subsec_micros()));
    eprintln!("{moments} moments with HEARTH_KILL_SEED={seed}");
    let (next, totals) = (AtomicU64::new(0), Mutex::new(Totals::default()));
    thread::scope(|lanes| {
        for _ in 0..LANES {
            lanes.spawn(|| {
                loop {
                    let first = next.fetch_add(KILLS_EACH, Ordering::Relaxed);
                    if first >= moments {
                        break;
                    }
                    house(first, KILLS_EACH.min(moments - first), seed, &totals);
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
    // Otherwise the kills have met nothing.
    assert!(totals.gone.iter().sum::<usize>() > 0, "{totals}");
    assert!(totals.sealed > 0, "{totals}");
    assert!(
        totals.slow * 2 < moments,
        "this computer is too slow: {totals}"
    );
}
