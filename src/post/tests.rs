//! Letters to real servers on loopback. `rules::notifier` and `history::influx` test what
//! becomes of answers.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode as Status;
use axum::response::{IntoResponse, Redirect, Response as Answered};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

const SOON: Duration = Duration::from_secs(20);

/// Answers by path, and tells in the body which login came.
async fn server(elsewhere: Option<SocketAddr>) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(answer).with_state(elsewhere);
    let mut task = JoinSet::new();
    task.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, task)
}

async fn answer(State(elsewhere): State<Option<SocketAddr>>, request: Request) -> Answered {
    let login = request.headers().get(header::AUTHORIZATION);
    let login = login.map_or("nobody", |login| login.to_str().unwrap());
    match request.uri().path() {
        "/busy" => (Status::TOO_MANY_REQUESTS, [("retry-after", "7")], "later").into_response(),
        "/here" => Redirect::temporary("/who").into_response(),
        "/there" => {
            let there = elsewhere.map(|there| format!("http://{there}/who"));
            Redirect::temporary(&there.unwrap_or_default()).into_response()
        }
        "/flood" => {
            let bytes = Bytes::from_static(&[b'x'; 5000]);
            let flood = futures_util::stream::repeat_with(move || Ok::<_, String>(bytes.clone()));
            Body::from_stream(flood).into_response()
        }
        _ => format!("hello {login}").into_response(),
    }
}

async fn ask(server: SocketAddr, path: &str) -> Result<Answer, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Token x"));
    let letter = Post {
        headers,
        body: Bytes::from_static(b"temperature value=1"),
    };
    let to = Address::parse(&format!("http://{server}{path}")).unwrap();
    let trust = Trust::default();
    Box::pin(post(&to, &letter, SOON, &trust)).await
}

#[tokio::test]
async fn what_is_answered_is_told_and_no_more_than_fits() {
    let (server, _task) = server(None).await;
    let answer = ask(server, "/who").await.unwrap();
    assert_eq!((answer.status, answer.retry_after), (StatusCode::OK, None));
    assert_eq!(answer.body, "hello Token x");
    let answer = ask(server, "/busy").await.unwrap();
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
    let answer = ask(server, "/flood").await.unwrap();
    assert_eq!(answer.body.len(), MOST_READ);
}

#[tokio::test]
async fn a_login_is_shown_to_nobody_else() {
    let (stranger, _other) = server(None).await;
    let (server, _task) = server(Some(stranger)).await;
    assert_eq!(ask(server, "/here").await.unwrap().body, "hello Token x");
    let answer = ask(server, "/there").await.unwrap();
    assert_eq!(answer.body, "hello nobody");
    assert_eq!(answer.from.port, stranger.port());
}
