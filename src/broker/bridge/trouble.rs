//! Why a bridge has no connection, in words that help whoever set it up.

use std::io;
use std::time::Duration;

use tokio_rustls::rustls;

use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

use super::settings::{Address, Scheme, Settings};
use crate::broker::codec::{DecodeError, Reason, Version};

/// What ended a connection, or kept it from being made.
#[derive(Debug)]
pub enum Trouble {
    /// A file that the settings name cannot be used; the sentence says which.
    File(String),
    /// There is no address of this name.
    Unresolved(io::Error),
    Unreachable(io::Error),
    NoTls(io::Error),
    /// Nothing was decided within this time.
    Slow(Duration),
    /// CONNACK refuses, perhaps with a sentence.
    Refused(Reason, Option<String>),
    /// The connection was closed where CONNACK was due.
    NoAnswer,
    /// What came is no MQTT.
    NoMqtt(DecodeError),
    /// It sent what a broker may not send now.
    Misplaced(&'static str),
    /// DISCONNECT, perhaps with a sentence.
    Dismissed(Reason, Option<String>),
    Closed,
    Lost(io::Error),
    /// Not even an answer to a ping.
    Silent,
}

impl Trouble {
    /// One sentence, without a full stop.
    pub fn explain(&self, settings: &Settings) -> String {
        let address = &settings.address;
        match self {
            Trouble::File(sentence) => sentence.clone(),
            Trouble::Unresolved(error) => {
                let host = &address.host;
                format!(
                    "there is no address for {host:?} ({error}); is the name right, and is the network up?"
                )
            }
            Trouble::Unreachable(error) => unreachable_words(error, address),
            Trouble::NoTls(error) => tls_words(error, address),
            Trouble::Slow(limit) => {
                let seconds = limit.as_secs();
                format!("{address} did not answer within {seconds} s; is a firewall in between?")
            }
            Trouble::Refused(reason, said) => {
                let words = refusal_words(*reason, settings);
                quoted(format!("refused: {words}"), said.as_deref())
            }
            Trouble::NoAnswer => no_answer_words(settings),
            Trouble::NoMqtt(error) => format!("{address} does not speak MQTT as it must: {error}"),
            Trouble::Misplaced(packet) => {
                format!("{address} sent {packet}, which a broker may not send then")
            }
            Trouble::Dismissed(reason, said) => {
                let words = dismissal_words(*reason, settings);
                quoted(format!("sent away: {words}"), said.as_deref())
            }
            Trouble::Closed => "the other side closed the connection without a word".to_owned(),
            Trouble::Lost(error) => format!("the connection broke: {error}"),
            Trouble::Silent => "nothing came from the other side any more".to_owned(),
        }
    }
}

/// Adds the other side's own sentence, safe for one line and not too long.
fn quoted(words: String, said: Option<&str>) -> String {
    match said {
        Some(said) => format!("{words} ({:?})", said.chars().take(200).collect::<String>()),
        None => words,
    }
}

fn unreachable_words(error: &io::Error, address: &Address) -> String {
    let hint = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there; is the port right?",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "no way leads there; is the network up?"
        }
        io::ErrorKind::TimedOut => "is a firewall in between?",
        _ => return format!("{address} cannot be reached: {error}"),
    };
    format!("{address} cannot be reached: {hint}")
}

/// A failed handshake: ours to mend, theirs, or no TLS at all.
fn tls_words(error: &io::Error, address: &Address) -> String {
    let host = &address.host;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(TlsError::InvalidCertificate(fault)) => certificate_words(fault, host),
        Some(TlsError::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            format!("{address} does not speak TLS; write mqtt:// or another port")
        }
        Some(TlsError::AlertReceived(alert)) => alert_words(*alert, address),
        _ if ended(error) => format!(
            "{address} ended the connection during the TLS handshake; perhaps it does not speak \
             TLS there: write mqtt:// or another port"
        ),
        _ => format!("no TLS with {address}: {error}"),
    }
}

/// Whether the other side hung up.
fn ended(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let kinds = [
        UnexpectedEof,
        ConnectionReset,
        ConnectionAborted,
        BrokenPipe,
    ];
    kinds.contains(&error.kind())
}

fn certificate_words(fault: &CertificateError, host: &str) -> String {
    let words = match fault {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is signed by nobody who is trusted here: name its CA with `ca`"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host: use a name that it holds in `address`"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired, or this computer's clock is wrong"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet, or this computer's clock is wrong"
        }
        CertificateError::Revoked => "was revoked",
        other => return format!("the certificate of {host} cannot be trusted: {other}"),
    };
    format!("the certificate of {host} {words}")
}

