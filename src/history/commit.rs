//! Appends what waits to the log: one transaction, synced, for all series.

use super::block::{self, Entry, Header};
use super::sealer::{InLog, Present};
use super::store::{Store, Whole, log, series};
use super::waiting::{Batch, Item};
use crate::clock::{Now, UtcMillis};

/// Writes a batch, all of it or nothing: when this returns, a power cut does not reach it.
/// Says what came into the log.
///
/// # Errors
/// If the file does not take it.
pub async fn commit(store: &Store, batch: &Batch, present: &Present) -> sqlx::Result<InLog> {
    let mut whole = store.write().await?;
    let mut known = store.known().lock().await;
    let written = write(&mut whole, &mut known, batch, present).await;
    let outcome = match written {
        Ok(added) => whole.commit().await.map(|()| added),
        Err(error) => Err(error),
    };
    match &outcome {
        Ok(_) => store.appended().notify_one(),
        // Series that were new are not there.
        Err(_) => known.clear(),
    }
    outcome
}

async fn write(
    whole: &mut Whole,
    known: &mut series::Known,
    batch: &Batch,
    present: &Present,
) -> sqlx::Result<InLog> {
    known.refresh(whole).await?;
    for (topic, description) in &batch.descriptions {
        series::describe(whole, topic, description).await?;
    }
    let mut added = InLog::default();
    for portion in &batch.portions {
        let mut entries = Vec::with_capacity(portion.len());
        for item in portion {
            entries.push(Entry {
                series: known.id_of(whole, &item.topic).await?,
                at: item.at,
                value: item.value.clone(),
                origin: item.origin,
            });
        }
        let Some(header) = header(portion, present) else {
            continue;
        };
        let bytes = block::encode(&header, &entries);
        let bytes = bytes.map_err(|error| sqlx::Error::Encode(error.into()))?;
        log::append(whole, &bytes).await?;
        added.add(&header, entries.len(), present);
    }
    Ok(added)
}

/// The clocks as they were when the portion was read, which may be before the wall clock
/// was set.
fn header(portion: &[Item], present: &Present) -> Option<Header> {
    let read = portion.last()?.read;
    let moment = present.now.moment;
    let utc = UtcMillis(read.offset.saturating_add_unsigned(moment.0));
    Some(Header {
        boot: present.boot,
        now: Now { moment, utc },
        clock: read.clock,
    })
}

/// Something to write, for tests.
#[cfg(test)]
mod any {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ClockQuality, Moment};
    use crate::history::policy::Class;
    use crate::history::waiting::Read;
    use crate::home::Value;

    impl Item {
        pub fn any() -> Item {
            Item {
                topic: Arc::from("home/lab/temperature"),
                at: UtcMillis(0),
                value: Value::Number(20.5),
                origin: None,
                class: Class::Normal,
                read: Read {
                    arrived: Moment(0),
                    offset: 0,
                    clock: ClockQuality::Synchronised,
                },
            }
        }
    }

    impl Present {
        pub fn any() -> Present {
            Present {
                boot: [1; 16],
                now: Now::default(),
                clock: ClockQuality::Synchronised,
            }
        }
    }
}
