//! Other sides that do not let us in, byte by byte.

use tokio::net::TcpListener;

use super::*;
use crate::broker::bridge::hello;
use crate::broker::codec::Version;

/// What becomes of a connection to one that answers with these bytes, and hangs up.
async fn answered(version: Version, answer: &'static [u8]) -> Result<Line, Trouble> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = Address {
        scheme: Scheme::Mqtt,
        host: "127.0.0.1".into(),
        port: listener.local_addr().unwrap().port(),
    };
    let mut settings = Settings::new("x", address);
    settings.version = version;
    let there = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut connect = [0; 256];
        assert!(stream.read(&mut connect).await.unwrap() > 0);
        stream.write_all(answer).await.unwrap();
        stream.shutdown().await.unwrap();
        while stream.read(&mut connect).await.is_ok_and(|read| read > 0) {}
        std::future::pending::<()>().await;
    };
    let connect = hello::connect(&settings, 1000);
    tokio::select! {
        outcome = open(&settings, connect, 1000) => outcome,
        () = there => panic!("it never ends"),
    }
}

#[tokio::test]
async fn answers_to_connect_are_understood() {
    let line = answered(Version::V5, &[0x20, 3, 1, 0, 0]).await.unwrap();
    assert!(line.connack.session_present);
    let line = answered(Version::V311, &[0x20, 2, 0, 0]).await.unwrap();
    assert!(!line.connack.session_present);
    for (version, answer, reason) in [
        (
            Version::V5,
            &[0x20, 3, 0, 0x86, 0][..],
            Reason::BadUserNameOrPassword,
        ),
        (Version::V311, &[0x20, 2, 0, 5], Reason::NotAuthorized),
        // Those that know 3.1.1 alone answer to 5.0 like this.
        (
            Version::V5,
            &[0x20, 2, 0, 1],
            Reason::UnsupportedProtocolVersion,
        ),
    ] {
        let Err(Trouble::Refused(refused, None)) = answered(version, answer).await else {
            panic!("not refused");
        };
        assert_eq!(refused, reason);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_no_connection() {
    let nothing = answered(Version::V5, &[]).await;
    assert!(matches!(nothing, Err(Trouble::NoAnswer)));
    let http = answered(Version::V5, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert!(matches!(http, Err(Trouble::NoMqtt(_))), "{http:?}");
    let ping = answered(Version::V5, &[0xd0, 0]).await;
    assert!(matches!(ping, Err(Trouble::Misplaced(_))), "{ping:?}");
    let too_large = answered(Version::V5, &[0x20, 0xff, 0xff, 0x7f]).await;
    assert!(
        matches!(too_large, Err(Trouble::NoMqtt(_))),
        "{too_large:?}"
    );
}

#[tokio::test]
async fn files_are_read_before_anybody_is_called() {
    let address = Address {
        scheme: Scheme::Mqtt,
        host: "127.0.0.1".into(),
        port: 1,
    };
    let mut settings = Settings::new("x", address);
    settings.password_file = Some("/nowhere/password".into());
    let connect = hello::connect(&settings, 1000);
    let Err(Trouble::File(sentence)) = open(&settings, connect, 1000).await else {
        panic!("it was not missed");
    };
    assert!(sentence.contains("/nowhere/password"), "{sentence}");
}