fn alert_words(alert: AlertDescription, address: &Address) -> String {
    let words = match alert {
        AlertDescription::CertificateRequired => {
            "asks for a certificate of ours: name it with `certificate` and `key`"
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::AccessDenied => "does not accept our certificate",
        AlertDescription::NoApplicationProtocol => "wants another `alpn`",
        AlertDescription::ProtocolVersion => "speaks no TLS 1.2 or 1.3",
        AlertDescription::HandshakeFailure => {
            "has too little in common with us, or asks for a certificate of ours"
        }
        other => return format!("{address} ended the TLS handshake: {other:?}"),
    };
    format!("{address} {words}")
}

fn refusal_words(reason: Reason, settings: &Settings) -> String {
    match reason {
        Reason::BadUserNameOrPassword => "wrong user name or password".to_owned(),
        Reason::NotAuthorized | Reason::Banned => {
            format!("not authorized as {}", who(settings))
        }
        Reason::UnsupportedProtocolVersion => match settings.version {
            Version::V5 => "MQTT 5.0 is not spoken there: write version = \"3.1.1\"".to_owned(),
            Version::V311 => "MQTT 3.1.1 is not spoken there".to_owned(),
        },
        Reason::ClientIdentifierNotValid => {
            "the client id is not allowed there: choose another `client_id`".to_owned()
        }
        Reason::ServerUnavailable | Reason::ServerBusy => {
            "the broker is not available now".to_owned()
        }
        Reason::BadAuthenticationMethod => {
            "it takes only a kind of login that bridges do not have".to_owned()
        }
        Reason::QosNotSupported | Reason::RetainNotSupported => {
            "it does not take the kept message of `presence`".to_owned()
        }
        other => code(other),
    }
}

/// The password is nobody's business.
fn who(settings: &Settings) -> String {
    match &settings.user {
        Some(user) => format!("{user:?}"),
        None => "a client without a name: set `user`".to_owned(),
    }
}

fn dismissal_words(reason: Reason, settings: &Settings) -> String {
    match reason {
        Reason::SessionTakenOver => {
            let id = settings.client_id.as_deref().unwrap_or_default();
            format!("another client came with our client id {id:?}: each needs its own `client_id`")
        }
        Reason::ServerShuttingDown => "the broker stops".to_owned(),
        Reason::NotAuthorized => format!("not authorized as {}", who(settings)),
        Reason::KeepAliveTimeout => "we were silent for too long".to_owned(),
        Reason::PacketTooLarge => "a message was too large for it".to_owned(),
        Reason::Success => "the broker ended the connection".to_owned(),
        other => code(other),
    }
}

fn no_answer_words(settings: &Settings) -> String {
    let address = &settings.address;
    let tls = match address.scheme {
        Scheme::Mqtt => "TLS (mqtts://), ",
        Scheme::Mqtts => "",
    };
    let version = match settings.version {
        Version::V5 => "an older MQTT (version = \"3.1.1\"), ",
        Version::V311 => "",
    };
    format!(
        "{address} closed the connection instead of an answer; it may want {tls}{version}another \
         `client_id`, or not know us"
    )
}

fn code(reason: Reason) -> String {
    format!("{reason:?} (reason 0x{:02x})", reason.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let address = Address {
            scheme: Scheme::Mqtts,
            host: "broker.example".into(),
            port: 8883,
        };
        Settings {
            user: Some("house7".into()),
            client_id: Some("hearth-pi".into()),
            ..Settings::new("cloud", address)
        }
    }

    fn say(trouble: Trouble) -> String {
        trouble.explain(&settings())
    }

    fn tls(error: TlsError) -> String {
        say(Trouble::NoTls(io::Error::new(
            io::ErrorKind::InvalidData,
            error,
        )))
    }

    #[test]
    fn common_troubles_say_what_to_do() {
        let certificate = |fault| tls(TlsError::InvalidCertificate(fault));
        assert_eq!(
            certificate(CertificateError::NotValidForName),
            "the certificate of broker.example is for another host: use a name that it holds in \
             `address`"
        );
        assert!(certificate(CertificateError::UnknownIssuer).contains("`ca`"));
        assert!(
            tls(TlsError::AlertReceived(
                AlertDescription::CertificateRequired
            ))
            .contains("`key`")
        );
        let plain = tls(TlsError::InvalidMessage(InvalidMessage::InvalidContentType));
        assert!(plain.starts_with("mqtts://broker.example:8883 does not speak TLS"));
        let ended = say(Trouble::NoTls(io::ErrorKind::ConnectionReset.into()));
        assert!(ended.contains("does not speak TLS there"), "{ended}");
        let refused = say(Trouble::Unreachable(
            io::ErrorKind::ConnectionRefused.into(),
        ));
        assert!(refused.contains("is the port right?"), "{refused}");
        let taken = say(Trouble::Dismissed(Reason::SessionTakenOver, None));
        assert!(taken.contains("\"hearth-pi\""), "{taken}");
        assert!(say(Trouble::NoAnswer).contains("version = \"3.1.1\""));
    }

    #[test]
    fn refusals_name_the_user_and_what_the_other_side_said() {
        assert_eq!(
            say(Trouble::Refused(Reason::BadUserNameOrPassword, None)),
            "refused: wrong user name or password"
        );
        let said = Some("no \"quota\"\n".to_owned());
        assert_eq!(
            say(Trouble::Refused(Reason::NotAuthorized, said)),
            r#"refused: not authorized as "house7" ("no \"quota\"\n")"#
        );
        assert_eq!(
            say(Trouble::Refused(Reason::ServerMoved, None)),
            "refused: ServerMoved (reason 0x9d)"
        );
    }

    #[test]
    fn an_address_is_written_as_it_is_read() {
        let mut address = settings().address;
        assert_eq!(address.to_string(), "mqtts://broker.example:8883");
        (address.scheme, address.host) = (Scheme::Mqtt, "::1".into());
        assert_eq!(address.to_string(), "mqtt://[::1]:8883");
    }
}
