//! What follows from how a job ended.

use super::job::{Done, Failure};
use super::{BREATH, CHORE_PAUSE, FIRST_PAUSE, LONGEST_PAUSE, RETAIN_EVERY, Recorder};
use crate::history::State;
use crate::history::sealer::{Carried, InLog, Step};
use crate::history::store::Store;
use crate::history::waiting::{Batch, FULL, MOST_WAITING};

impl Recorder {
    pub fn settle(&mut self, done: Done) {
        let now = self.now();
        match done {
            Done::Committed(batch, outcome) => self.settle_commit(batch, outcome),
            Done::Looked(Ok(looked)) => {
                self.in_log = Some(looked.in_log);
                for (topic, origin) in looked.origins {
                    self.intake.remember(&topic, origin);
                }
            }
            Done::Looked(Err(error)) => {
                // What cannot be read is not sealed; recording goes on.
                self.in_log = Some(InLog::default());
                self.chore_failed("looked at", &error);
            }
            Done::Sealed(Ok(step)) => self.settle_step(step),
            Done::Sealed(Err(error)) => self.chore_failed("sealed", &error),
            Done::Carried(Ok(carried)) => {
                self.is_carried = carried == Carried::All;
                self.chores_from = now + BREATH;
            }
            Done::Carried(Err(error)) => self.chore_failed("carried over", &error),
            Done::Retained(Ok(true)) => self.chores_from = now + BREATH,
            Done::Retained(Ok(false)) => self.retain_at = now + RETAIN_EVERY,
            Done::Retained(Err(error)) => self.chore_failed("cut to what is kept", &error),
            Done::Forgotten(Ok(in_log)) => self.in_log = Some(in_log),
            Done::Forgotten(Err(error)) => self.chore_failed("looked at", &error),
        }
    }

    fn settle_step(&mut self, step: Step) {
        match step {
            Step::Goes(pass) => self.pass = Some(pass),
            Step::Over(sealed) => {
                self.in_log = Some(sealed.left);
                tracing::debug!(samples = sealed.shelved.added, "history is sealed");
            }
            // The log is still due.
            Step::Void => {}
        }
    }

    fn settle_commit(&mut self, batch: Batch, outcome: Result<(Store, InLog), Failure>) {
        match outcome {
            Ok((store, added)) => {
                self.pause = FIRST_PAUSE;
                self.samples += batch.len() as u64;
                if let Some(in_log) = &mut self.in_log {
                    in_log.merge(&added);
                }
                if matches!(self.state(), State::Off(_)) {
                    self.ways.state.send_replace(State::Open(store));
                }
                self.outage_ends();
            }
            Err(failure) => {
                let then = self.now() + self.pause;
                self.waiting.put_back(batch, then);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                let (Failure::Open(reason) | Failure::Commit(reason)) = &failure;
                self.outage_begins(reason);
                if let Failure::Open(reason) = failure {
                    self.ways.state.send_replace(State::Off(reason));
                }
            }
        }
    }

    fn chore_failed(&mut self, what: &str, error: &sqlx::Error) {
        self.chores_from = self.now() + CHORE_PAUSE;
        let file = self.settings.file.display();
        tracing::warn!(%file, "history could not be {what}: {error}; it is tried again");
    }

    pub fn outage_begins(&mut self, reason: &str) {
        if self.outage.is_none() {
            self.outage = Some((self.waiting.lost(), reason.to_owned()));
            tracing::error!(
                file = %self.settings.file.display(),
                "history is not recorded: {reason}. The house works on; the newest \
                 {MOST_WAITING} readings wait in memory"
            );
        }
    }

    /// An outage is over when what waited is written, so that a disk on the
    /// verge does not fill the log.
    fn outage_ends(&mut self) {
        if self.waiting.len() >= FULL {
            return;
        }
        if let Some((lost_before, _)) = self.outage.take() {
            let lost = self.waiting.lost() - lost_before;
            tracing::info!(file = %self.settings.file.display(), lost, "history is recorded again");
        }
    }
}
