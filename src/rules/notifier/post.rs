//! One try to hand over a notification: a POST, and what is answered.
//!
//! Sentences name scheme and host of an address and nothing more of it, and nothing that
//! the other side says: both may hold secrets.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address::Address;

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("hearth/", env!("CARGO_PKG_VERSION")));
/// So much of an answer is read, so that the other side may finish speaking …
const MOST_READ: usize = 64 * 1024;
/// … and for no longer than this: what counts has been said.
const READ_WITHIN: Duration = Duration::from_secs(1);
/// A host with several addresses is tried at the next one after this.
const ADDRESS_WITHIN: Duration = Duration::from_secs(5);
const MOST_REDIRECTIONS: usize = 3;

/// What is posted.
#[derive(Clone)]
pub struct Post {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why a try was in vain.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Another try may help, but not before this long.
    Again(String, Duration),
    /// It will not.
    Final(String),
}

/// Either kind of connection.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Exchanged = Result<(StatusCode, HeaderMap), Failure>;

/// Posts it, following redirections within the scheme. `tls` is asked for where needed.
///
/// # Errors
/// What went wrong, within the time given.
pub async fn post<T, F>(to: &Address, post: &Post, within: Duration, tls: T) -> Result<(), Failure>
where
    T: Fn() -> F,
    F: Future<Output = Result<Arc<ClientConfig>, String>>,
{
    let deadline = Instant::now() + within;
    let mut at = to.clone();
    for _ in 0..=MOST_REDIRECTIONS {
        let tls = match at.secure {
            true => Some(tls().await.map_err(|error| again(&at, &error))?),
            false => None,
        };
        let late = |_| again(&at, &format!("has not answered within {within:?}"));
        let stream = timeout_at(deadline, Box::pin(connect(&at, tls)));
        let stream = stream.await.map_err(late)??;
        let (status, headers) = exchange(stream, &at, post, deadline, within).await?;
        match judge(&at, status, &headers)? {
            None => return Ok(()),
            Some(there) => at = there,
        }
    }
    Err(Failure::Final(format!("{to} sends it round in circles")))
}

/// Where it has to go instead; nowhere if it was taken.
fn judge(
    at: &Address,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Address>, Failure> {
    if status.is_success() {
        return Ok(None);
    }
    match status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
            let location = headers.get(header::LOCATION);
            let location = location
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            at.moved(location).map(Some).map_err(Failure::Final)
        }
        // For these, whoever follows asks with GET, and the message would be lost.
        _ if status.is_redirection() => Err(Failure::Final(format!(
            "{at} says that this is no longer its address ({status}); write the new one"
        ))),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failure::Again(refusal(at, status), wanted_pause(headers)))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let hint = "does the address hold the right login or token?";
            Err(Failure::Final(format!("{}; {hint}", refusal(at, status))))
        }
        _ if status.is_client_error() => Err(Failure::Final(refusal(at, status))),
        _ => Err(Failure::Again(refusal(at, status), wanted_pause(headers))),
    }
}

fn refusal(at: &Address, status: StatusCode) -> String {
    format!("{at} refused it: {status}")
}

/// Retry-After, in seconds.
fn wanted_pause(headers: &HeaderMap) -> Duration {
    let value = headers.get(header::RETRY_AFTER);
    let seconds = value.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

fn again(at: &Address, what: &str) -> Failure {
    Failure::Again(format!("{at} {what}"), Duration::ZERO)
}

async fn connect(
    at: &Address,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Pin<Box<dyn Stream>>, Failure> {
    let stream = tcp(at).await;
    let stream = stream.map_err(|error| again(at, &format!("cannot be reached: {error}")))?;
    let Some(tls) = tls else {
        return Ok(Box::pin(stream));
    };
    let name = ServerName::try_from(at.host.clone());
    let name = name.map_err(|_| Failure::Final(format!("{at} has no name that TLS knows")))?;
    let shaken = TlsConnector::from(tls).connect(name, stream).await;
    let shaken =
        shaken.map_err(|error| again(at, &format!("speaks no TLS that we trust: {error}")))?;
    Ok(Box::pin(shaken))
}

async fn tcp(at: &Address) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in lookup_host((at.host.as_str(), at.port)).await? {
        match timeout(ADDRESS_WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn exchange(
    stream: Pin<Box<dyn Stream>>,
    at: &Address,
    post: &Post,
    deadline: Instant,
    within: Duration,
) -> Exchanged {
    let late = |_| again(at, &format!("has not answered within {within:?}"));
    let broken = |error: hyper::Error| again(at, &format!("broke off: {error}"));
    let shaken = timeout_at(deadline, http1::handshake(TokioIo::new(stream)));
    let (mut sender, connection) = shaken.await.map_err(late)?.map_err(broken)?;
    // It may be over before the answer is read to its end.
    let mut connection = pin!(connection.fuse());
    let answer = beside(&mut connection, sender.send_request(request(at, post)));
    let answer: Response<_> = timeout_at(deadline, answer)
        .await
        .map_err(late)?
        .map_err(broken)?;
    let (head, body) = answer.into_parts();
    let rest = beside(&mut connection, Limited::new(body, MOST_READ).collect());
    let _ = timeout(READ_WITHIN, rest).await;
    Ok((head.status, head.headers))
}

/// Waits for `work`, which the connection must be driven for.
async fn beside<T>(
    connection: &mut (impl Future<Output = Result<(), hyper::Error>> + Unpin),
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => done,
        // What has arrived before its end is still there.
        _ = connection => work.await,
    }
}

fn request(at: &Address, post: &Post) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(post.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = at.target.clone().into();
    let headers = request.headers_mut();
    headers.clone_from(&post.headers);
    headers.insert(header::HOST, at.authority.clone());
    headers.insert(header::USER_AGENT, USER_AGENT);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(login) = &at.login {
        headers.insert(header::AUTHORIZATION, login.clone());
    }
    request
}
