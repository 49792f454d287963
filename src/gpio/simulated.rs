//! Pins that exist in memory only, for trying a config on another computer and
//! for tests, which turn the knobs of a [`Board`].

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::level::{Duty, Level};
use super::lines::{Claimed, Edge, LineError, Lines};
use super::{Bias, Direction, PinSettings};

/// By BCM number, for how much of the time a pin is high; always or never
/// without PWM.
type Levels = BTreeMap<u8, Duty>;

fn steady(high: bool) -> Duty {
    if high { Duty::FULL } else { Duty::OFF }
}

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
        self.set_duty(gpio, steady(high));
    }

    /// The level of a pin that was ever driven or pulled; with PWM, whether it
    /// is ever high.
    pub fn level(&self, gpio: u8) -> Option<bool> {
        Some(self.duty(gpio)? > Duty::OFF)
    }

    /// For how much of the time a pin is high.
    pub fn duty(&self, gpio: u8) -> Option<Duty> {
        self.levels.borrow().get(&gpio).copied()
    }

    fn set_duty(&self, gpio: u8, high: Duty) {
        self.levels.send_modify(|levels| {
            levels.insert(gpio, high);
        });
    }

    /// A driver of this board's pins.
    pub fn lines(&self) -> Simulated {
        let mut changes = self.levels.subscribe();
        let seen = changes.borrow_and_update().clone();
        Simulated {
            pins: BTreeMap::new(),
            board: self.clone(),
            changes,
            seen,
        }
    }
}

/// Lines of a simulated [`Board`]: outputs take their safe state, inputs that
/// nobody pulled rest where their bias puts them.
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
        let high = now.get(&changed.gpio).copied().unwrap_or(Duty::OFF);
        self.seen.insert(changed.gpio, high);
        Some(Edge {
            offset: changed.gpio,
            active: (high > Duty::OFF) != changed.active_low,
        })
    }
}

impl Lines for Simulated {
    fn chip(&self) -> &str {
        "simulated"
    }

    fn claim(&mut self, pin: &PinSettings) -> Result<Claimed, LineError> {
        self.pins.insert(pin.gpio, pin.clone());
        if let Some(safe) = pin.direction.safe() {
            self.write(pin.gpio, safe)?;
        } else if let Direction::Input { bias, .. } = pin.direction {
            let pulled = self.board.level(pin.gpio);
            let high = pulled.unwrap_or(bias == Bias::PullUp);
            self.board.set_level(pin.gpio, high);
            self.seen.insert(pin.gpio, steady(high));
        }
        Ok(Claimed::Raw)
    }

    fn read(&self, offset: u8) -> Result<Level, LineError> {
        let pin = self.pin(offset)?;
        let high = self.board.duty(offset).unwrap_or(Duty::OFF);
        let duty = if pin.active_low {
            high.inverted()
        } else {
            high
        };
        Ok(match pin.direction {
            Direction::Pwm { .. } => Level::Duty(duty),
            _ => Level::Switch(duty > Duty::OFF),
        })
    }

    fn write(&mut self, offset: u8, level: Level) -> Result<(), LineError> {
        let active = match level {
            Level::Switch(active) => steady(active),
            Level::Duty(duty) => duty,
        };
        let inverted = self.pin(offset)?.active_low;
        let high = if inverted { active.inverted() } else { active };
        self.board.set_duty(offset, high);
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

    fn claimed(board: &Board, pins: &[PinSettings]) -> Simulated {
        let mut lines = board.lines();
        for pin in pins {
            lines.claim(pin).unwrap();
        }
        lines
    }

    fn input(bias: Bias) -> Direction {
        let debounce = Duration::ZERO;
        Direction::Input { bias, debounce }
    }

    #[test]
    fn outputs_take_their_safe_state_and_inputs_rest_at_their_bias() {
        let board = Board::default();
        let lines = claimed(
            &board,
            &[
                pin(17, true, Direction::Output { safe: false }),
                pin(4, true, input(Bias::PullUp)),
                pin(5, false, input(Bias::PullDown)),
            ],
        );
        assert_eq!(board.level(17), Some(true));
        for offset in [17, 4, 5] {
            assert_eq!(
                lines.read(offset),
                Ok(Level::Switch(false)),
                "GPIO {offset}"
            );
        }
    }

    #[tokio::test]
    async fn a_change_of_an_input_is_an_edge_and_one_of_an_output_is_none() {
        let board = Board::default();
        let mut lines = claimed(
            &board,
            &[
                pin(17, false, Direction::Output { safe: false }),
                pin(4, true, input(Bias::PullUp)),
            ],
        );
        lines.write(17, Level::Switch(true)).unwrap();
        board.set_level(4, false);
        let pressed = Edge {
            offset: 4,
            active: true,
        };
        assert_eq!(lines.next_edge().await, Ok(pressed));
        assert!(lines.take_change().is_none());
    }

    #[test]
    fn a_pwm_pin_that_is_active_low_is_high_for_the_rest_of_the_time() {
        let board = Board::default();
        let duty = |percent| Duty::from_percent(percent).unwrap();
        let pwm = Direction::Pwm {
            frequency: 1000,
            safe: duty(20.0),
        };
        let mut lines = claimed(&board, &[pin(18, true, pwm)]);
        assert_eq!(board.duty(18), Some(duty(80.0)));
        lines.write(18, Level::Duty(duty(37.5))).unwrap();
        assert_eq!(board.duty(18), Some(duty(62.5)));
        assert_eq!(lines.read(18), Ok(Level::Duty(duty(37.5))));
    }

    #[test]
    fn a_line_that_was_not_requested_is_refused() {
        let mut lines = Board::default().lines();
        assert!(lines.read(3).is_err() && lines.write(3, Level::Switch(true)).is_err());
    }
}
