//! One client's TLS handshake, within its deadline.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::server::TlsStream;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, ServerConfig};

use super::name;
use super::{Settings, certificates, watch as watching};
use crate::broker::door::{Door, Peer, Place};
use crate::broker::queue::Queue;
use crate::clock::Clock;
use crate::supervisor::{Stage, Supervisor};

/// A client whose handshake takes longer is not served.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Handshakes at once. The next ones wait, as long as their deadline allows.
const AT_ONCE: usize = 128;
/// Of these, how many one address may have.
const OF_ONE_ADDRESS: usize = 32;

/// The way in over TLS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Entrance {
    /// What new connections are served with; replaced when the files change.
    server: watch::Receiver<Arc<ServerConfig>>,
    queue: Arc<Queue>,
}

impl Entrance {
    /// Reads the certificates, and reads them again when they change.
    pub fn open(
        settings: &Settings,
        clock: Clock,
        supervisor: &Supervisor,
    ) -> anyhow::Result<Entrance> {
        let first = certificates::read(settings, clock.now().utc).map_err(|faults| {
            let messages: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            anyhow::anyhow!("{}", messages.join("; "))
        })?;
        let (sender, server) = watch::channel(first.server);
        let stop = supervisor.stop_signal(Stage::Core);
        let watch = watching::run(settings.clone(), clock, sender, stop);
        supervisor.part(Stage::Core, "TLS certificates", watch);
        Ok(Entrance {
            server,
            queue: Arc::new(Queue::new(AT_ONCE, OF_ONE_ADDRESS)),
        })
    }

    /// Serves a client, once the handshake is done.
    pub async fn welcome(self, stream: TcpStream, mut peer: Peer, place: Place, door: Door) {
        let handshake = Box::pin(self.shake_hands(stream, &peer));
        let stream = match timeout(HANDSHAKE_WITHIN, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::info!(%peer, "no TLS: {}", explain(&error)),
            Err(_) => return tracing::info!(%peer, "no TLS handshake within 10 s"),
        };
        if let Some([certificate, ..]) = stream.get_ref().1.peer_certificates() {
            let Some(user) = name::user(certificate) else {
                return tracing::info!(%peer, "refused: its certificate names no possible user");
            };
            peer.user = Some(user.into());
        }
        let (reader, writer) = tokio::io::split(stream);
        door.serve(reader, writer, peer, place).await;
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        peer: &Peer,
    ) -> io::Result<TlsStream<TcpStream>> {
        // Who says nothing takes no turn.
        stream.peek(&mut [0]).await?;
        let server = Arc::clone(&self.server.borrow());
        let handshake = TlsAcceptor::from(server).accept(stream);
        self.queue.at_turn(peer.address.ip(), handshake).await
    }
}

/// The error in words that help whoever looks after the client.
fn explain(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let hint = match inner {
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "it does not speak TLS; is it a client for the plain port?"
        }
        Some(Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown,
        )) => "it does not trust our certificate: give it the CA's, and use a name that ours holds",
        Some(Error::PeerIncompatible(_)) => {
            "we have too little in common; TLS 1.2 and 1.3 are spoken"
        }
        Some(Error::NoCertificatesPresented) => {
            "it has no certificate, and the config requires one"
        }
        Some(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => "its certificate is not signed by `client_ca`",
        Some(Error::InvalidCertificate(CertificateError::ExpiredContext { .. })) => {
            "its certificate has expired"
        }
        _ => return error.to_string(),
    };
    format!("{error} ({hint})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_failures_are_explained() {
        let explain = |error: Error| explain(&io::Error::new(io::ErrorKind::InvalidData, error));
        let plain = explain(Error::InvalidMessage(InvalidMessage::InvalidContentType));
        assert!(plain.contains("plain port"), "{plain}");
        let distrust = explain(Error::AlertReceived(AlertDescription::UnknownCA));
        assert!(distrust.contains("give it the CA's"), "{distrust}");
        assert_eq!(
            explain(Error::DecryptError),
            "cannot decrypt peer's message"
        );
    }
}
