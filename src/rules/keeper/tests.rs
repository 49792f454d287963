//! The keeper on a disk that is slow and fails as told, on a virtual clock; and on a
//! real one.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::database::state;

const MS: Duration = Duration::from_millis(1);

/// How long a write takes, and whether it fails; the last one goes on for ever.
type Script = Arc<Mutex<VecDeque<(u32, bool)>>>;

/// A memory, and as of when.
type Row = (Option<String>, i64);

#[derive(Clone, Default)]
struct Disk {
    script: Script,
    /// What was asked for, as `Pond=1 Fan=-`, sorted.
    tried: Arc<Mutex<Vec<String>>>,
    written: Arc<Mutex<HashMap<Arc<str>, Row>>>,
}

impl Disk {
    fn new(script: &[(u32, bool)]) -> Disk {
        let disk = Disk::default();
        disk.script.lock().unwrap().extend(script);
        disk
    }

    fn keeper(&self) -> Keeper<&'static str> {
        let disk = self.clone();
        Keeper::saving(Some(Box::new(move |batch, as_of| {
            Box::pin(disk.clone().save(batch, as_of))
        })))
    }

    async fn save(self, batch: Arc<[Change]>, as_of: UtcMillis) -> Result<(), String> {
        let named =
            |(rule, memory): &Change| format!("{rule}={}", memory.as_deref().unwrap_or("-"));
        let mut named: Vec<String> = batch.iter().map(named).collect();
        named.sort();
        self.tried.lock().unwrap().push(named.join(" "));
        let (ms, fails) = {
            let mut script = self.script.lock().unwrap();
            let next = script.front().copied().unwrap_or_default();
            if script.len() > 1 {
                script.pop_front();
            }
            next
        };
        tokio::time::sleep(MS * ms).await;
        if fails {
            return Err("disk I/O error".to_owned());
        }
        let rows = batch.iter().cloned();
        let rows = rows.map(|(rule, memory)| (rule, (memory, as_of.0)));
        self.written.lock().unwrap().extend(rows);
        Ok(())
    }

    fn tried(&self) -> Vec<String> {
        self.tried.lock().unwrap().clone()
    }
}

fn rule(name: &str) -> Arc<str> {
    name.into()
}

fn at(ms: i64) -> Now {
    Now {
        utc: UtcMillis(ms),
        ..Now::default()
    }
}

impl Keeper<&'static str> {
    fn sure(&mut self, name: &str, memory: &str) {
        self.keep(rule(name), Some(memory.to_owned()), true, at(1));
    }

    fn holds(&mut self, name: &str, action: &'static str) -> bool {
        self.hold(&rule(name), vec![action]).is_none()
    }

    /// What comes out within this time, and nothing after `ms`.
    async fn out_within(&mut self, ms: u32) -> Vec<&'static str> {
        let end = Instant::now() + MS * ms;
        let mut out = Vec::new();
        while let Ok(actions) = timeout_at(end, self.work()).await {
            out.extend(actions);
        }
        out
    }
}

#[tokio::test(start_paused = true)]
async fn actions_wait_until_the_memory_of_their_rule_is_safe() {
    let disk = Disk::new(&[(50, false)]);
    let mut keeper = disk.keeper();
    keeper.sure("Pond", "1");
    assert!(keeper.holds("Pond", "a"));
    assert_eq!(keeper.hold(&rule("Fan"), vec!["b"]), Some(vec!["b"]));
    assert!(keeper.out_within(49).await.is_empty());
    // Still on its way.
    assert!(keeper.holds("Pond", "c"));
    assert_eq!(keeper.out_within(2).await, ["a", "c"]);
    assert_eq!(keeper.hold(&rule("Pond"), vec!["d"]), Some(vec!["d"]));
    assert_eq!(disk.tried(), ["Pond=1"]);
}

#[tokio::test(start_paused = true)]
async fn what_changes_during_a_write_goes_with_the_next_one_each_rule_once() {
    let disk = Disk::new(&[(100, false)]);
    let mut keeper = disk.keeper();
    keeper.sure("Pond", "1");
    assert!(keeper.out_within(10).await.is_empty());
    for nth in 0..500 {
        keeper.sure("Pond", &format!("{nth}"));
        keeper.keep(rule("Fan"), None, false, at(9));
    }
    assert!(keeper.holds("Pond", "a"));
    assert!(
        keeper.out_within(100).await.is_empty(),
        "the first write was not enough"
    );
    assert_eq!(keeper.out_within(100).await, ["a"]);
    assert_eq!(disk.tried(), ["Pond=1", "Fan=- Pond=499"]);
    assert_eq!(
        disk.written.lock().unwrap()["Pond"],
        (Some("499".to_owned()), 9)
    );
}

