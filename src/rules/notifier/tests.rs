//! Notifications to real servers on loopback: good, slow, failing, gone, and rude.

use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::broker::bridge::Tls;
use crate::broker::tls::authority::Authority;
use crate::clock::Clock;

const SECRET: &str = "s3cret";
const SOON: Duration = Duration::from_secs(20);

/// A server that notes down each request and answers by its path.
struct Server {
    address: SocketAddr,
    heard: Heard,
    _task: JoinSet<()>,
}

type Heard = Arc<Mutex<Vec<String>>>;

impl Server {
    async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Heard::default();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&heard));
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Server {
            address,
            heard,
            _task: task,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}/{SECRET}", self.address)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn answer(State(heard): State<Heard>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| {
        let value = head.headers.get(name);
        value.map_or("-".to_owned(), |value| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        })
    };
    let path = head.uri.path().to_owned();
    let text = String::from_utf8_lossy(&body).into_owned();
    let (title, kind, login) = (
        header("title"),
        header("content-type"),
        header("authorization"),
    );
    let nth = {
        let mut heard = heard.lock().unwrap();
        heard.push(format!(
            "{} {path} | {title} | {kind} | {login} | {text}",
            head.method
        ));
        heard.len()
    };
    match path.split('/').nth(1).unwrap_or_default() {
        "slow" => std::future::pending().await,
        "flaky" if nth < 3 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        "busy" if nth < 2 => StatusCode::TOO_MANY_REQUESTS.into_response(),
        "missing" => StatusCode::NOT_FOUND.into_response(),
        "locked" => StatusCode::UNAUTHORIZED.into_response(),
        "moved" => Redirect::temporary("/ok/elsewhere").into_response(),
        "secure" => Redirect::temporary(&format!("https://localhost/{SECRET}")).into_response(),
        "gone" => (StatusCode::MOVED_PERMANENTLY, [("location", "/ok")]).into_response(),
        "circle" => Redirect::temporary(&path).into_response(),
        "flood" => {
            let bytes = Bytes::from_static(&[0; 65_536]);
            let flood = futures_util::stream::repeat_with(move || Ok::<_, String>(bytes.clone()));
            Body::from_stream(flood).into_response()
        }
        "endless" => {
            let silence = futures_util::stream::pending::<Result<Bytes, String>>();
            Body::from_stream(silence).into_response()
        }
        _ => StatusCode::OK.into_response(),
    }
}

fn notifier() -> Notifier {
    Notifier::trusting(Trust::default(), Duration::from_millis(20))
}

fn notice(url: String, message: &str) -> Notice {
    Notice {
        rule: "Flood".into(),
        form: Form::Ntfy,
        url,
        title: None,
        message: message.to_owned(),
        at: UtcMillis(1_700_000_000_000),
        timeout: Duration::from_millis(500),
        retries: 3,
    }
}

impl Notifier {
    async fn outcome(&mut self) -> Result<u32, String> {
        let told = tokio::time::timeout(SOON, self.told()).await.unwrap();
        assert_eq!(&*told.rule, "Flood");
        told.outcome
    }

    async fn outcome_of(&mut self, url: String) -> Result<u32, String> {
        self.send(notice(url, "water")).unwrap();
        self.outcome().await
    }

    /// Why it was in vain, with HOST for the address.
    async fn sentence(&mut self, server: &Server, path: &str) -> String {
        let why = self.outcome_of(server.url(path)).await.unwrap_err();
        assert!(!why.contains(SECRET), "{why}");
        why.replace(&server.address.to_string(), "HOST")
    }
}

#[tokio::test]
async fn ntfy_gets_the_message_and_a_webhook_gets_json() {
    let server = Server::start().await;
    let mut notifier = notifier();
    let mut ntfy = notice(server.url("ok"), "Wasser!\nim Keller");
    ntfy.title = Some("Überlauf\r\nX-Evil: 1".to_owned());
    notifier.send(ntfy).unwrap();
    assert_eq!(notifier.outcome().await, Ok(1));
    let webhook = Notice {
        form: Form::Webhook,
        ..notice(
            format!("http://me:pw@{}/ok?token=1", server.address),
            "a \"b\"",
        )
    };
    notifier.send(webhook).unwrap();
    assert_eq!(notifier.outcome().await, Ok(1));
    let heard = server.heard();
    assert_eq!(
        heard[0],
        "POST /ok/s3cret | Überlauf  X-Evil: 1 | text/plain; charset=utf-8 | - | Wasser!\nim Keller"
    );
    let (head, json) = heard[1].rsplit_once(" | ").unwrap();
    assert_eq!(head, "POST /ok | - | application/json | Basic bWU6cHc=");
    let expected =
        json!({"title": null, "message": "a \"b\"", "rule": "Flood", "at": 1_700_000_000_000_i64});
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(json).unwrap(),
        expected
    );
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
    let server = Server::start().await;
    assert_eq!(notifier().outcome_of(server.url("flaky")).await, Ok(3));
    let server = Server::start().await;
    assert_eq!(notifier().outcome_of(server.url("busy")).await, Ok(2));
    let server = Server::start().await;
    let why = notifier().sentence(&server, "missing").await;
    assert_eq!(why, "http://HOST refused it: 404 Not Found");
    assert_eq!(server.heard().len(), 1);
    let why = notifier().sentence(&server, "locked").await;
    assert!(
        why.contains("401 Unauthorized; does the address hold"),
        "{why}"
    );
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn redirections_are_followed_within_the_scheme() {
    let server = Server::start().await;
    assert_eq!(notifier().outcome_of(server.url("moved")).await, Ok(1));
    let last = server.heard().pop().unwrap();
    assert!(
        last.starts_with("POST /ok/elsewhere") && last.ends_with("water"),
        "{last}"
    );
    let why = notifier().sentence(&server, "secure").await;
    assert_eq!(
        why,
        "http://HOST wants it over https; write the address with https://"
    );
    let why = notifier().sentence(&server, "gone").await;
    assert!(
        why.contains("no longer its address (301 Moved Permanently)"),
        "{why}"
    );
    let why = notifier().sentence(&server, "circle").await;
    assert!(why.contains("round in circles"), "{why}");
    assert_eq!(server.heard().len(), 2 + 1 + 1 + 4);
}

