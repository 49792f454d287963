//! Lines that cannot be given back without their outputs being made safe.

use super::PinSettings;
use super::level::Level;
use super::lines::{Claimed, LineError, Lines};

/// Wraps lines. Dropping it, whether at a stop, after an error or in a panic,
/// first drives every claimed output to its safe state.
#[derive(Debug)]
pub struct Guarded<L: Lines> {
    lines: L,
    safe: Vec<(u8, Level)>,
}

impl<L: Lines> Guarded<L> {
    /// Guards the outputs that are claimed through it.
    pub fn new(lines: L) -> Guarded<L> {
        Guarded {
            lines,
            safe: Vec::new(),
        }
    }

    /// Claims the line of a pin, and guards it from then on.
    ///
    /// # Errors
    /// The driver's.
    pub fn claim(&mut self, pin: &PinSettings) -> Result<Claimed, LineError> {
        let claimed = self.lines.claim(pin)?;
        let safe = pin.direction.safe().map(|safe| (pin.gpio, safe));
        self.safe.extend(safe);
        Ok(claimed)
    }

    /// The lines.
    pub fn lines(&mut self) -> &mut L {
        &mut self.lines
    }

    /// Drives every claimed output to its safe state, also those after one
    /// that fails.
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
    use crate::gpio::Direction;
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

    fn guarded<L: Lines>(lines: L, pins: &[PinSettings]) -> Guarded<L> {
        let mut guarded = Guarded::new(lines);
        for pin in pins {
            guarded.claim(pin).unwrap();
        }
        guarded
    }

    const ON: Level = Level::Switch(true);
    const OFF: Level = Level::Switch(false);

    #[test]
    fn a_drop_leaves_every_output_safe() {
        let board = Board::default();
        let pins = [output(17, false), output(18, true)];
        let mut guarded = guarded(board.lines(), &pins);
        guarded.lines().write(17, ON).unwrap();
        guarded.lines().write(18, OFF).unwrap();
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
            let mut guarded = guarded(board.lines(), &pins);
            guarded.lines().write(17, ON).unwrap();
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
        fn claim(&mut self, _: &PinSettings) -> Result<Claimed, LineError> {
            Ok(Claimed::Raw)
        }
        fn read(&self, _: u8) -> Result<Level, LineError> {
            Ok(OFF)
        }
        fn write(&mut self, offset: u8, _: Level) -> Result<(), LineError> {
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
        let mut guarded = guarded(lines, &pins);
        assert!(guarded.make_safe().is_err());
        assert_eq!(guarded.lines().written, [17, 18]);
    }
}