#[tokio::test(start_paused = true)]
async fn a_rules_actions_keep_their_order() {
    let disk = Disk::new(&[(10, false)]);
    let mut keeper = disk.keeper();
    keeper.sure("Pond", "1");
    assert!(keeper.holds("Pond", "a"));
    assert!(keeper.out_within(5).await.is_empty());
    keeper.sure("Pond", "2");
    assert!(keeper.holds("Pond", "b"));
    keeper.sure("Fan", "1");
    assert!(keeper.holds("Fan", "x"));
    assert!(keeper.holds("Pond", "c"));
    assert_eq!(keeper.out_within(6).await, ["a"]);
    assert_eq!(keeper.out_within(100).await, ["b", "x", "c"]);
}

#[tokio::test(start_paused = true)]
async fn what_nothing_waits_for_gathers_for_a_second() {
    let disk = Disk::default();
    let mut keeper = disk.keeper();
    keeper.keep(rule("Pond"), Some("1".to_owned()), false, at(1));
    assert!(
        !keeper.holds("Pond", "a"),
        "it may be lost, so nothing waits"
    );
    keeper.out_within(900).await;
    keeper.keep(rule("Fan"), Some("1".to_owned()), false, at(2));
    assert!(disk.tried().is_empty());
    keeper.out_within(200).await;
    assert_eq!(disk.tried(), ["Fan=1 Pond=1"]);
    // What something waits for takes along what does not.
    keeper.keep(rule("Fan"), Some("2".to_owned()), false, at(3));
    keeper.sure("Pond", "2");
    keeper.keep(rule("Pond"), Some("3".to_owned()), false, at(3));
    assert!(
        keeper.holds("Pond", "a"),
        "the unsure did not make it less sure"
    );
    assert_eq!(keeper.out_within(1).await, ["a"]);
    assert_eq!(disk.tried().last().unwrap(), "Fan=2 Pond=3");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_does_not_answer_holds_nothing_for_longer_than_two_seconds() {
    let disk = Disk::new(&[(60_000, false), (10, false)]);
    let mut keeper = disk.keeper();
    keeper.sure("Pond", "1");
    assert!(keeper.holds("Pond", "a"));
    assert!(keeper.out_within(1_000).await.is_empty());
    keeper.sure("Fan", "1");
    assert!(keeper.holds("Fan", "b"));
    assert!(keeper.out_within(999).await.is_empty());
    assert_eq!(keeper.out_within(2).await, ["a", "b"]);
    // From now on nothing waits.
    keeper.sure("Pond", "2");
    assert!(!keeper.holds("Pond", "c"));
    // It was slow, and not dead: all is written in the end, and things wait again.
    assert!(keeper.out_within(60_000).await.is_empty());
    assert_eq!(disk.tried(), ["Pond=1", "Fan=1 Pond=2"]);
    keeper.sure("Pond", "3");
    assert!(keeper.holds("Pond", "d"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_lets_actions_go_and_is_tried_again_with_what_is_newest() {
    let disk = Disk::new(&[(5, true), (5, true), (5, true), (5, false)]);
    let mut keeper = disk.keeper();
    keeper.sure("Pond", "1");
    keeper.sure("Fan", "1");
    assert!(keeper.holds("Pond", "a"));
    assert_eq!(keeper.out_within(6).await, ["a"]);
    keeper.sure("Pond", "2");
    assert!(!keeper.holds("Pond", "b"));
    // Tries at 0, 1, 3 and 7 s.
    keeper.out_within(900).await;
    assert_eq!(disk.tried().len(), 1, "the pause holds for changes too");
    keeper.out_within(5_000).await;
    assert_eq!(disk.tried().len(), 3);
    keeper.out_within(2_000).await;
    assert_eq!(disk.tried()[1..], ["Fan=1 Pond=2"; 3]);
    assert_eq!(disk.written.lock().unwrap().len(), 2);
    keeper.sure("Fan", "2");
    assert!(keeper.holds("Fan", "c"), "the disk works again");
    assert_eq!(keeper.out_within(6).await, ["c"]);
}

#[tokio::test(start_paused = true)]
async fn the_pause_doubles_up_to_thirty_seconds() {
    let disk = Disk::new(&[(0, true)]);
    let mut keeper = disk.keeper();
    keeper.sure("Pond", "1");
    // 0, 1, 3, 7, 15, 31, 61, 91, …
    keeper.out_within(100_000).await;
    assert_eq!(disk.tried().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn more_than_ten_thousand_are_not_held_and_the_oldest_go_first() {
    let disk = Disk::new(&[(100, false)]);
    let mut keeper = disk.keeper();
    keeper.sure("Pond", "1");
    keeper.sure("Fan", "1");
    assert!(
        keeper
            .hold(&rule("Pond"), vec!["old"; MOST_HELD - 1])
            .is_none()
    );
    assert!(keeper.hold(&rule("Fan"), vec!["new"]).is_none());
    let out = keeper.hold(&rule("Fan"), vec!["new", "new"]);
    assert_eq!(out, Some(vec!["old", "old"]));
    let mut rest = vec!["old"; MOST_HELD - 3];
    rest.extend(["new"; 3]);
    assert_eq!(keeper.out_within(101).await, rest);
    assert_eq!(keeper.actions_held, 0);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_dropped_at_any_moment_loses_nothing() {
    let disk = Disk::new(&[(7, false), (7, true), (7, false)]);
    let mut keeper = disk.keeper();
    let mut out = Vec::new();
    for nth in 0..3_000 {
        if nth < 100 {
            keeper.sure("Pond", &nth.to_string());
            let held = keeper.hold(&rule("Pond"), vec![nth.to_string().leak() as &str]);
            out.extend(held.into_iter().flatten());
        }
        if let Ok(actions) = timeout(MS, keeper.work()).await {
            out.extend(actions);
        }
    }
    let all: Vec<String> = (0..100).map(|nth| nth.to_string()).collect();
    assert_eq!(out, all);
    let written = disk.written.lock().unwrap();
    assert_eq!(written["Pond"].0.as_deref(), Some("99"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_writes_what_is_left_and_waits_only_so_long() {
    let disk = Disk::new(&[(300, false)]);
    let mut keeper = disk.keeper();
    keeper.sure("Pond", "1");
    assert!(keeper.holds("Pond", "a"));
    keeper.out_within(1).await;
    keeper.keep(rule("Fan"), Some("1".to_owned()), false, at(5));
    let begun = Instant::now();
    assert_eq!(keeper.finish(MS * 1_000).await, ["a"]);
    assert!(begun.elapsed() <= MS * 600, "nothing gathers any more");
    assert_eq!(disk.tried(), ["Pond=1", "Fan=1"]);

    let mut keeper = Disk::new(&[(60_000, false)]).keeper();
    keeper.sure("Pond", "1");
    assert!(keeper.holds("Pond", "a"));
    let begun = Instant::now();
    assert_eq!(keeper.finish(MS * 500).await, ["a"]);
    assert!(begun.elapsed() <= MS * 501);
}

#[tokio::test(start_paused = true)]
async fn without_a_store_nothing_waits() {
    let mut keeper: Keeper<&str> = Keeper::new(None);
    keeper.sure("Pond", "1");
    assert!(!keeper.holds("Pond", "a"));
    assert!(keeper.out_within(5_000).await.is_empty());
    assert!(keeper.finish(MS * 500).await.is_empty());
}

#[tokio::test]
async fn a_real_database_has_it_before_the_action_goes_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(state::open(folder.path()).await.unwrap());
    let mut keeper: Keeper<&str> = Keeper::new(Some(store.clone()));
    keeper.sure("Pond", "[1]");
    assert!(keeper.holds("Pond", "a"));
    assert_eq!(keeper.work().await, ["a"]);
    let kept = store.load().await.unwrap();
    assert_eq!((kept.len(), &*kept[0].memory), (1, "[1]"));
    keeper.keep(rule("Pond"), None, false, at(2));
    keeper.finish(Duration::from_secs(5)).await;
    assert!(store.load().await.unwrap().is_empty());
}
