//! Reason codes of MQTT 5.0 (2.4) and what 3.1.1 says in their place.

use super::error::DecodeError;
use super::wire::Reader;

/// Why a packet was sent, accepted or refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// Also: normal disconnection, granted QoS 0.
    #[default]
    Success = 0x00,
    GrantedQos1 = 0x01,
    GrantedQos2 = 0x02,
    DisconnectWithWill = 0x04,
    NoMatchingSubscribers = 0x10,
    NoSubscriptionExisted = 0x11,
    ContinueAuthentication = 0x18,
    ReAuthenticate = 0x19,
    UnspecifiedError = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    ImplementationSpecificError = 0x83,
    UnsupportedProtocolVersion = 0x84,
    ClientIdentifierNotValid = 0x85,
    BadUserNameOrPassword = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    ServerBusy = 0x89,
    Banned = 0x8a,
    ServerShuttingDown = 0x8b,
    BadAuthenticationMethod = 0x8c,
    KeepAliveTimeout = 0x8d,
    SessionTakenOver = 0x8e,
    TopicFilterInvalid = 0x8f,
    TopicNameInvalid = 0x90,
    PacketIdentifierInUse = 0x91,
    PacketIdentifierNotFound = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    MessageRateTooHigh = 0x96,
    QuotaExceeded = 0x97,
    AdministrativeAction = 0x98,
    PayloadFormatInvalid = 0x99,
    RetainNotSupported = 0x9a,
    QosNotSupported = 0x9b,
    UseAnotherServer = 0x9c,
    ServerMoved = 0x9d,
    SharedSubscriptionsNotSupported = 0x9e,
    ConnectionRateExceeded = 0x9f,
    MaximumConnectTime = 0xa0,
    SubscriptionIdentifiersNotSupported = 0xa1,
    WildcardSubscriptionsNotSupported = 0xa2,
}

impl Reason {
    /// The reason with this code.
    pub fn from_code(code: u8) -> Option<Reason> {
        ALL.iter().copied().find(|reason| *reason as u8 == code)
    }

    /// The byte on the wire.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Codes from 0x80 up say that something failed.
    pub fn is_error(self) -> bool {
        self.code() >= 0x80
    }

    /// What a 3.1.1 CONNACK says instead (3.2.2.3 there). It knows five refusals;
    /// all others become 3, the server is unavailable.
    pub fn connect_return_code(self) -> u8 {
        match self {
            reason if !reason.is_error() => 0,
            Reason::UnsupportedProtocolVersion => 1,
            Reason::ClientIdentifierNotValid => 2,
            Reason::BadUserNameOrPassword | Reason::BadAuthenticationMethod => 4,
            Reason::NotAuthorized | Reason::Banned => 5,
            _ => 3,
        }
    }

    /// What a 3.1.1 SUBACK says instead (3.9.3 there).
    pub fn subscribe_return_code(self) -> u8 {
        if self.is_error() { 0x80 } else { self.code() }
    }

    pub(super) fn from_connect_return_code(code: u8) -> Option<Reason> {
        const CODES: [Reason; 6] = [
            Reason::Success,
            Reason::UnsupportedProtocolVersion,
            Reason::ClientIdentifierNotValid,
            Reason::ServerUnavailable,
            Reason::BadUserNameOrPassword,
            Reason::NotAuthorized,
        ];
        CODES.get(usize::from(code)).copied()
    }

    /// Reads a reason that is `allowed` in its packet.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        section: &'static str,
        allowed: impl Fn(&Reason) -> bool,
    ) -> Result<Reason, DecodeError> {
        let code = reader.u8()?;
        Reason::from_code(code)
            .filter(allowed)
            .ok_or_else(|| Reason::misplaced(code, section))
    }

    /// The error for a code that its packet does not have.
    pub(super) fn misplaced(code: u8, section: &'static str) -> DecodeError {
        DecodeError::protocol(
            section,
            format!("reason 0x{code:02x} does not belong in it"),
        )
    }
}

/// Every reason, in the order of its code.
pub const ALL: [Reason; 43] = [
    Reason::Success,
    Reason::GrantedQos1,
    Reason::GrantedQos2,
    Reason::DisconnectWithWill,
    Reason::NoMatchingSubscribers,
    Reason::NoSubscriptionExisted,
    Reason::ContinueAuthentication,
    Reason::ReAuthenticate,
    Reason::UnspecifiedError,
    Reason::MalformedPacket,
    Reason::ProtocolError,
    Reason::ImplementationSpecificError,
    Reason::UnsupportedProtocolVersion,
    Reason::ClientIdentifierNotValid,
    Reason::BadUserNameOrPassword,
    Reason::NotAuthorized,
    Reason::ServerUnavailable,
    Reason::ServerBusy,
    Reason::Banned,
    Reason::ServerShuttingDown,
    Reason::BadAuthenticationMethod,
    Reason::KeepAliveTimeout,
    Reason::SessionTakenOver,
    Reason::TopicFilterInvalid,
    Reason::TopicNameInvalid,
    Reason::PacketIdentifierInUse,
    Reason::PacketIdentifierNotFound,
    Reason::ReceiveMaximumExceeded,
    Reason::TopicAliasInvalid,
    Reason::PacketTooLarge,
    Reason::MessageRateTooHigh,
    Reason::QuotaExceeded,
    Reason::AdministrativeAction,
    Reason::PayloadFormatInvalid,
    Reason::RetainNotSupported,
    Reason::QosNotSupported,
    Reason::UseAnotherServer,
    Reason::ServerMoved,
    Reason::SharedSubscriptionsNotSupported,
    Reason::ConnectionRateExceeded,
    Reason::MaximumConnectTime,
    Reason::SubscriptionIdentifiersNotSupported,
    Reason::WildcardSubscriptionsNotSupported,
];
