//! The pins of a Pi, as the kernel's gpio-sim has them.

use gpiosim::{Bank, Level, Sim, builder};

use crate::machine;

/// A Pi 4's header. Dropping it takes it away.
pub struct Header {
    sim: Sim,
}

impl Header {
    pub fn new() -> Header {
        machine::needed();
        let bank = Bank::new(28, "pinctrl-bcm2711");
        let sim = builder().with_bank(&bank).live().unwrap();
        Header { sim }
    }

    pub fn chip(&self) -> &gpiosim::Chip {
        &self.sim.chips()[0]
    }

    /// Pulls a pin high or low from outside.
    pub fn pull(&self, gpio: u32, high: bool) {
        let level = if high { Level::High } else { Level::Low };
        self.chip().set_pull(gpio, level).unwrap();
    }

    /// Whether a pin is high.
    pub fn is_high(&self, gpio: u32) -> bool {
        self.chip().get_level(gpio).unwrap() == Level::High
    }

    /// What the kernel says of a line: its user, bias, debounce and so on.
    pub fn line(&self, gpio: u32) -> gpiocdev::line::Info {
        let chip = gpiocdev::Chip::from_path(self.chip().dev_path()).unwrap();
        chip.line_info(gpio).unwrap()
    }
}
