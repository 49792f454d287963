//! How much waits, and what is lost when that is too much.

use futures_util::TryStreamExt;

use super::Forwarder;
use crate::history::block;
use crate::history::sealer;
use crate::history::store::log::{self, Block};

/// What is in the log and not on the server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    pub blocks: u64,
    pub samples: u64,
    pub bytes: u64,
}

impl Waiting {
    pub fn without(self, gone: &Waiting) -> Waiting {
        Waiting {
            blocks: self.blocks.saturating_sub(gone.blocks),
            samples: self.samples.saturating_sub(gone.samples),
            bytes: self.bytes.saturating_sub(gone.bytes),
        }
    }

    fn add(&mut self, block: &Block) {
        let samples = block::decode(&block.bytes).map_or(0, |(_, entries)| entries.len());
        self.blocks += 1;
        self.bytes += block.bytes.len() as u64;
        self.samples += samples as u64;
    }
}

impl Forwarder {
    /// Counts what was committed since.
    pub(super) async fn look(&mut self) -> sqlx::Result<()> {
        let mut whole = self.store.read().await?;
        let mut blocks = std::pin::pin!(log::blocks(&mut whole, self.seen));
        while let Some(block) = blocks.try_next().await? {
            self.seen = block.id;
            self.waiting.add(&block);
        }
        Ok(())
    }

    /// Drops the oldest when the queue is full, some more than need be, so that it is not
    /// done again at once.
    pub(super) async fn keep_bound(&mut self) -> sqlx::Result<()> {
        let most = self.ways.most_bytes;
        if self.waiting.bytes <= most {
            if self.waiting.bytes > most / 4 * 3 && !self.is_warned {
                self.is_warned = true;
                tracing::error!(
                    "{} readings wait on the disk for {}: the queue is three quarters full. When \
                     it is full, the oldest are lost; [history] queue says how much it holds",
                    self.waiting.samples,
                    self.ways.server.name()
                );
            }
            return Ok(());
        }
        let mut dropped = Waiting::default();
        let mut last = self.taken;
        let mut whole = self.store.write().await?;
        {
            let mut blocks = std::pin::pin!(log::blocks(&mut whole, self.taken));
            while let Some(block) = blocks.try_next().await? {
                dropped.add(&block);
                last = block.id;
                if self.waiting.bytes.saturating_sub(dropped.bytes) <= most - most / 16 {
                    break;
                }
            }
        }
        let present = self.present();
        let given_up = sealer::take_out(&self.store, &mut whole, last, &present).await?;
        whole.commit().await?;
        sealer::tell_given_up(given_up);
        self.waiting = self.waiting.without(&dropped);
        self.lost += dropped.samples;
        (self.taken, self.removed) = (last, last);
        tracing::error!(
            lost = dropped.samples,
            "the oldest readings that waited for {} are lost, as the queue is full",
            self.ways.server.name()
        );
        Ok(())
    }
}
