//! A connection to the other side, from its name to CONNACK.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::settings::{Address, Scheme, Settings};
use super::tls;
use super::trouble::Trouble;
use crate::broker::codec::{self, ConnAck, Connect, Decoder, Packet, Reason};

/// All of it takes no longer.
const CONNECTED_WITHIN: Duration = Duration::from_secs(30);
/// One of several addresses that swallows everything keeps us from the others
/// no longer than this.
const ADDRESS_WITHIN: Duration = Duration::from_secs(10);
/// Read at once.
const READ: usize = 16 * 1024;
/// A password is shorter.
const MOST_SECRET: u64 = 64 * 1024;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that the other side has accepted.
pub struct Line {
    pub inflow: Inflow,
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    pub connack: ConnAck,
}

/// What comes from the other side.
pub struct Inflow {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    decoder: Decoder,
    /// Read, and not decoded yet.
    buffer: BytesMut,
}

impl Inflow {
    /// Reads once. Cancel-safe.
    pub async fn read(&mut self) -> io::Result<usize> {
        self.buffer.reserve(READ);
        self.reader.read_buf(&mut self.buffer).await
    }

    /// The next packet of what is read, if it is whole.
    ///
    /// # Errors
    /// If it is none.
    pub fn decode(&mut self) -> Result<Option<Packet>, Trouble> {
        let packet = self.decoder.decode(&mut self.buffer);
        packet.map_err(Trouble::NoMqtt)
    }

    /// The refusal of a broker that does not know MQTT 5.0 and answers as 3.1.1
    /// has it: four bytes, with a return code instead of a reason.
    fn old_refusal(&self) -> Option<Reason> {
        match self.buffer[..] {
            [0x20, 2, 0, code] if code > 0 => Some(match code {
                1 => Reason::UnsupportedProtocolVersion,
                2 => Reason::ClientIdentifierNotValid,
                4 => Reason::BadUserNameOrPassword,
                5 => Reason::NotAuthorized,
                _ => Reason::ServerUnavailable,
            }),
            _ => None,
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connack = &self.connack;
        f.debug_struct("Line")
            .field("connack", connack)
            .finish_non_exhaustive()
    }
}

/// Reaches the other side and introduces us. Packets of up to `largest` bytes
/// are read from then on.
///
/// # Errors
/// Whatever keeps it from letting us in, within half a minute.
pub async fn open(settings: &Settings, connect: Connect, largest: usize) -> Result<Line, Trouble> {
    match timeout(
        CONNECTED_WITHIN,
        Box::pin(reach(settings, connect, largest)),
    )
    .await
    {
        Ok(outcome) => outcome,
        Err(_) => Err(Trouble::Slow(CONNECTED_WITHIN)),
    }
}

async fn reach(settings: &Settings, connect: Connect, largest: usize) -> Result<Line, Trouble> {
    let secrets = read_files(settings.clone()).await?;
    let stream = tcp(&settings.address).await?;
    let stream: Box<dyn Stream> = match secrets.tls {
        Some(config) => Box::new(secure(stream, config, &settings.address).await?),
        None => Box::new(stream),
    };
    let (reader, writer) = tokio::io::split(stream);
    let connect = Connect {
        password: secrets.password,
        ..connect
    };
    let mut line = Line {
        inflow: Inflow {
            reader: Box::new(reader),
            decoder: Decoder::with_version(connect.version, largest),
            buffer: BytesMut::new(),
        },
        writer: Box::new(writer),
        connack: ConnAck::default(),
    };
    line.introduce(connect).await?;
    Ok(line)
}

/// What is read anew for each connection: it may have been renewed.
struct Secrets {
    tls: Option<Arc<ClientConfig>>,
    password: Option<Bytes>,
}

async fn read_files(settings: Settings) -> Result<Secrets, Trouble> {
    let read = move || {
        let tls = match settings.address.scheme {
            Scheme::Mqtts => Some(tls::config(&settings.tls).map_err(|fault| fault.message)?),
            Scheme::Mqtt => None,
        };
        let password = password(&settings)?;
        Ok(Secrets { tls, password })
    };
    let outcome = spawn_blocking(read).await;
    let outcome = outcome.unwrap_or_else(|error| Err(error.to_string()));
    outcome.map_err(Trouble::File)
}

/// The first line's end is no part of the password.
fn password(settings: &Settings) -> Result<Option<Bytes>, String> {
    let Some(path) = &settings.password_file else {
        return Ok(None);
    };
    let mut secret = Vec::new();
    let opened = std::fs::File::open(path);
    opened
        .and_then(|file| io::Read::read_to_end(&mut io::Read::take(file, MOST_SECRET), &mut secret))
        .map_err(|error| format!("cannot read the password file {}: {error}", path.display()))?;
    while secret
        .last()
        .is_some_and(|last| matches!(last, b'\n' | b'\r'))
    {
        secret.pop();
    }
    Ok(Some(secret.into()))
}

async fn tcp(address: &Address) -> Result<TcpStream, Trouble> {
    let found = lookup_host((address.host.as_str(), address.port)).await;
    let found: Vec<SocketAddr> = found.map_err(Trouble::Unresolved)?.collect();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in found {
        match timeout(ADDRESS_WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A reading is small and must not wait for another one.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(Trouble::Unreachable(last))
}

async fn secure(
    stream: TcpStream,
    config: Arc<ClientConfig>,
    address: &Address,
) -> Result<impl Stream + use<>, Trouble> {
    let name = ServerName::try_from(address.host.clone())
        .map_err(|error| Trouble::Unresolved(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    let handshake = TlsConnector::from(config).connect(name, stream);
    handshake.await.map_err(Trouble::NoTls)
}

impl Line {
    /// CONNECT, and what it is answered with.
    async fn introduce(&mut self, connect: Connect) -> Result<(), Trouble> {
        let mut bytes = BytesMut::new();
        let version = connect.version;
        codec::encode(&Packet::Connect(Box::new(connect)), version, &mut bytes);
        self.writer.write_all(&bytes).await.map_err(broken)?;
        self.writer.flush().await.map_err(broken)?;
        match self.packet().await? {
            Packet::ConnAck(connack) if connack.reason == Reason::Success => {
                self.connack = *connack;
                Ok(())
            }
            Packet::ConnAck(connack) => {
                Err(Trouble::Refused(connack.reason, connack.reason_string))
            }
            Packet::Disconnect(last) => Err(Trouble::Dismissed(last.reason, last.reason_string)),
            _ => Err(Trouble::Misplaced("something else than CONNACK")),
        }
    }

    async fn packet(&mut self) -> Result<Packet, Trouble> {
        loop {
            if let Some(reason) = self.inflow.old_refusal() {
                return Err(Trouble::Refused(reason, None));
            }
            if let Some(packet) = self.inflow.decode()? {
                return Ok(packet);
            }
            if self.inflow.read().await.map_err(broken)? == 0 {
                return Err(Trouble::NoAnswer);
            }
        }
    }
}

/// TLS 1.3 tells only after the handshake that it wants no part of us.
fn broken(error: io::Error) -> Trouble {
    let is_tls = error
        .get_ref()
        .is_some_and(|inner| inner.is::<tokio_rustls::rustls::Error>());
    match error.kind() {
        _ if is_tls => Trouble::NoTls(error),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Trouble::NoAnswer,
        _ => Trouble::Lost(error),
    }
}

#[cfg(test)]
mod tests;
