//! Pins that exist in memory only, for trying a config on another computer and
//! for tests, which turn the knobs of a [`Board`].

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::lines::{Edge, LineError, Lines};
use super::{Bias, Direction, PinSettings};

/// Levels by BCM number, high or low.
type Levels = BTreeMap<u8, bool>;

/// The board around the simulated pins; like a real one it keeps its levels
/// while nobody has requested them. Cheap to clone, all clones are one board.
#[derive(Clone, Debug)]
pub struct Board {
    // A watch holds the present levels and no queue: a reader that is late
    // sees the newest level, as one who looks at a real pin does.
    levels: Arc<watch::Sender<Levels>>,
}

impl Default for Board {
    fn default() -> Board {
        Board {
            levels: Arc::new(watch::Sender::new(Levels::new())),
        }
    }
}

impl Board {
    /// Pulls a pin high or low from outside.
    pub fn set_level(&self, gpio: u8, high: bool) {
        self.levels.send_modify(|levels| {
            levels.insert(gpio, high);
        });
    }

    /// The level of a pin that was ever driven or pulled.
    pub fn level(&self, gpio: u8) -> Option<bool> {
        self.levels.borrow().get(&gpio).copied()
    }

    /// Requests lines: outputs take their safe state, inputs that nobody
    /// pulled rest where their bias puts them.
    pub fn request(&self, pins: &[PinSettings]) -> Simulated {
        self.levels.send_modify(|levels| {
            for pin in pins {
                rest(levels, pin);
            }
        });
        let mut changes = self.levels.subscribe();
        let seen = changes.borrow_and_update().clone();
        Simulated {
            pins: pins.iter().map(|pin| (pin.gpio, pin.clone())).collect(),
            board: self.clone(),
            changes,
            seen,
        }
    }
}

fn rest(levels: &mut Levels, pin: &PinSettings) {
    match pin.direction {
        Direction::Output { safe } => {
            levels.insert(pin.gpio, safe != pin.active_low);
        }
        Direction::Input { bias, .. } => {
            levels.entry(pin.gpio).or_insert(bias == Bias::PullUp);
        }
    }
}

/// Requested lines of a simulated [`Board`].
#[derive(Debug)]
pub struct Simulated {
    pins: BTreeMap<u8, PinSettings>,
    board: Board,
    changes: watch::Receiver<Levels>,
    seen: Levels,
}

impl Simulated {
    fn pin(&self, offset: u8) -> Result<&PinSettings, LineError> {
        self.pins.get(&offset).ok_or_else(|| {
            LineError::failed(
                format!("use simulated GPIO {offset}"),
                "it was not requested",
            )
        })
    }

    /// The first input whose level is another one than was seen last.
    fn take_change(&mut self) -> Option<Edge> {
        let now = self.changes.borrow_and_update().clone();
        let changed = self.pins.values().find(|pin| {
            matches!(pin.direction, Direction::Input { .. })
                && now.get(&pin.gpio) != self.seen.get(&pin.gpio)
        })?;
        let high = now.get(&changed.gpio).copied().unwrap_or(false);
        self.seen.insert(changed.gpio, high);
        Some(Edge {
            offset: changed.gpio,
            active: high != changed.active_low,
        })
    }
}

impl Lines for Simulated {
    fn chip(&self) -> &str {
        "simulated"
    }

    fn read(&self, offset: u8) -> Result<bool, LineError> {
        let pin = self.pin(offset)?;
        let high = self.board.level(offset).unwrap_or(false);
        Ok(high != pin.active_low)
    }

    fn write(&mut self, offset: u8, active: bool) -> Result<(), LineError> {
        let high = active != self.pin(offset)?.active_low;
        self.board.set_level(offset, high);
        Ok(())
    }

    async fn next_edge(&mut self) -> Result<Edge, LineError> {
        loop {
            if let Some(edge) = self.take_change() {
                return Ok(edge);
            }
            let changed = self.changes.changed().await;
            changed.map_err(|_| LineError::failed("watch the simulated pins", "they are gone"))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gpio::Bias;

    fn pin(gpio: u8, active_low: bool, direction: Direction) -> PinSettings {
        PinSettings {
            name: format!("pin-{gpio}"),
            room: "lab".into(),
            gpio,
            direction,
            active_low,
            device_class: None,
        }
    }

    fn input(bias: Bias) -> Direction {
        let debounce = Duration::ZERO;
        Direction::Input { bias, debounce }
    }

    #[test]
    fn outputs_take_their_safe_state_and_inputs_rest_at_their_bias() {
        let board = Board::default();
        let lines = board.request(&[
            pin(17, true, Direction::Output { safe: false }),
            pin(4, true, input(Bias::PullUp)),
            pin(5, false, input(Bias::PullDown)),
        ]);
        assert_eq!(board.level(17), Some(true));
        for offset in [17, 4, 5] {
            assert_eq!(lines.read(offset), Ok(false), "GPIO {offset}");
        }
    }

    #[tokio::test]
    async fn a_change_of_an_input_is_an_edge_and_one_of_an_output_is_none() {
        let board = Board::default();
        let mut lines = board.request(&[
            pin(17, false, Direction::Output { safe: false }),
            pin(4, true, input(Bias::PullUp)),
        ]);
        lines.write(17, true).unwrap();
        board.set_level(4, false);
        let pressed = Edge {
            offset: 4,
            active: true,
        };
        assert_eq!(lines.next_edge().await, Ok(pressed));
        assert!(lines.take_change().is_none());
    }

    #[test]
    fn a_line_that_was_not_requested_is_refused() {
        let mut lines = Board::default().request(&[]);
        assert!(lines.read(3).is_err() && lines.write(3, true).is_err());
    }
}
