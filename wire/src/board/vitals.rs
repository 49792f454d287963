//! How a board is, on 0x0202. A later version may add fields at the end, which an older
//! gateway passes over.

/// The length of what this version writes.
pub const VITALS: usize = 18;

/// The version of a firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firmware {
    /// Changes when a gateway must change too.
    pub major: u8,
    /// Changes when the board can do more.
    pub minor: u8,
    /// Changes otherwise.
    pub patch: u8,
}

/// Why a board started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResetCause {
    /// Not one of these.
    Unknown = 0,
    /// The power came.
    PowerOn = 1,
    /// The button, or the line was opened.
    External = 2,
    /// The power was too weak.
    BrownOut = 3,
    /// The firmware hung.
    Watchdog = 4,
}

impl ResetCause {
    /// Codes of later versions are unknown.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::PowerOn,
            2 => Self::External,
            3 => Self::BrownOut,
            4 => Self::Watchdog,
            _ => Self::Unknown,
        }
    }
}

/// The payload on 0x0202, big endian, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// The oldest version of the map that the board understands.
    pub min: u8,
    /// The newest.
    pub current: u8,
    /// What runs on it.
    pub firmware: Firmware,
    /// Why it started.
    pub cause: ResetCause,
    /// Seconds since the start.
    pub uptime: u32,
    /// Frames that it received since the start; wraps.
    pub frames: u32,
    /// Frames that it refused since the start; wraps.
    pub bad_frames: u16,
    /// Octets that it lost for want of time or room since the start; wraps.
    pub overruns: u16,
}

impl Vitals {
    /// The payload.
    #[must_use]
    pub const fn encode(&self) -> [u8; VITALS] {
        let Firmware {
            major,
            minor,
            patch,
        } = self.firmware;
        let [u3, u2, u1, u0] = self.uptime.to_be_bytes();
        let [f3, f2, f1, f0] = self.frames.to_be_bytes();
        let [b1, b0] = self.bad_frames.to_be_bytes();
        let [o1, o0] = self.overruns.to_be_bytes();
        let cause = self.cause as u8;
        [
            self.min,
            self.current,
            major,
            minor,
            patch,
            cause,
            u3,
            u2,
            u1,
            u0,
            f3,
            f2,
            f1,
            f0,
            b1,
            b0,
            o1,
            o0,
        ]
    }

    /// `None`: too short.
    #[must_use]
    pub const fn decode(octets: &[u8]) -> Option<Self> {
        let [
            min,
            current,
            major,
            minor,
            patch,
            cause,
            u3,
            u2,
            u1,
            u0,
            f3,
            f2,
            f1,
            f0,
            b1,
            b0,
            o1,
            o0,
            ..,
        ] = *octets
        else {
            return None;
        };
        Some(Self {
            min,
            current,
            firmware: Firmware {
                major,
                minor,
                patch,
            },
            cause: ResetCause::from_code(cause),
            uptime: u32::from_be_bytes([u3, u2, u1, u0]),
            frames: u32::from_be_bytes([f3, f2, f1, f0]),
            bad_frames: u16::from_be_bytes([b1, b0]),
            overruns: u16::from_be_bytes([o1, o0]),
        })
    }
}
