//! What is soldered to the pins of the boards that run Hearth's firmware. Pure.
//!
//! The firmware knows nothing of it: it gets its pin map over MQTT, as any
//! board does, and another map finds other parts, or none.

use super::physics::House;

/// Where a board with Hearth's firmware sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    LivingRoom,
    Greenhouse,
}

/// What hangs on a pin.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// A DS18B20 that is so warm, in °C.
    Thermometer(fn(&mut House) -> f64),
    /// A sensor with a voltage, as a share of the supply's.
    Voltage(fn(&mut House) -> f64),
    /// Something that makes the pin high while it is so.
    Contact(fn(&House) -> bool),
    /// Something that is driven by the pin, with a duty of 0 to 255.
    Actuator(fn(&mut House, u8)),
}

/// The light sensor gives the whole supply at so many lx.
const BRIGHTEST: f64 = 1000.0;

impl Wiring {
    /// One board each.
    pub const ALL: [Wiring; 2] = [Wiring::LivingRoom, Wiring::Greenhouse];

    /// The board's name in the demo's config.
    pub fn name(self) -> &'static str {
        match self {
            Wiring::LivingRoom => "living-room",
            Wiring::Greenhouse => "greenhouse",
        }
    }

    /// The board's id, which a real one draws at its first start.
    pub fn id(self) -> u32 {
        match self {
            Wiring::LivingRoom => 0x0DE3_0001,
            Wiring::Greenhouse => 0x0DE3_0002,
        }
    }

    /// The pin map that fits what is soldered.
    pub fn map(self) -> &'static str {
        match self {
            Wiring::LivingRoom => include_str!("../../examples/demo/living-room.json"),
            Wiring::Greenhouse => include_str!("../../examples/demo/greenhouse.json"),
        }
    }

    /// What hangs on a pin; pin 14 is A0.
    pub fn part(self, pin: u8) -> Option<Part> {
        Some(match (self, pin) {
            (Wiring::LivingRoom, 2) => Part::Contact(|house| house.living_room.presence),
            (Wiring::LivingRoom, 4) => {
                Part::Thermometer(|house| house.noisy(house.living_room.temperature, 0.03))
            }
            (Wiring::LivingRoom, 14) => {
                Part::Voltage(|house| house.noisy(house.living_room.illuminance, 2.0) / BRIGHTEST)
            }
            (Wiring::LivingRoom, 7) => {
                Part::Actuator(|house, duty| house.living_room.lamp = pulls(duty))
            }
            (Wiring::LivingRoom, 8) => {
                Part::Actuator(|house, duty| house.living_room.heater = pulls(duty))
            }
            (Wiring::Greenhouse, 4) => {
                Part::Thermometer(|house| house.noisy(house.greenhouse.temperature, 0.05))
            }
            (Wiring::Greenhouse, 14) => {
                Part::Voltage(|house| house.noisy(house.greenhouse.humidity, 0.3) / 100.0)
            }
            (Wiring::Greenhouse, 15) => {
                Part::Voltage(|house| house.noisy(house.greenhouse.soil_moisture, 0.2) / 100.0)
            }
            (Wiring::Greenhouse, 5) => {
                Part::Actuator(|house, duty| house.greenhouse.fan = percent(duty))
            }
            (Wiring::Greenhouse, 7) => {
                Part::Actuator(|house, duty| house.greenhouse.pump = pulls(duty))
            }
            _ => return None,
        })
    }
}

/// Whether the coil of a relay gets enough.
fn pulls(duty: u8) -> bool {
    duty >= 128
}

fn percent(duty: u8) -> u8 {
    let percent = (u16::from(duty) * 100 + 127) / 255;
    u8::try_from(percent).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::PinMap;
    use crate::home::pin_map::PinKind;

    #[test]
    fn the_maps_name_what_is_on_the_pins() {
        for wiring in Wiring::ALL {
            let map: PinMap = serde_json::from_str(wiring.map()).unwrap();
            map.plan(wiring.name()).unwrap();
            let on_pins = (0..20).filter(|pin| wiring.part(*pin).is_some()).count();
            assert_eq!(map.things.len(), on_pins, "{wiring:?}");
            for thing in map.things {
                let part = wiring.part(thing.pin.number());
                let fits = match thing.kind {
                    PinKind::Ds18b20 => matches!(part, Some(Part::Thermometer(_))),
                    PinKind::Analog => matches!(part, Some(Part::Voltage(_))),
                    PinKind::Digital => matches!(part, Some(Part::Contact(_))),
                    PinKind::Relay | PinKind::Pwm => matches!(part, Some(Part::Actuator(_))),
                    PinKind::Servo | PinKind::Counter => false,
                };
                assert!(fits, "{wiring:?}: {thing:?} {part:?}");
            }
        }
    }

    #[test]
    fn every_duty_of_a_percentage_is_that_percentage() {
        let duty = |percent: u16| u8::try_from((percent * 255 + 50) / 100).unwrap();
        for percentage in 0..=100 {
            assert_eq!(u16::from(percent(duty(percentage))), percentage);
        }
    }
}
