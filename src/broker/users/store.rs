//! All SQL of the users, checked when it is compiled (`scripts/prepare-queries`).

use crate::database::Database;

/// The users in `state.db`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
}

/// A row: the name, and the hash of the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub hash: String,
}

/// Without the hash.
impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Row").field(&self.name).finish()
    }
}

impl Store {
    pub fn new(database: Database) -> Store {
        Store { database }
    }

    /// Adds a user; false if there is one of this name.
    pub async fn add(&self, name: &str, hash: &str) -> sqlx::Result<bool> {
        let add = sqlx::query!(
            "INSERT INTO users (name, hash) VALUES (?, ?) ON CONFLICT DO NOTHING",
            name,
            hash
        );
        let done = add.execute(&self.database.writer).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives a user another password; false if there is none of this name.
    pub async fn change(&self, name: &str, hash: &str) -> sqlx::Result<bool> {
        let change = sqlx::query!("UPDATE users SET hash = ? WHERE name = ?", hash, name);
        let done = change.execute(&self.database.writer).await?;
        Ok(done.rows_affected() > 0)
    }

    /// False if there is none of this name.
    pub async fn remove(&self, name: &str) -> sqlx::Result<bool> {
        let remove = sqlx::query!("DELETE FROM users WHERE name = ?", name);
        let done = remove.execute(&self.database.writer).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Everybody's name, sorted.
    pub async fn names(&self) -> sqlx::Result<Vec<String>> {
        let names = sqlx::query_scalar!("SELECT name FROM users ORDER BY name");
        names.fetch_all(&self.database.readers).await
    }

    /// Which change of the users was the last.
    pub async fn revision(&self) -> sqlx::Result<i64> {
        let revision = sqlx::query_scalar!("SELECT value FROM users_revision");
        revision.fetch_one(&self.database.readers).await
    }

    /// Everybody, and as of which revision.
    pub async fn all(&self) -> sqlx::Result<(i64, Vec<Row>)> {
        let mut transaction = self.database.readers.begin().await?;
        let revision = sqlx::query_scalar!("SELECT value FROM users_revision");
        let revision = revision.fetch_one(&mut *transaction).await?;
        let rows = sqlx::query_as!(Row, "SELECT name, hash FROM users");
        let rows = rows.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok((revision, rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::state;

    #[tokio::test]
    async fn users_come_change_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let database = state::open(folder.path()).await.unwrap();
        let store = Store::new(database.clone());
        assert!(store.names().await.unwrap().is_empty());
        assert!(store.add("ben", "1").await.unwrap());
        assert!(store.add("anna", "2").await.unwrap());
        assert!(!store.add("anna", "3").await.unwrap());
        assert!(store.change("anna", "4").await.unwrap());
        assert!(!store.change("carl", "5").await.unwrap());
        assert_eq!(store.names().await.unwrap(), ["anna", "ben"]);
        assert!(store.remove("ben").await.unwrap() && !store.remove("ben").await.unwrap());
        let (_, rows) = store.all().await.unwrap();
        let anna = Row {
            name: "anna".to_owned(),
            hash: "4".to_owned(),
        };
        assert_eq!(rows, std::slice::from_ref(&anna));
        assert!(!format!("{anna:?}").contains('4'));
        database.close().await;
    }

    #[tokio::test]
    async fn every_change_and_nothing_else_makes_a_revision() {
        let folder = tempfile::tempdir().unwrap();
        let database = state::open(folder.path()).await.unwrap();
        // As another process would, beside the gateway.
        let other = Store::new(state::open(folder.path()).await.unwrap());
        let store = Store::new(database);
        let mut last = store.revision().await.unwrap();
        let mut is_new = async || {
            let before = std::mem::replace(&mut last, store.revision().await.unwrap());
            last != before
        };
        assert!(!is_new().await);
        other.add("anna", "1").await.unwrap();
        assert!(is_new().await && !is_new().await);
        other.change("anna", "2").await.unwrap();
        assert!(is_new().await);
        other.remove("anna").await.unwrap();
        assert!(is_new().await);
        other.remove("anna").await.unwrap();
        assert!(!is_new().await);
    }
}
