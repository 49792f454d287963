//! All SQL of the rules' memory, checked when it is compiled
//! (`scripts/prepare-queries`).
//!
//! What a memory says is the engine's business; here it is a text. `state.db` is
//! synced at each commit, so what was saved survives a power cut.

use std::sync::Arc;

use crate::clock::UtcMillis;
use crate::database::Database;

/// The rules' table in `state.db`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
}

/// What one rule must not forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The rule's name, as the user wrote it.
    pub rule: String,
    pub memory: String,
    /// As of when.
    pub written: UtcMillis,
}

/// A rule and what it remembers from now on; `None` is nothing.
pub type Change = (Arc<str>, Option<String>);

impl Store {
    pub fn new(database: Database) -> Store {
        Store { database }
    }

    /// Everything that is remembered, sorted by rule. Rules that are gone from the
    /// config are among them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn load(&self) -> sqlx::Result<Vec<Memory>> {
        let rows = sqlx::query!("SELECT rule, memory, written FROM rule_memory ORDER BY rule");
        let rows = rows.fetch_all(&self.database.readers).await?;
        let memories = rows.into_iter().map(|row| Memory {
            rule: row.rule,
            memory: row.memory,
            written: UtcMillis(row.written),
        });
        Ok(memories.collect())
    }

    /// Writes the changes in one transaction, all of them or none. Of two changes of one
    /// rule the last one counts.
    ///
    /// # Errors
    /// If the disk does not take them; then nothing has changed.
    pub async fn save(&self, changes: &[Change], written: UtcMillis) -> sqlx::Result<()> {
        let mut transaction = self.database.write().await?;
        for (rule, memory) in changes {
            let (rule, written) = (&**rule, written.0);
            match memory {
                Some(memory) => sqlx::query!(
                    "INSERT INTO rule_memory (rule, memory, written) VALUES (?, ?, ?)
                    ON CONFLICT (rule) DO UPDATE SET memory = excluded.memory,
                        written = excluded.written",
                    rule,
                    memory,
                    written
                ),
                None => sqlx::query!("DELETE FROM rule_memory WHERE rule = ?", rule),
            }
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::state;

    fn change(rule: &str, memory: &str) -> Change {
        let memory = (!memory.is_empty()).then(|| memory.to_owned());
        (rule.into(), memory)
    }

    async fn told(store: &Store) -> Vec<String> {
        let memories = store.load().await.unwrap().into_iter();
        let told = |one: Memory| format!("{} {} {}", one.rule, one.memory, one.written.0);
        memories.map(told).collect()
    }

    #[tokio::test]
    async fn memories_come_change_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let database = state::open(folder.path()).await.unwrap();
        let store = Store::new(database.clone());
        assert!(told(&store).await.is_empty());
        let changes = [
            change("Pond", "{}"),
            change("Été \"1\"", "[1]"),
            change("Fan", "0"),
        ];
        store.save(&changes, UtcMillis(5)).await.unwrap();
        let changes = [change("Pond", "1"), change("Pond", "2"), change("Fan", "")];
        store.save(&changes, UtcMillis(-7)).await.unwrap();
        store
            .save(&[change("Nobody", "")], UtcMillis(8))
            .await
            .unwrap();
        database.close().await;

        let again = Store::new(state::open(folder.path()).await.unwrap());
        assert_eq!(told(&again).await, ["Pond 2 -7", "Été \"1\" [1] 5"]);
    }

    #[tokio::test]
    async fn of_a_batch_that_fails_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let database = state::open(folder.path()).await.unwrap();
        let store = Store::new(database.clone());
        let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON rule_memory
            WHEN new.rule = 'Bad' BEGIN SELECT RAISE(ABORT, 'no'); END";
        sqlx::query(refuse).execute(&database.writer).await.unwrap();
        let changes = [change("Good", "1"), change("Bad", "1")];
        assert!(store.save(&changes, UtcMillis(1)).await.is_err());
        assert!(told(&store).await.is_empty());
        store.save(&changes[..1], UtcMillis(1)).await.unwrap();
        assert_eq!(told(&store).await, ["Good 1 1"]);
    }
}
