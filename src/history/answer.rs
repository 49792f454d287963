//! What the history answers, and why it does not.

use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;

use super::store::Store;
use super::store::postgres::{Server, reason};
use super::{History, State, forwarder, recorder};

/// A server that takes longer to answer a chart is away.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// Why the history gives no answer.
#[derive(Clone, Debug, Error)]
pub enum HistoryError {
    /// The file could not be opened.
    #[error("history is off: {0}")]
    Off(String),
    /// The file is open but did not answer.
    #[error("history cannot be read: {0}")]
    Read(String),
    /// The file is open but could not be changed.
    #[error("history cannot be changed: {0}")]
    Write(String),
    /// The server that keeps it cannot be reached.
    #[error("past cannot be reached now: {0}")]
    Away(String),
}

impl HistoryError {
    pub(super) fn away(server: &Server, reason: &str) -> HistoryError {
        HistoryError::Away(format!("{} says: {reason}", server.name()))
    }
}

impl From<sqlx::Error> for HistoryError {
    fn from(error: sqlx::Error) -> HistoryError {
        HistoryError::Read(error.to_string())
    }
}

impl History {
    /// Removes a topic with everything that was recorded of it, so that it is not in the file
    /// any more; says how many samples. A thing's commands go with it. What is said of it
    /// later is recorded again.
    ///
    /// # Errors
    /// If the file is not open or does not take it; also if somebody reads it for so long that
    /// its write-ahead log cannot be cut yet. That is done once they have ended.
    pub async fn forget(&self, topic: &str) -> Result<u64, HistoryError> {
        let store = self.store()?;
        match &self.server {
            Some(server) => {
                let here = self.forget_here(topic);
                forwarder::forget(&store, server, topic, here).await
            }
            None => self.forget_here(topic).await,
        }
    }

    async fn forget_here(&self, topic: &str) -> Result<u64, HistoryError> {
        let gone = |_| HistoryError::Write("the recorder has stopped".to_owned());
        let (answer, removed) = oneshot::channel();
        let forget = recorder::Forget {
            topic: topic.to_owned(),
            traces: self.traces.clone(),
            answer,
        };
        self.orders.send(forget).await.map_err(|_| gone(()))?;
        let (samples, nth) = removed.await.map_err(|_| gone(()))??;
        if self.traces.gone(nth).await {
            return Ok(samples);
        }
        let why = "the series is removed, but traces of it are left beside history.db for as long as \
                   another program reads the history, such as an export or a backup; they are \
                   overwritten as soon as that has ended";
        Err(HistoryError::Write(why.to_owned()))
    }

    pub(super) fn store(&self) -> Result<Store, HistoryError> {
        let away = self.server.as_ref().and_then(|server| {
            let away = server.away()?;
            Some(HistoryError::away(server, &away.reason))
        });
        match (&*self.state.borrow(), away) {
            (State::Off(reason), _) => Err(HistoryError::Off(reason.clone())),
            (State::Open(_), Some(away)) => Err(away),
            (State::Open(store), None) => Ok(store.clone().beside(self.server.clone())),
        }
    }

    /// What the file or the server answers.
    pub(super) async fn answer<T>(
        &self,
        asked: impl Future<Output = sqlx::Result<T>>,
    ) -> Result<T, HistoryError> {
        let Some(server) = &self.server else {
            return Ok(asked.await?);
        };
        match tokio::time::timeout(ANSWERS_WITHIN, asked).await {
            Ok(answer) => answer.map_err(|error| HistoryError::away(server, &reason(&error))),
            Err(_) => {
                let seconds = ANSWERS_WITHIN.as_secs();
                let late = format!("no answer within {seconds} s");
                Err(HistoryError::away(server, &late))
            }
        }
    }
}
