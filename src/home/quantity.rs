//! Quantities and their units, under the names that Home Assistant gives its
//! device classes, so that discovery can be published without renaming.

use serde::{Deserialize, Serialize};

use super::device::Kind;

/// What kind of quantity a thing reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceClass {
    AtmosphericPressure,
    Battery,
    CarbonDioxide,
    Current,
    Distance,
    Door,
    Duration,
    Energy,
    Frequency,
    Gas,
    Humidity,
    Illuminance,
    Moisture,
    Motion,
    Occupancy,
    Ph,
    Pm25,
    Power,
    Presence,
    SignalStrength,
    Smoke,
    SoundPressure,
    Speed,
    Temperature,
    Voltage,
    Weight,
    Window,
}

/// What a thing reports and in which unit; guessed from its name when the
/// board does not say.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    pub kind: Kind,
    pub device_class: Option<DeviceClass>,
    pub unit: Option<&'static str>,
}

impl Quantity {
    /// Guesses from a thing's name: the last part that means something wins,
    /// so `outdoor-temperature` and `temp2` are temperatures.
    pub fn from_name(name: &str) -> Option<Quantity> {
        let name = name.to_lowercase();
        name.split(|c: char| !c.is_alphabetic())
            .rev()
            .find_map(from_part)
    }

    /// Guesses from a unit as sketches print it: `C`, `degC`, `°C`, `%`, `lx`.
    pub fn from_unit(unit: &str) -> Option<Quantity> {
        use DeviceClass as D;
        let (device_class, unit) = match unit.trim() {
            "C" | "°C" | "degC" | "celsius" | "Celsius" => (D::Temperature, "°C"),
            "F" | "°F" | "degF" => (D::Temperature, "°F"),
            "K" => (D::Temperature, "K"),
            "%" | "%RH" | "%rh" => (D::Humidity, "%"),
            "lx" | "lux" => (D::Illuminance, "lx"),
            "hPa" | "mbar" => (D::AtmosphericPressure, "hPa"),
            "Pa" => (D::AtmosphericPressure, "Pa"),
            "V" => (D::Voltage, "V"),
            "mV" => (D::Voltage, "mV"),
            "A" => (D::Current, "A"),
            "mA" => (D::Current, "mA"),
            "W" => (D::Power, "W"),
            "kW" => (D::Power, "kW"),
            "Wh" => (D::Energy, "Wh"),
            "kWh" => (D::Energy, "kWh"),
            "ppm" => (D::CarbonDioxide, "ppm"),
            "mm" => (D::Distance, "mm"),
            "cm" => (D::Distance, "cm"),
            "m" => (D::Distance, "m"),
            "dB" => (D::SoundPressure, "dB"),
            "Hz" => (D::Frequency, "Hz"),
            "s" => (D::Duration, "s"),
            "ms" => (D::Duration, "ms"),
            "g" => (D::Weight, "g"),
            "kg" => (D::Weight, "kg"),
            "µg/m³" | "ug/m3" => (D::Pm25, "µg/m³"),
            "m/s" => (D::Speed, "m/s"),
            "km/h" => (D::Speed, "km/h"),
            "dBm" => (D::SignalStrength, "dBm"),
            _ => return None,
        };
        Some(sensor(device_class, unit))
    }
}

/// Names as sketches print them.
fn from_part(part: &str) -> Option<Quantity> {
    use DeviceClass as D;
    Some(match part {
        "temperature" | "temp" | "t" => sensor(D::Temperature, "°C"),
        "humidity" | "hum" | "rh" | "h" => sensor(D::Humidity, "%"),
        "illuminance" | "lux" | "lx" | "brightness" => sensor(D::Illuminance, "lx"),
        "pressure" | "barometer" => sensor(D::AtmosphericPressure, "hPa"),
        "moisture" | "soil" => sensor(D::Moisture, "%"),
        "co" | "eco" | "ppm" => sensor(D::CarbonDioxide, "ppm"),
        "voltage" | "volt" | "volts" => sensor(D::Voltage, "V"),
        "current" => sensor(D::Current, "A"),
        "power" => sensor(D::Power, "W"),
        "energy" => sensor(D::Energy, "kWh"),
        "distance" | "range" => sensor(D::Distance, "cm"),
        "noise" | "sound" => sensor(D::SoundPressure, "dB"),
        "battery" => sensor(D::Battery, "%"),
        "weight" => sensor(D::Weight, "kg"),
        "ph" => Quantity {
            unit: None,
            ..sensor(D::Ph, "")
        },
        "gas" => binary(D::Gas),
        "smoke" => binary(D::Smoke),
        "motion" | "pir" => binary(D::Motion),
        "presence" => binary(D::Presence),
        "occupancy" => binary(D::Occupancy),
        "door" => binary(D::Door),
        "window" => binary(D::Window),
        "button" | "contact" => Quantity {
            kind: Kind::BinarySensor,
            device_class: None,
            unit: None,
        },
        "fan" | "relay" | "lamp" | "light" | "led" | "heater" | "pump" | "valve" | "switch"
        | "outlet" | "siren" | "buzzer" => Quantity {
            kind: Kind::Switch,
            device_class: None,
            unit: None,
        },
        "dimmer" | "pwm" => Quantity {
            kind: Kind::Number,
            device_class: None,
            unit: Some("%"),
        },
        "servo" => Quantity {
            kind: Kind::Number,
            device_class: None,
            unit: Some("°"),
        },
        _ => return None,
    })
}

fn sensor(device_class: DeviceClass, unit: &'static str) -> Quantity {
    Quantity {
        kind: Kind::Sensor,
        device_class: Some(device_class),
        unit: Some(unit),
    }
}

fn binary(device_class: DeviceClass) -> Quantity {
    Quantity {
        kind: Kind::BinarySensor,
        device_class: Some(device_class),
        unit: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_quantities() {
        let unit = |name| Quantity::from_name(name).and_then(|q| q.unit);
        assert_eq!(unit("temperature"), Some("°C"));
        assert_eq!(unit("outdoor-temp2"), Some("°C"));
        assert_eq!(unit("CO2"), Some("ppm"));
        assert_eq!(unit("flux-capacitor"), None);
        let fan = Quantity::from_name("ceiling_fan").map(|q| q.kind);
        assert_eq!(fan, Some(Kind::Switch));
    }

    #[test]
    fn units_give_quantities() {
        let class = |unit| Quantity::from_unit(unit).and_then(|q| q.device_class);
        assert_eq!(class("degC"), Some(DeviceClass::Temperature));
        assert_eq!(class("lux"), Some(DeviceClass::Illuminance));
        assert_eq!(class("furlong"), None);
    }
}
