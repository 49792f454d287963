//! Files that are made, opened again, refused, and left alone.

use super::*;

static ROOMS: Kind = Kind {
    name: "rooms",
    application_id: 0x4865_5465,
    migrations: sqlx::migrate!("migrations/history"),
    durability: Durability::Full,
    page_bytes: 4096,
    erases: false,
};

fn history() -> Kind {
    Kind {
        name: "history",
        application_id: 0x4865_4869,
        migrations: sqlx::migrate!("migrations/history"),
        durability: Durability::Normal,
        page_bytes: 4096,
        erases: true,
    }
}

async fn refusal(file: &Path) -> String {
    let error = Database::open(file, &history()).await.unwrap_err();
    error.to_string().replace(file.to_str().unwrap(), "FILE")
}

#[tokio::test]
async fn a_missing_file_is_made_with_its_directory_and_opens_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a/b/history.db");
    for _ in 0..2 {
        let database = Database::open(&file, &history()).await.unwrap();
        database.close().await;
    }
    assert!(file.exists());
    assert!(!file.with_extension("db-wal").exists(), "log folded in");
}

#[tokio::test]
async fn what_is_committed_after_sqlite_has_given_up_a_transaction_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let database = Database::open(&file, &history()).await.unwrap();
    for topic in ["a", "b", "c"] {
        let mut failed = database.write().await.unwrap();
        // As SQLite does by itself where the disk is full.
        failed.execute("ROLLBACK").await.unwrap();
        drop(failed);
        let mut transaction = database.write().await.unwrap();
        let insert = sqlx::query("INSERT INTO series (topic) VALUES (?)").bind(topic);
        insert.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let count = sqlx::query_scalar("SELECT count(*) FROM series");
    let count: i64 = count.fetch_one(&database.readers).await.unwrap();
    assert_eq!(count, 3);
    database.close().await;
}

#[tokio::test]
async fn readers_cannot_write() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let database = Database::open(&file, &history()).await.unwrap();
    let outcome = database.readers.execute("DELETE FROM series").await;
    assert_eq!(primary_code(&outcome.unwrap_err()), Some(8));
}

#[tokio::test]
async fn a_text_file_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.txt");
    let notes = "buy milk\n".repeat(200);
    std::fs::write(&file, &notes).unwrap();
    assert!(
        refusal(&file)
            .await
            .starts_with("FILE is not Hearth's history; ")
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), notes);
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("other.db");
    Database::open(&file, &history())
        .await
        .unwrap()
        .close()
        .await;
    let error = Database::open(&file, &ROOMS).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Foreign { name: "rooms", .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_newer_schema_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history.db");
    let database = Database::open(&file, &history()).await.unwrap();
    let from_the_future = "INSERT INTO _sqlx_migrations \
        (version, description, success, checksum, execution_time) \
        VALUES (99, 'later', TRUE, x'00', 0)";
    let done = database.writer.execute(from_the_future).await;
    done.unwrap();
    database.close().await;
    let known = history().migrations.iter().map(|one| one.version).max();
    let refusal = refusal(&file).await;
    assert!(
        refusal.contains(&format!(
            "it has schema 99, this program knows {}",
            known.unwrap()
        )),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_directory_in_place_of_the_file_is_not_writable() {
    let directory = tempfile::tempdir().unwrap();
    let refusal = refusal(directory.path()).await;
    assert!(
        refusal.starts_with("cannot open FILE for writing"),
        "{refusal}"
    );
}
