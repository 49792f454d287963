//! The end of a connection: why it ends, what the client hears last, and what
//! the log says, in words that help whoever wrote the client.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::codec::{self, ConnAck, DecodeError, Packet, Reason, Version};
use super::door::Peer;

/// Time for the last packets to be written before the connection is dropped.
pub const LINGER: Duration = Duration::from_secs(1);

/// Why a connection ended.
#[derive(Debug)]
pub enum Closed {
    /// The client closed it or is out of reach.
    Gone,
    /// The client sent nothing for this long: one and a half times its keep alive.
    Silent(Duration),
    /// The client sent what is no MQTT.
    Broke(DecodeError),
    /// The router said so.
    Told(Reason),
    /// Its user was removed or has another password.
    Revoked,
}

impl Closed {
    /// What the router must tell the client, if it is at fault.
    pub fn fault(&self) -> Option<Reason> {
        match self {
            Closed::Silent(_) => Some(Reason::KeepAliveTimeout),
            Closed::Broke(error) => Some(error.reason),
            Closed::Revoked => Some(Reason::AdministrativeAction),
            Closed::Gone | Closed::Told(_) => None,
        }
    }

    /// Faults are worth a line for everyone, ordinary ends are not.
    pub fn log(&self, peer: &Peer, client_id: &str) {
        match self {
            Closed::Gone => tracing::debug!(%peer, client_id, "connection lost"),
            Closed::Told(Reason::Success) => tracing::debug!(%peer, client_id, "disconnected"),
            Closed::Told(reason) => {
                tracing::info!(%peer, client_id, "closed: {}", explain(*reason));
            }
            Closed::Silent(longest) => {
                let seconds = longest.as_secs_f32();
                tracing::info!(
                    %peer,
                    client_id,
                    "closed: it sent nothing for {seconds} s, one and a half times its keep alive; \
                     a client that has nothing to say sends PINGREQ"
                );
            }
            Closed::Broke(error) => tracing::info!(%peer, client_id, "closed: {error}"),
            Closed::Revoked => tracing::info!(
                %peer,
                client_id,
                "closed: its user was removed or has another password"
            ),
        }
    }
}

/// Logs what came in place of a CONNECT.
pub fn log_no_mqtt(peer: &Peer, bytes: &[u8], error: &DecodeError) {
    match other_protocol(bytes) {
        Some(other) => tracing::info!(%peer, "refused: {other}"),
        None => tracing::info!(%peer, "refused: {error}"),
    }
}

/// Logs that the router let a client not in.
pub fn log_refusal(peer: &Peer, client_id: &str, user: Option<&str>, refusal: &ConnAck) {
    let why = refusal.reason_string.clone();
    let why = why.unwrap_or_else(|| explain(refusal.reason));
    match user {
        Some(user) => tracing::info!(%peer, client_id, user, "refused: {why}"),
        None => tracing::info!(%peer, client_id, "refused: {why}"),
    }
}

/// What the first bytes are, if they are the beginning of something well known.
fn other_protocol(bytes: &[u8]) -> Option<&'static str> {
    const HTTP: [&[u8]; 5] = [b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI"];
    if HTTP.iter().any(|verb| bytes.starts_with(verb)) {
        return Some("it speaks HTTP to the MQTT port; Hearth's page is at another port");
    }
    bytes.starts_with(&[0x16, 0x03]).then_some(
        "it speaks TLS to a port of plain MQTT; turn TLS off in the client or use another port",
    )
}

/// What a reason means for the client that is sent away with it.
fn explain(reason: Reason) -> String {
    let text = match reason {
        Reason::ClientIdentifierNotValid => {
            "it has no client id, which MQTT 3.1.1 allows only together with a clean session"
        }
        Reason::BadAuthenticationMethod => {
            "it asks for an authentication method of MQTT 5.0, and none is offered here; \
             use a user name and a password"
        }
        Reason::PacketTooLarge => "an answer is larger than the Maximum Packet Size it sent",
        Reason::ProtocolError => {
            "it broke a rule of the protocol, such as a second CONNECT, a packet or property that only \
             a broker sends, or a topic alias that was never set"
        }
        Reason::ReceiveMaximumExceeded => {
            "it sent more QoS 2 messages without PUBREL than the Receive Maximum in CONNACK allows"
        }
        Reason::TopicAliasInvalid => "its topic alias is above the Topic Alias Maximum in CONNACK",
        Reason::SessionTakenOver => {
            "another connection came with the same client id; two clients that share one push each \
             other out for ever"
        }
        Reason::ServerShuttingDown => "the broker stops",
        other => return format!("{other:?} (reason 0x{:02x})", other.code()),
    };
    text.to_owned()
}

