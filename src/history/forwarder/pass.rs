//! Sends the next blocks to the server, all of them or none.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sqlx::{Connection, PgConnection};

use super::thinning::Thinning;
use super::{Coming, Forwarder, Trouble, Waiting, away, shelve};
use crate::clock::ClockQuality;
use crate::history::block;
use crate::history::sample::Sample;
use crate::history::sealer::{MOST_DOUBTFUL, may_be_put_right, put_right};
use crate::history::store::log::{self, Block};
use crate::history::store::postgres::blocks::{self, Mark};
use crate::history::store::postgres::series::{self as there, Said};
use crate::history::store::series;
use crate::history::waiting::Description;

/// A transaction takes about so many samples: some tenths of a second.
const MOST_SAMPLES: u64 = 16_384;

/// What a pass came to.
#[derive(Debug, Default)]
pub struct Passed {
    /// Of what was taken or had been there; zero if there was nothing.
    pub last: i64,
    /// Samples that were new on the server.
    pub samples: u64,
    /// What waits no longer.
    pub took: Waiting,
    pub damaged: Vec<(Block, String)>,
    /// Whether there is more to send.
    pub more: bool,
    /// Whether the next block waits for its times to be put right.
    pub waits: bool,
}

/// What a board says counts more than what somebody has imported, and that more than a guess.
fn said((topic, description): &(String, Description)) -> Said {
    Said {
        topic: topic.clone(),
        is_firm: *description != series::guess(topic),
        description: description.clone(),
    }
}

/// Blocks as they are read here.
#[derive(Default)]
struct Read {
    blocks: Vec<(Mark, Vec<(u32, Sample)>)>,
    passed: Passed,
}

impl Forwarder {
    /// Sends the blocks behind the last one that is known to be there.
    pub(super) async fn pass(&mut self, connection: &mut PgConnection) -> Result<Passed, Trouble> {
        let mut whole = connection.begin().await.map_err(away)?;
        // Then nothing is under way there, and nobody forgets a series meanwhile.
        blocks::lock(&mut whole).await.map_err(away)?;
        let read = self.read_on(false).await.map_err(Trouble::File)?;
        let mut passed = read.passed;
        let marks: Vec<Mark> = read.blocks.iter().map(|(mark, _)| *mark).collect();
        if marks.is_empty() {
            return Ok(passed);
        }
        let taken = blocks::last_taken(&mut whole, &marks).await.map_err(away)?;
        let is_new = |block: i64| taken.is_none_or(|taken| block > taken);
        let mut by_series: BTreeMap<u32, Vec<Sample>> = BTreeMap::new();
        for (mark, samples) in read.blocks {
            for (series, sample) in samples {
                if is_new(mark.block) {
                    by_series.entry(series).or_default().push(sample);
                }
            }
        }
        passed.samples = by_series.values().map(|samples| samples.len() as u64).sum();
        let coming = self.named(by_series).await.map_err(Trouble::File)?;
        let names: Vec<Said> = coming.iter().map(|(name, _)| said(name)).collect();
        let ids = there::ids(&mut whole, &names).await.map_err(away)?;
        let mut thinnings = std::mem::take(&mut self.thinnings);
        for ((topic, _), _) in &coming {
            if let Some(width) = self.ways.policy.of(topic).deadband {
                let new = || Thinning::new(width);
                thinnings.entry(topic.clone()).or_insert_with(new);
            }
        }
        let mut thinning_of: BTreeMap<&str, &mut Thinning> = thinnings
            .iter_mut()
            .map(|(topic, thinning)| (topic.as_str(), thinning))
            .collect();
        let coming = coming.into_iter().filter_map(|((topic, _), samples)| {
            Some(Coming {
                series: *ids.get(&topic)?,
                samples,
                thinning: thinning_of.remove(topic.as_str()),
                equal_is_doubled: false,
            })
        });
        let coming = coming.collect();
        shelve(&mut whole, coming).await.map_err(away)?;
        let new: Vec<Mark> = marks
            .into_iter()
            .filter(|mark| is_new(mark.block))
            .collect();
        blocks::take(&mut whole, &new).await.map_err(away)?;
        whole.commit().await.map_err(away)?;
        self.thinnings = thinnings;
        Ok(passed)
    }

    /// With their names; a series without one was removed.
    async fn named(
        &self,
        by_series: BTreeMap<u32, Vec<Sample>>,
    ) -> sqlx::Result<Vec<((String, Description), Vec<Sample>)>> {
        let mut by_series = by_series;
        let mut whole = self.store.read().await?;
        let rows = series::all(&mut whole).await?.into_iter();
        let named = rows.filter_map(|row| {
            let samples = by_series.remove(&row.id)?;
            Some(((row.topic, row.description), samples))
        });
        Ok(named.collect())
    }

    /// Reads the next blocks. Those whose times may be put right wait for that, unless
    /// there are too many.
    async fn read_on(&self, doubtful_too: bool) -> sqlx::Result<Read> {
        let present = self.present();
        let mut whole = self.store.read().await?;
        let mut read = Read::default();
        let mut doubtful = 0;
        let mut blocks = std::pin::pin!(log::blocks(&mut whole, self.taken));
        while let Some(block) = blocks.try_next().await? {
            let (header, entries) = match block::decode(&block.bytes) {
                Ok(decoded) => decoded,
                Err(error) => {
                    read.passed.damaged.push((block, error.to_string()));
                    continue;
                }
            };
            let waits = may_be_put_right(&header, present.boot)
                && present.clock == ClockQuality::Unknown
                && !doubtful_too;
            if waits {
                read.passed.waits = true;
                doubtful += entries.len();
                if doubtful > MOST_DOUBTFUL {
                    break;
                }
                continue;
            }
            if read.passed.waits {
                // Blocks go in their order.
                continue;
            }
            if read.passed.took.samples >= MOST_SAMPLES {
                read.passed.more = true;
                break;
            }
            read.passed.last = block.id;
            read.passed.took.blocks += 1;
            read.passed.took.bytes += block.bytes.len() as u64;
            read.passed.took.samples += entries.len() as u64;
            let entries = entries.into_iter();
            let samples = entries.map(|entry| {
                let series = entry.series;
                (series, put_right(entry.sample(&header), &header, &present))
            });
            read.blocks
                .push((Mark::new(block.id, &header), samples.collect()));
        }
        if doubtful > MOST_DOUBTFUL {
            return Box::pin(self.read_on(true)).await;
        }
        Ok(read)
    }
}
