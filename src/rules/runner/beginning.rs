//! Where rules begin: what was said, what is, and what they remember.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Past, Runner, event};
use crate::broker::{Message, Qos, Stopped};
use crate::clock::ClockQuality;
use crate::home::RulesStatus;
use crate::rules::engine::{Gap, Memories};
use crate::rules::store::Store;

/// The history is asked for what was said before the start for at most so long.
const RECALL_WITHIN: Duration = Duration::from_secs(2);

impl Runner {
    /// Fills the windows of `avg` and its like from the history.
    pub(super) async fn recall(&mut self, past: Option<&Past>) {
        let Some(past) = past else {
            return;
        };
        let now = self.clock.now();
        let windows = self.engine.windows();
        let windows: Vec<_> = windows
            .map(|(topic, over)| (Arc::clone(topic), over))
            .collect();
        let end = Instant::now() + RECALL_WITHIN;
        for (topic, over) in windows {
            let asked = past(Arc::clone(&topic), now.utc - over);
            match timeout_at(end, asked).await {
                Ok(said) => {
                    for (at, numbers) in said {
                        self.engine.recall(&topic, now.utc.since(at), numbers, now);
                    }
                }
                Err(_) => {
                    return tracing::warn!(
                        "the history did not answer in time: `avg` and its like begin without it"
                    );
                }
            }
        }
    }

    /// Subscribes first and then takes the state in which the house is, so
    /// that nothing said in between is missed.
    pub(super) async fn begin(&mut self, store: Option<Store>) -> Result<(), Stopped> {
        let filters = self.engine.filters();
        let found = self.listen(&filters, &BTreeSet::new()).await?;
        let memories = self.remembered(store).await;
        let now = self.clock.now();
        let knows_time = self.quality != ClockQuality::Unknown;
        let gap = if knows_time { Gap::Known } else { Gap::Unknown };
        let resumed = self.engine.resume(memories, gap, now);
        let found = self.engine.start(found.iter().map(event), now);
        let told = self.engine.know_time(knows_time, now);
        self.teller.clear_others(&self.handle, &self.engine).await?;
        for outcome in [resumed, found, told] {
            self.follow(outcome).await?;
        }
        let rules = self.engine.rules().count();
        let status = RulesStatus::at_start(now.utc, rules);
        self.teller.tell_status(&status).await
    }

    /// Subscribes to what is not subscribed to yet; gives the state there.
    pub(super) async fn listen(
        &mut self,
        filters: &[String],
        known: &BTreeSet<String>,
    ) -> Result<Vec<Message>, Stopped> {
        let new = || filters.iter().filter(|filter| !known.contains(*filter));
        for filter in new() {
            self.client.subscribe(filter, Qos::AtLeastOnce).await?;
        }
        let mut found = Vec::new();
        for filter in new() {
            found.extend(self.handle.retained(filter).await?);
        }
        Ok(found)
    }

    /// What the rules remembered when the gateway ended.
    async fn remembered(&mut self, store: Option<Store>) -> Memories {
        let Some(store) = store else {
            return Memories::new();
        };
        let rows = match store.load().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!("what rules remember cannot be read: {error}; they begin anew");
                return Memories::new();
            }
        };
        let now = self.clock.now();
        let mut memories = Memories::new();
        for row in rows {
            let rule: Arc<str> = row.rule.into();
            match serde_json::from_str(&row.memory) {
                Ok(memory) if self.engine.has(&rule) => {
                    memories.insert(rule, memory);
                }
                // Of a rule that is no more, or of another version of Hearth.
                _ => self.keeper.keep(rule, None, false, now),
            }
        }
        memories
    }
}
