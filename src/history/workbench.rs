//! The recorder's way to the disk for benchmarks, which bring a time of their own: what is
//! committed and sealed is the same, only nobody waits for it.

use std::path::Path;
use std::sync::Arc;

use super::policy::{Class, Policy};
use super::sealer::{self, InLog, Present};
use super::store::Store;
use super::waiting::{Batch, Item, Read, offset};
use super::{HistoryError, Stretch, commit, reader};
use crate::clock::{ClockQuality, Moment, Now, UtcMillis, boot};
use crate::database::OpenError;
use crate::home::Value;

/// A history that is written by hand.
#[derive(Debug)]
pub struct Workbench {
    store: Store,
    in_log: InLog,
}

/// A sample: of which topic, when, and what.
pub type Row = (Arc<str>, UtcMillis, Value);

impl Workbench {
    /// Opens the file, and makes it if it is missing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn open(file: &Path) -> Result<Workbench, OpenError> {
        let store = Store::open(file).await?;
        let in_log = InLog::default();
        Ok(Workbench { store, in_log })
    }

    /// Commits rows as one block, at the time `now`, and seals the log if that is due then.
    ///
    /// # Errors
    /// If the file does not take it.
    pub async fn commit(&mut self, rows: Vec<Row>, now: UtcMillis) -> Result<(), HistoryError> {
        let present = present(now);
        let read = Read {
            arrived: Moment(0),
            offset: offset(present.now),
            clock: present.clock,
        };
        let item = |(topic, at, value): Row| Item {
            topic,
            at,
            value,
            origin: None,
            class: Class::Normal,
            read,
        };
        let batch = Batch {
            portions: vec![rows.into_iter().map(item).collect()],
            ..Batch::default()
        };
        let added = commit::commit(&self.store, &batch, &present).await?;
        self.in_log.merge(&added);
        if self.in_log.is_due(&present) {
            self.seal(now).await?;
        }
        Ok(())
    }

    /// Seals the log.
    ///
    /// # Errors
    /// If the file does not take it.
    pub async fn seal(&mut self, now: UtcMillis) -> Result<(), HistoryError> {
        let sealed = sealer::seal(&self.store, &Policy::default(), &present(now)).await?;
        self.in_log = sealed.left;
        Ok(())
    }

    /// Reads as [`History::stretch`](super::History::stretch) does.
    ///
    /// # Errors
    /// If the file does not answer.
    pub async fn stretch(
        &self,
        topic: &str,
        from: UtcMillis,
        to: UtcMillis,
        points: usize,
    ) -> Result<Stretch, HistoryError> {
        Ok(reader::stretch(&self.store, topic, from, to, points).await?)
    }

    /// Folds the write-ahead log into the file and lets go of it.
    pub async fn close(self) {
        self.store.close().await;
    }
}

fn present(utc: UtcMillis) -> Present {
    Present {
        boot: boot(),
        now: Now {
            moment: Moment(0),
            utc,
        },
        clock: ClockQuality::Synchronised,
    }
}
