//! Posts something to a web server, once, and hears what is answered.
//!
//! Sentences name scheme and host of an address and nothing more of it, for the rest may be
//! a secret. What the other side says may be one too: whoever asks decides what to tell of
//! it.

pub mod address;
mod trust;

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
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

pub use address::Address;
pub use trust::Trust;

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

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// Who has answered, after redirections.
    pub from: Address,
    pub status: StatusCode,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
    /// The beginning of what was said, at most 64 KiB.
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

/// Without the headers, which may hold a login.
impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.body.len();
        f.debug_struct("Post")
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

/// Posts it, following redirections within the scheme. An `Authorization` goes to the host of
/// `to` alone.
///
/// # Errors
/// If nobody has answered, within the time given.
pub async fn post(
    to: &Address,
    post: &Post,
    within: Duration,
    trust: &Trust,
) -> Result<Answer, Failure> {
    let deadline = Instant::now() + within;
    let mut at = to.clone();
    for _ in 0..=MOST_REDIRECTIONS {
        let tls = match at.secure {
            true => Some(trust.tls().await.map_err(|error| again(&at, &error))?),
            false => None,
        };
        let late = |_| again(&at, &format!("has not answered within {within:?}"));
        let stream = timeout_at(deadline, Box::pin(connect(&at, tls)));
        let stream = stream.await.map_err(late)??;
        let request = request(&at, to, post);
        let (head, body) = exchange(stream, &at, request, deadline, within).await?;
        match moved(&at, head.status, &head.headers)? {
            Some(there) => at = there,
            None => {
                return Ok(Answer {
                    from: at,
                    status: head.status,
                    retry_after: retry_after(&head.headers),
                    body,
                });
            }
        }
    }
    Err(Failure::Final(format!("{to} sends it round in circles")))
}

/// Where it has to go instead, with the same words; nowhere if it was answered.
fn moved(
    at: &Address,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Address>, Failure> {
    if !matches!(
        status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    ) {
        return Ok(None);
    }
    let location = headers.get(header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    let there = at.moved(location.unwrap_or_default());
    there.map(Some).map_err(Failure::Final)
}

/// Retry-After, in seconds; a date is not looked at.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?;
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
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
    request: Request<Full<Bytes>>,
    deadline: Instant,
    within: Duration,
) -> Result<(hyper::http::response::Parts, Bytes), Failure> {
    let late = |_| again(at, &format!("has not answered within {within:?}"));
    let broken = |error: hyper::Error| again(at, &format!("broke off: {error}"));
    let shaken = timeout_at(deadline, http1::handshake(TokioIo::new(stream)));
    let (mut sender, connection) = shaken.await.map_err(late)?.map_err(broken)?;
    // It may be over before the answer is read to its end.
    let mut connection = pin!(connection.fuse());
    let answer = beside(&mut connection, sender.send_request(request));
    let answer: Response<_> = timeout_at(deadline, answer)
        .await
        .map_err(late)?
        .map_err(broken)?;
    let (head, body) = answer.into_parts();
    let mut read = BytesMut::new();
    let rest = beside(&mut connection, take(body, &mut read));
    let _ = timeout(READ_WITHIN, rest).await;
    Ok((head, read.freeze()))
}

/// Reads a body until it ends or is too long.
async fn take(mut body: Incoming, read: &mut BytesMut) {
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let fits = data.len().min(MOST_READ - read.len());
        read.extend_from_slice(&data[..fits]);
        if read.len() == MOST_READ {
            return;
        }
    }
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

/// A login stays with the host that it is for.
fn request(at: &Address, to: &Address, post: &Post) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(post.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = at.target.clone().into();
    let headers = request.headers_mut();
    headers.clone_from(&post.headers);
    if (&at.host, at.port) != (&to.host, to.port) {
        headers.remove(header::AUTHORIZATION);
    }
    headers.insert(header::HOST, at.authority.clone());
    headers.insert(header::USER_AGENT, USER_AGENT);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(login) = &at.login {
        headers.insert(header::AUTHORIZATION, login.clone());
    }
    request
}

#[cfg(test)]
mod tests;
