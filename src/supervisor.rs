//! One tree of tasks: parts start in order, bridges restart with back-off, and
//! a stop runs backwards through the stages and ends within [`STOP_WITHIN`].

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// An orderly stop takes no longer than this; what still runs is then dropped.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);
const FIRST_BACK_OFF: Duration = Duration::from_millis(500);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// A bridge that ran this long before it failed starts again without delay.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// The signal a part watches: when cancelled, finish what was taken and return.
pub type Stop = CancellationToken;

/// Stages in the order in which they stop: what feeds the house first, the
/// meeting place last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Bridges, listeners, rules and pages.
    Edge,
    /// What keeps the house's memory, after the last reading has arrived.
    Memory,
    /// The broker.
    Core,
}

const STAGES: [Stage; 3] = [Stage::Edge, Stage::Memory, Stage::Core];

/// Starts parts and stops them in order. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    stages: Arc<[(CancellationToken, TaskTracker); 3]>,
    failure: Arc<Failure>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").finish_non_exhaustive()
    }
}

/// The first part that ended though it must not, and why.
struct Failure {
    happened: CancellationToken,
    first: Mutex<Option<anyhow::Error>>,
}

impl Failure {
    fn set(&self, error: anyhow::Error) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
        self.happened.cancel();
    }
}

impl Default for Supervisor {
    fn default() -> Supervisor {
        Supervisor::new()
    }
}

impl Supervisor {
    /// An empty tree.
    pub fn new() -> Supervisor {
        let stage = |_| (CancellationToken::new(), TaskTracker::new());
        Supervisor {
            stages: Arc::new(STAGES.map(stage)),
            failure: Arc::new(Failure {
                happened: CancellationToken::new(),
                first: Mutex::new(None),
            }),
        }
    }

    /// The stop signal of a stage.
    pub fn stop_signal(&self, stage: Stage) -> Stop {
        self.stages[stage as usize].0.clone()
    }

    /// Runs a part that the house cannot do without. If it fails, panics or
    /// ends before its stop signal, [`Supervisor::failed`] says so.
    pub fn part<F>(&self, stage: Stage, name: &'static str, part: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = self.stop_signal(stage);
        let failure = Arc::clone(&self.failure);
        self.track(stage, async move {
            match run_caught(part).await {
                Ok(()) if stop.is_cancelled() => tracing::debug!(part = name, "stopped"),
                Ok(()) => failure.set(anyhow::anyhow!("{name} ended though nobody stopped it")),
                Err(error) => failure.set(error.context(format!("{name} failed"))),
            }
        });
    }

    /// Runs a bridge to the world. When it fails, panics or ends, it starts
    /// again after a pause that doubles from 0.5 s up to 30 s.
    pub fn bridge<M, F>(&self, name: &'static str, make: M)
    where
        M: Fn(Stop) -> F + Send + 'static,
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = self.stop_signal(Stage::Edge);
        self.track(Stage::Edge, async move {
            let mut back_off = FIRST_BACK_OFF;
            while !stop.is_cancelled() {
                let started = tokio::time::Instant::now();
                let outcome = run_caught(make(stop.clone())).await;
                if stop.is_cancelled() {
                    return;
                }
                if started.elapsed() >= HEALTHY_AFTER {
                    back_off = FIRST_BACK_OFF;
                }
                match outcome {
                    Ok(()) => {
                        tracing::warn!(bridge = name, again_in = ?back_off, "ended by itself");
                    }
                    Err(error) => {
                        tracing::warn!(bridge = name, again_in = ?back_off, "failed: {error:#}");
                    }
                }
                let _ = tokio::time::timeout(back_off, stop.cancelled()).await;
                back_off = (back_off * 2).min(LONGEST_BACK_OFF);
            }
        });
    }

    /// Returns when a part has ended that must not end, with the reason.
    pub async fn failed(&self) -> anyhow::Error {
        self.failure.happened.cancelled().await;
        let mut first = self
            .failure
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first
            .take()
            .unwrap_or_else(|| anyhow::anyhow!("a part failed"))
    }

    /// Stops stage after stage. Returns false if something did not end in time.
    pub async fn stop(&self) -> bool {
        let deadline = tokio::time::Instant::now() + STOP_WITHIN;
        let mut in_time = true;
        for stage in STAGES {
            let (signal, tracker) = &self.stages[stage as usize];
            signal.cancel();
            tracker.close();
            // The later stages keep a share of the time, however slow this one is.
            let share = match stage {
                Stage::Edge => Duration::from_secs(2),
                Stage::Memory => Duration::from_secs(1),
                Stage::Core => Duration::ZERO,
            };
            if tokio::time::timeout_at(deadline - share, tracker.wait())
                .await
                .is_err()
            {
                tracing::warn!(
                    ?stage,
                    still_running = tracker.len(),
                    "did not stop in time"
                );
                in_time = false;
            }
        }
        in_time
    }

    #[expect(clippy::disallowed_methods, reason = "the root of the task tree")]
    fn track(&self, stage: Stage, task: impl Future<Output = ()> + Send + 'static) {
        let (_, tracker) = &self.stages[stage as usize];
        tokio::spawn(tracker.track_future(task));
    }
}

/// Runs a future on a task of its own so that a panic becomes an error; the
/// task is dropped with the caller.
async fn run_caught<F>(future: F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut set = JoinSet::new();
    set.spawn(future);
    match set.join_next().await {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(anyhow::anyhow!("stopped by a defect: {error}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failing_bridge_starts_again_with_back_off() {
        let supervisor = Supervisor::new();
        let starts = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&starts);
        supervisor.bridge("test", move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
            async { anyhow::bail!("no such board") }
        });
        tokio::time::sleep(Duration::from_millis(3600)).await;
        // at 0, 0.5, 1.5 and 3.5 s
        assert_eq!(starts.load(Ordering::Relaxed), 4);
        assert!(supervisor.stop().await);
    }

    #[tokio::test]
    async fn a_panicking_bridge_leaves_the_others_alone() {
        let supervisor = Supervisor::new();
        supervisor.bridge("bad", |_| async { panic!("on purpose") });
        supervisor.bridge("good", |stop| async move {
            stop.cancelled().await;
            Ok(())
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!supervisor.failure.happened.is_cancelled());
        assert!(supervisor.stop().await);
    }

    #[tokio::test]
    async fn a_part_that_ends_is_named() {
        let supervisor = Supervisor::new();
        supervisor.part(Stage::Core, "broker", async {
            anyhow::bail!("address in use")
        });
        let failure = supervisor.failed().await;
        assert_eq!(format!("{failure:#}"), "broker failed: address in use");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_in_time_even_if_a_part_does_not() {
        let supervisor = Supervisor::new();
        supervisor.part(Stage::Edge, "stuck", std::future::pending());
        let before = tokio::time::Instant::now();
        assert!(!supervisor.stop().await);
        assert!(before.elapsed() <= STOP_WITHIN);
    }

    #[tokio::test]
    async fn stages_stop_edge_first_and_core_last() {
        let supervisor = Supervisor::new();
        let order = Arc::new(Mutex::new(Vec::new()));
        for stage in [Stage::Core, Stage::Edge, Stage::Memory] {
            let (stop, order) = (supervisor.stop_signal(stage), Arc::clone(&order));
            supervisor.part(stage, "part", async move {
                stop.cancelled().await;
                order.lock().unwrap().push(stage);
                Ok(())
            });
        }
        supervisor.stop().await;
        assert_eq!(*order.lock().unwrap(), STAGES);
    }
}
