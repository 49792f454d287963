//! Lines that cannot be given back without their outputs being made safe.

use super::lines::{LineError, Lines};
use super::{Direction, PinSettings};

/// Wraps requested lines. Dropping it, whether at a stop, after an error or in
/// a panic, first drives every output to its safe state.
#[derive(Debug)]
pub struct Guarded<L: Lines> {
    lines: L,
    safe: Vec<(u8, bool)>,
}

impl<L: Lines> Guarded<L> {
    /// Guards the outputs among `pins`.
    pub fn new(lines: L, pins: &[PinSettings]) -> Guarded<L> {
        let safe = |pin: &PinSettings| match pin.direction {
            Direction::Output { safe } => Some((pin.gpio, safe)),
            Direction::Input { .. } => None,
        };
        Guarded {
            lines,
            safe: pins.iter().filter_map(safe).collect(),
        }
    }

    /// The lines.
    pub fn lines(&mut self) -> &mut L {
        &mut self.lines
    }

    /// Drives every output to its safe state, also those after one that fails.
    ///
    /// # Errors
    /// The first failure.
    pub fn make_safe(&mut self) -> Result<(), LineError> {
        let lines = &mut self.lines;
        let outcomes = self
            .safe
            .iter()
            .map(|(offset, safe)| lines.write(*offset, *safe));
        outcomes.fold(Ok(()), Result::and)
    }
}

impl<L: Lines> Drop for Guarded<L> {
    fn drop(&mut self) {
        if let Err(error) = self.make_safe() {
            tracing::error!("an output may not be in its safe state: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpio::lines::Edge;
    use crate::gpio::simulated::Board;

    fn output(gpio: u8, safe: bool) -> PinSettings {
        PinSettings {
            name: format!("pin-{gpio}"),
            room: "lab".into(),
            gpio,
            direction: Direction::Output { safe },
            active_low: false,
            device_class: None,
        }
    }

    #[test]
    fn a_drop_leaves_every_output_safe() {
        let board = Board::default();
        let pins = [output(17, false), output(18, true)];
        let mut guarded = Guarded::new(board.request(&pins), &pins);
        guarded.lines().write(17, true).unwrap();
        guarded.lines().write(18, false).unwrap();
        assert_eq!(
            (board.level(17), board.level(18)),
            (Some(true), Some(false))
        );
        drop(guarded);
        assert_eq!(
            (board.level(17), board.level(18)),
            (Some(false), Some(true))
        );
    }

    #[test]
    fn a_panic_leaves_every_output_safe() {
        let board = Board::default();
        let outside = board.clone();
        let panicked = std::thread::spawn(move || {
            let pins = [output(17, false)];
            let mut guarded = Guarded::new(board.request(&pins), &pins);
            guarded.lines().write(17, true).unwrap();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(outside.level(17), Some(false));
    }

    /// Lines of which one is broken.
    struct Broken {
        written: Vec<u8>,
    }

    impl Lines for Broken {
        fn chip(&self) -> &str {
            "broken"
        }
        fn read(&self, _: u8) -> Result<bool, LineError> {
            Ok(false)
        }
        fn write(&mut self, offset: u8, _: bool) -> Result<(), LineError> {
            self.written.push(offset);
            match offset {
                17 => Err(LineError::failed("switch GPIO 17", "broken")),
                _ => Ok(()),
            }
        }
        async fn next_edge(&mut self) -> Result<Edge, LineError> {
            std::future::pending().await
        }
    }

    #[test]
    fn a_broken_line_does_not_keep_the_others_from_being_safe() {
        let pins = [output(17, false), output(18, false)];
        let lines = Broken { written: vec![] };
        let mut guarded = Guarded::new(lines, &pins);
        assert!(guarded.make_safe().is_err());
        assert_eq!(guarded.lines().written, [17, 18]);
    }
}
