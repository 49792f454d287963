//! A chip that does what it is told, and can be made to fail.

use hearth_logic::Hardware;

/// What drives a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    Input { pull_up: bool },
    Output(bool),
    Pwm(u8),
    Servo(u8),
}

/// A DS18B20 on its line.
#[derive(Clone, Copy, Debug)]
pub struct Sensor {
    pub pin: u8,
    pub sixteenths: i16,
    /// Turned round in the octets that are read.
    pub damage: u8,
    /// Without power for the line nothing is read but zeros.
    pub is_short: bool,
    converted: Option<i16>,
    command: u8,
    at: usize,
}

#[derive(Clone, Debug)]
pub struct Chip {
    pub drives: [Drive; 20],
    /// The level that the world gives to a pin; `None`: that of its driver or pull-up.
    pub forced: [Option<bool>; 20],
    pub analog: [u16; 20],
    pub sensors: Vec<Sensor>,
    pub eeprom: [u8; 1024],
    /// Octets that do not keep what is written.
    pub worn: Vec<u16>,
    pub eeprom_writes: u32,
    /// Milliseconds until the EEPROM takes the next octet.
    busy: u8,
    pub sent: Vec<u8>,
    pub overruns: u16,
}

impl Default for Chip {
    fn default() -> Self {
        Self {
            drives: [Drive::Input { pull_up: false }; 20],
            forced: [None; 20],
            analog: [0; 20],
            sensors: Vec::new(),
            eeprom: [0xFF; 1024],
            worn: Vec::new(),
            eeprom_writes: 0,
            busy: 0,
            sent: Vec::new(),
            overruns: 0,
        }
    }
}

impl Chip {
    pub fn pass_millisecond(&mut self) {
        self.busy = self.busy.saturating_sub(1);
    }

    pub fn lose_power(&mut self) {
        self.drives = [Drive::Input { pull_up: false }; 20];
        self.busy = 0;
        self.sent.clear();
    }

    pub fn add_sensor(&mut self, pin: u8, sixteenths: i16) {
        self.sensors.push(Sensor {
            pin,
            sixteenths,
            damage: 0,
            is_short: false,
            converted: None,
            command: 0,
            at: 0,
        });
    }

    fn sensor(&mut self, pin: u8) -> Option<&mut Sensor> {
        self.sensors.iter_mut().find(|sensor| sensor.pin == pin)
    }
}

impl Hardware for Chip {
    fn input(&mut self, pin: u8, pull_up: bool) {
        self.drives[usize::from(pin)] = Drive::Input { pull_up };
    }

    fn output(&mut self, pin: u8, high: bool) {
        self.drives[usize::from(pin)] = Drive::Output(high);
    }

    fn read(&mut self, pin: u8) -> bool {
        let pin = usize::from(pin);
        self.forced[pin].unwrap_or(match self.drives[pin] {
            Drive::Input { pull_up } => pull_up,
            Drive::Output(high) => high,
            Drive::Pwm(_) | Drive::Servo(_) => false,
        })
    }

    fn analog(&mut self, pin: u8) -> u16 {
        assert!((14..20).contains(&pin), "pin {pin} has no converter");
        self.analog[usize::from(pin)]
    }

    fn pwm(&mut self, pin: u8, duty: u8) {
        self.drives[usize::from(pin)] = Drive::Pwm(duty);
    }

    fn servo(&mut self, pin: u8, degrees: u8) {
        self.drives[usize::from(pin)] = Drive::Servo(degrees);
    }

    fn one_wire_reset(&mut self, pin: u8) -> bool {
        let Some(sensor) = self.sensor(pin) else {
            return false;
        };
        (sensor.command, sensor.at) = (0, 0);
        true
    }

    fn one_wire_write(&mut self, pin: u8, octet: u8) {
        let Some(sensor) = self.sensor(pin) else {
            return;
        };
        match (sensor.command, octet) {
            (0, 0xCC) => sensor.command = 0xCC,
            (0xCC, 0x44) => sensor.converted = Some(sensor.sixteenths),
            (0xCC, 0xBE) => sensor.command = 0xBE,
            other => panic!("a thermometer does not understand {other:x?}"),
        }
    }

    fn one_wire_read(&mut self, pin: u8) -> u8 {
        let Some(sensor) = self.sensor(pin) else {
            return 0xFF;
        };
        assert_eq!(sensor.command, 0xBE, "nothing was asked for");
        let [low, high] = sensor
            .converted
            .expect("nothing was converted")
            .to_le_bytes();
        let mut octets = vec![low, high, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10];
        octets.push(crc(&octets));
        let octet = octets[sensor.at] ^ sensor.damage;
        sensor.at += 1;
        if sensor.is_short { 0 } else { octet }
    }

    fn eeprom_read(&mut self, address: u16) -> u8 {
        self.eeprom[usize::from(address)]
    }

    fn eeprom_write(&mut self, address: u16, octet: u8) -> bool {
        assert!(address < Self::EEPROM, "address {address} is not ours");
        if self.busy > 0 {
            return false;
        }
        let place = &mut self.eeprom[usize::from(address)];
        if *place != octet {
            if !self.worn.contains(&address) {
                *place = octet;
            }
            self.eeprom_writes += 1;
            self.busy = 4;
        }
        true
    }

    fn send(&mut self, octet: u8) {
        self.sent.push(octet);
    }

    fn overruns(&self) -> u16 {
        self.overruns
    }
}

/// The polynomial of the data sheet, from the highest bit on.
fn crc(octets: &[u8]) -> u8 {
    let bits = octets
        .iter()
        .flat_map(|octet| (0..8).map(move |bit| octet >> bit & 1));
    let crc = bits.fold(0_u8, |crc, bit| {
        let feed = crc >> 7 ^ bit;
        crc << 1 ^ if feed == 1 { 0x31 } else { 0 }
    });
    crc.reverse_bits()
}