/// Answers a CONNECT that is understood and refused, if the client takes packets
/// as long as the answer. The words are left out first [MQTT-3.2.2-19].
pub async fn turn_away(
    writer: &mut (impl AsyncWrite + Unpin),
    version: Version,
    largest: Option<u32>,
    mut refusal: Box<ConnAck>,
) {
    let fits = |refusal: &ConnAck| {
        let packet = Packet::ConnAck(Box::new(refusal.clone()));
        largest.is_none_or(|largest| codec::encoded_len(&packet, version) <= largest as usize)
    };
    if !fits(&refusal) {
        refusal.reason_string = None;
    }
    if fits(&refusal) {
        write_last(writer, version, &Packet::ConnAck(refusal)).await;
    }
}

/// Answers a CONNECT that cannot be accepted, in the version that it names. What
/// is no CONNECT at all is closed without an answer [MQTT-3.1.4-1].
pub async fn refuse(
    writer: &mut (impl AsyncWrite + Unpin),
    version: Option<Version>,
    reason: Reason,
) {
    let version = match (version, reason) {
        // 3.1.1 says how to refuse a level that nobody knows (3.1.2.2), and
        // forbids any other answer to a CONNECT that breaks its rules.
        (None, Reason::UnsupportedProtocolVersion) => Version::V311,
        (Some(Version::V5), _) => Version::V5,
        (None | Some(Version::V311), _) => return,
    };
    let connack = ConnAck {
        reason,
        ..ConnAck::default()
    };
    write_last(writer, version, &Packet::ConnAck(Box::new(connack))).await;
}

/// Writes one packet to a client that gets no more.
pub async fn write_last(writer: &mut (impl AsyncWrite + Unpin), version: Version, packet: &Packet) {
    let mut buffer = BytesMut::new();
    codec::encode(packet, version, &mut buffer);
    let _ = timeout(LINGER, writer.write_all(&buffer)).await;
}

/// Closes, and reads on for a moment: bytes that nobody takes would reset the
/// connection, and the client might lose our last packet with it.
pub async fn hang_up(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
) {
    let _ = timeout(LINGER, writer.shutdown()).await;
    let mut ignored = [0; 512];
    let drain = async { while reader.read(&mut ignored).await.is_ok_and(|read| read > 0) {} };
    let _ = timeout(LINGER, drain).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_tls_clients_are_recognised() {
        let browser = other_protocol(b"GET / HTTP/1.1\r\n").unwrap();
        assert!(browser.contains("HTTP"));
        assert!(other_protocol(&[0x16, 3, 1]).unwrap().contains("TLS"));
        assert_eq!(other_protocol(&[0x10, 0x0c]), None);
    }

    #[test]
    fn a_reason_without_a_sentence_is_named() {
        let text = explain(Reason::ServerMoved);
        assert_eq!(text, "ServerMoved (reason 0x9d)");
    }

    #[tokio::test]
    async fn who_hangs_up_first_takes_what_is_on_its_way() {
        let (client, server) = tokio::io::duplex(4096);
        let (mut reader, mut writer) = tokio::io::split(server);
        let (mut from_us, mut to_us) = tokio::io::split(client);
        to_us.write_all(&[0x30; 2000]).await.unwrap();
        let goodbye = async {
            write_last(&mut writer, Version::V5, &Packet::PingResp).await;
            hang_up(&mut reader, &mut writer).await;
        };
        let read = async {
            let mut heard = Vec::new();
            from_us.read_to_end(&mut heard).await.unwrap();
            to_us.shutdown().await.unwrap();
            heard
        };
        let ((), heard) = tokio::join!(goodbye, read);
        assert_eq!(heard, [0xd0, 0]);
    }
}
