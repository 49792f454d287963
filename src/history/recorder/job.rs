//! What is done with the file, one thing after the other, beside the taking of messages.

use std::path::PathBuf;
use std::pin::Pin;

use tokio::sync::oneshot;

use crate::history::HistoryError;
use crate::history::commit::commit;
use crate::history::policy::Policy;
use crate::history::sample::Origin;
use crate::history::sealer::{self, Carried, InLog, Pass, Present, Step};
use crate::history::store::{Store, series};
use crate::history::traces::Traces;
use crate::history::waiting::Batch;

/// A job that was begun.
pub type Job = Pin<Box<dyn Future<Output = Done> + Send>>;

/// How a job ended.
pub enum Done {
    Committed(Batch, Result<(Store, InLog), Failure>),
    Looked(sqlx::Result<Looked>),
    Sealed(sqlx::Result<Step>),
    Carried(sqlx::Result<Carried>),
    /// Whether there may be more to remove.
    Retained(sqlx::Result<bool>),
    /// What is in the log now, if it could be told.
    Forgotten(sqlx::Result<InLog>),
}

pub enum Failure {
    /// The file cannot be opened.
    Open(String),
    /// The file is open and takes nothing.
    Commit(String),
}

/// What the log held at the start.
pub struct Looked {
    pub in_log: InLog,
    pub origins: Vec<(String, Origin)>,
}

/// Somebody wants a topic removed.
#[derive(Debug)]
pub struct Forget {
    pub topic: String,
    pub traces: Traces,
    /// How many samples are removed, and which in a row this is of the removed.
    pub answer: oneshot::Sender<Result<(u64, u64), HistoryError>>,
}

/// Opens the file if it is not open, and commits.
pub fn begin_commit(store: Option<Store>, file: PathBuf, batch: Batch, present: Present) -> Job {
    Box::pin(async move {
        let opened = match store {
            Some(store) => Ok(store),
            None => Store::open(&file).await,
        };
        let outcome = match opened {
            Err(error) => Err(Failure::Open(error.to_string())),
            Ok(store) => match commit(&store, &batch, &present).await {
                Ok(added) => Ok((store, added)),
                Err(error) => Err(Failure::Commit(error.to_string())),
            },
        };
        Done::Committed(batch, outcome)
    })
}

/// Looks what the log holds from before the start.
pub fn begin_look(store: Store, present: Present) -> Job {
    Box::pin(async move { Done::Looked(look(&store, &present).await) })
}

async fn look(store: &Store, present: &Present) -> sqlx::Result<Looked> {
    let mut whole = store.read().await?;
    let mut counted = Vec::new();
    let in_log = sealer::in_log(&mut whole, present, |entries| {
        let origins = entries.into_iter();
        counted.extend(origins.filter_map(|one| Some((one.series, one.origin?))));
    });
    let in_log = in_log.await?;
    let rows = series::all(&mut whole).await?.into_iter();
    let topics: std::collections::HashMap<u32, String> =
        rows.map(|row| (row.id, row.topic)).collect();
    let named = counted.into_iter();
    let named = named.filter_map(|(series, origin)| Some((topics.get(&series)?.clone(), origin)));
    Ok(Looked {
        in_log,
        origins: named.collect(),
    })
}

/// Begins a pass of the sealer.
pub fn begin_pass(store: Store, present: Present) -> Job {
    Box::pin(async move { Done::Sealed(Pass::begin(&store, &present).await.map(Step::Goes)) })
}

/// Goes on with it.
pub fn begin_step(store: Store, pass: Pass, policy: Policy, present: Present) -> Job {
    Box::pin(async move { Done::Sealed(pass.step(&store, &policy, &present).await) })
}

pub fn begin_carry(store: Store) -> Job {
    Box::pin(async move { Done::Carried(sealer::carry(&store).await) })
}

pub fn begin_retain(store: Store, policy: Policy, present: Present) -> Job {
    Box::pin(async move { Done::Retained(sealer::retain(&store, &policy, present.now.utc).await) })
}

/// Removes a topic; who has asked is told.
pub fn begin_forget(store: Store, forget: Forget, present: Present) -> Job {
    Box::pin(async move {
        let removed = sealer::forget(&store, &forget.topic).await;
        let nth = forget.traces.add();
        let removed = removed.map(|samples| (samples, nth));
        // Who does not wait for the answer needs none.
        let _ = forget.answer.send(removed);
        let in_log = async {
            let mut whole = store.read().await?;
            sealer::in_log(&mut whole, &present, |_| {}).await
        };
        Done::Forgotten(in_log.await)
    })
}
