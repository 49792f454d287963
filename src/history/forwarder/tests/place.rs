//! Which databases are taken, how they are made ready, and who can listen on the way there.

use super::*;

#[tokio::test]
async fn a_database_of_others_or_of_a_newer_hearth_is_refused() {
    let machine = machine::Server::start();
    let server = Server::new(&Address::parse(&machine.url()).unwrap());
    machine.ask("CREATE TABLE series (x INTEGER)");
    let foreign = server.connect().await.unwrap_err();
    assert!(foreign.contains("a database of its own"), "{foreign}");
    machine.ask("DROP TABLE series");
    server.connect().await.unwrap();
    machine.ask(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (99, 'to come', TRUE, '', 0)",
    );
    let newer = server.connect().await.unwrap_err();
    assert!(newer.contains("newer Hearth (schema 99"), "{newer}");
    let wrong = Address::parse(&machine.url().replace(machine::PASSWORD, "wrong")).unwrap();
    let wrong = Server::new(&wrong).connect().await.unwrap_err();
    assert!(wrong.contains("password authentication failed"), "{wrong}");
}

/// TimescaleDB is not in Debian: what Hearth calls of it is stood in for. What the calls
/// mean there, this cannot tell.
#[tokio::test]
async fn long_tables_become_hypertables_where_the_extension_is() {
    let machine = machine::Server::start();
    let server = Server::new(&Address::parse(&machine.url()).unwrap());
    for sql in [
        "INSERT INTO pg_extension SELECT 90000, 'timescaledb', 10, 2200, false, '2', NULL, NULL",
        "CREATE SCHEMA timescaledb_information",
        "CREATE TABLE timescaledb_information.hypertables
            (hypertable_schema NAME, hypertable_name NAME, every INTERVAL)",
        "CREATE FUNCTION create_hypertable(
            relation REGCLASS, time_column_name NAME, chunk_time_interval ANYELEMENT
        ) RETURNS VOID SECURITY DEFINER LANGUAGE SQL AS
        'INSERT INTO timescaledb_information.hypertables
            SELECT current_schema(), relation::TEXT, chunk_time_interval'",
        "GRANT USAGE ON SCHEMA timescaledb_information TO hearth",
        "GRANT SELECT ON timescaledb_information.hypertables TO hearth",
    ] {
        machine.ask(sql);
    }
    let made = "SELECT hypertable_name, every FROM timescaledb_information.hypertables";
    for _ in 0..2 {
        server.connect().await.unwrap();
        let made = machine.ask(made);
        assert_eq!(made, ["samples|30 days", "minutes|1 year"]);
    }
    // Rows are not moved without being asked.
    machine.ask("DELETE FROM timescaledb_information.hypertables");
    machine.ask("INSERT INTO series (topic) VALUES ('home/lab/lux')");
    machine.ask("INSERT INTO samples (series, at, nth, number, clock) VALUES (1, now(), 0, 1, 2)");
    server.connect().await.unwrap();
    assert_eq!(machine.ask(made), ["minutes|1 year"]);
}

#[tokio::test]
async fn the_way_there_is_encrypted_and_its_end_is_known_if_the_url_says_so() {
    let machine = machine::Server::start();
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    machine.encrypt(&key.cert.pem(), &key.signing_key.serialize_pem());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, key.cert.pem()).unwrap();
    let by_name = machine.url().replace("127.0.0.1", "localhost");
    let connect = async |url: &str, rest: &str| {
        let url = format!("{url}?{rest}");
        let server = Server::new(&Address::parse(&url).unwrap());
        server.connect().await.map(|_| ())
    };
    let trusted = format!("sslmode=verify-full&sslrootcert={}", root.display());
    connect(&by_name, &trusted).await.unwrap();
    connect(&machine.url(), "sslmode=require").await.unwrap();
    connect(&machine.url(), "").await.unwrap();
    assert!(connect(&machine.url(), "sslmode=disable").await.is_err());
    let unknown = connect(&by_name, "sslmode=verify-full").await.unwrap_err();
    assert!(unknown.contains("ertificate"), "{unknown}");
    let other_name = connect(&machine.url(), &trusted).await.unwrap_err();
    assert!(other_name.contains("ertificate"), "{other_name}");
}