#[tokio::test]
async fn a_server_that_is_silent_or_not_there_is_given_up() {
    let server = Server::start().await;
    let why = notifier().sentence(&server, "slow").await;
    assert_eq!(why, "http://HOST has not answered within 500ms (4 tries)");
    assert_eq!(server.heard().len(), 4);
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/{SECRET}", free.local_addr().unwrap());
    drop(free);
    let why = notifier().outcome_of(nobody).await.unwrap_err();
    assert!(
        why.contains("cannot be reached: ") && why.ends_with("(4 tries)"),
        "{why}"
    );
    assert!(!why.contains(SECRET), "{why}");
}

#[tokio::test]
async fn an_answer_that_never_ends_is_an_answer() {
    let server = Server::start().await;
    for path in ["flood", "endless"] {
        assert_eq!(
            notifier().outcome_of(server.url(path)).await,
            Ok(1),
            "{path}"
        );
    }
    assert_eq!(server.heard().len(), 2, "and is not told twice");
}

#[tokio::test]
async fn a_lane_keeps_its_order_and_does_not_block_others() {
    let server = Server::start().await;
    let mut notifier = notifier();
    let slow = Notice {
        timeout: SOON,
        ..notice(server.url("slow"), "x")
    };
    notifier.send(slow).unwrap();
    for message in ["1", "2", "3", "4"] {
        notifier.send(notice(server.url("ok"), message)).unwrap();
    }
    for _ in 0..4 {
        assert_eq!(notifier.outcome().await, Ok(1));
    }
    let heard = server
        .heard()
        .into_iter()
        .filter(|line| line.contains("/ok/"));
    let messages: Vec<String> = heard
        .map(|line| line.rsplit_once(' ').unwrap().1.to_owned())
        .collect();
    assert_eq!(messages, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn too_many_are_refused_and_a_stop_waits_only_so_long() {
    let server = Server::start().await;
    let mut notifier = notifier();
    for _ in 0..MOST_WAITING {
        notifier.send(notice(server.url("slow"), "x")).unwrap();
    }
    let refused = notifier.send(notice(server.url("ok"), "x")).unwrap_err();
    let why = refused.outcome.unwrap_err();
    assert_eq!(why, "it was not sent, for 64 others wait already");
    let begun = Instant::now();
    notifier.finish(Duration::from_millis(700)).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(notifier);
    assert!(
        server.heard().len() < 4,
        "one try each, while there is time"
    );
}

#[tokio::test]
async fn a_stop_sends_what_waits() {
    let server = Server::start().await;
    let mut notifier = notifier();
    for message in ["1", "2", "3"] {
        notifier.send(notice(server.url("ok"), message)).unwrap();
    }
    notifier.finish(SOON).await;
    assert_eq!((server.heard().len(), notifier.waiting), (3, 0));
}

#[test]
fn secrets_are_not_printed() {
    let notice = notice(format!("https://ntfy.sh/{SECRET}"), "x");
    assert!(!format!("{notice:?}").contains(SECRET));
}

/// A server with a certificate of the CA, which takes one request after the other.
async fn secure_server(ca: &Authority, names: &[String]) -> (SocketAddr, JoinSet<()>) {
    let pair = ca.server(names).unwrap();
    let chain = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (address, task)
}

#[tokio::test]
async fn https_is_trusted_if_the_ca_is_and_the_name_fits() {
    let folder = tempfile::tempdir().unwrap();
    let now = Clock::start().now().utc;
    let (ca, pair) = Authority::create("Test CA", now).unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &pair.certificate).unwrap();
    let (address, _task) = secure_server(&ca, &["localhost".to_owned()]).await;
    let trusting = || {
        let trust = Tls {
            ca: Some(file.clone()),
            ..Tls::default()
        };
        Notifier::trusting(Trust::new(trust), Duration::from_millis(5))
    };
    let port = address.port();
    let good = format!("https://localhost:{port}/{SECRET}");
    assert_eq!(trusting().outcome_of(good.clone()).await, Ok(1));
    let other_name = format!("https://127.0.0.1:{port}/{SECRET}");
    let why = trusting().outcome_of(other_name).await.unwrap_err();
    assert!(
        why.contains("speaks no TLS that we trust: ") && !why.contains(SECRET),
        "{why}"
    );
    let why = notifier().outcome_of(good).await.unwrap_err();
    assert!(
        why.starts_with(&format!("https://localhost:{port} ")),
        "{why}"
    );
    assert!(!why.contains(SECRET), "{why}");
}
