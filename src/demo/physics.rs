//! The demo house as a physicist would sketch it: heat, light, water and the
//! people in it. Pure: a stretch of time goes in, the house is another one.
//!
//! Rates are in °C, % and so on per simulated hour. A simulated day takes ten
//! minutes, so an hour is 25 seconds and everything can be watched.

use std::f64::consts::PI;
use std::time::Duration;

use super::household::{Household, Random, What};

/// Simulated time runs this many times faster: a day in ten minutes.
pub const SPEED: f64 = 144.0;
/// The demo starts as the house gets up.
const START_HOUR: f64 = 6.0;
const SUNRISE: f64 = 6.5;
const SUNSET: f64 = 19.5;
/// At noon under a clear sky, in lx; an overcast day has a tenth.
const NOON_LIGHT: f64 = 20_000.0;
/// Real time of one step of the numbers, small beside every time constant. Always the
/// same, so that the weather does not depend on how often somebody looks.
const STEP: Duration = Duration::from_millis(250);

/// The house and the sky above it.
#[derive(Clone, Debug)]
pub struct House {
    /// Simulated hours since the midnight before the start.
    hours: f64,
    /// Real time that has passed and makes no step yet.
    unlived: Duration,
    household: Household,
    random: Random,
    /// Share of the sunlight that comes through the clouds.
    clearness: f64,
    pub living_room: LivingRoom,
    pub greenhouse: Greenhouse,
    pub hall: Hall,
    pub porch: Porch,
}

/// Warmed by a heater and a little by the sun.
#[derive(Clone, Debug)]
pub struct LivingRoom {
    /// °C
    pub temperature: f64,
    /// lx
    pub illuminance: f64,
    pub presence: bool,
    pub lamp: bool,
    pub heater: bool,
}

/// Heated by the sun, cooled by a fan; its soil dries.
#[derive(Clone, Debug)]
pub struct Greenhouse {
    /// °C
    pub temperature: f64,
    /// Relative, in %
    pub humidity: f64,
    /// % of what the soil can hold
    pub soil_moisture: f64,
    /// Speed, 0 to 100 %
    pub fan: u8,
    pub pump: bool,
}

/// Where people come and go.
#[derive(Clone, Debug, Default)]
pub struct Hall {
    pub door_open: bool,
    pub presence: bool,
}

/// Outside, under the eaves.
#[derive(Clone, Debug)]
pub struct Porch {
    /// °C
    pub temperature: f64,
    /// lx
    pub illuminance: f64,
    pub lamp: bool,
}

impl House {
    /// A house at six in the morning of a spring day, everything off.
    pub fn new(seed: u64) -> House {
        let mut house = House {
            hours: START_HOUR,
            unlived: Duration::ZERO,
            household: Household::new(seed),
            random: Random(!seed),
            clearness: 0.9,
            living_room: LivingRoom {
                temperature: 19.9,
                illuminance: 0.0,
                presence: false,
                lamp: false,
                heater: false,
            },
            greenhouse: Greenhouse {
                temperature: 12.0,
                humidity: 84.0,
                soil_moisture: 36.5,
                fan: 0,
                pump: false,
            },
            hall: Hall::default(),
            porch: Porch {
                temperature: 0.0,
                illuminance: 0.0,
                lamp: false,
            },
        };
        house.look_around();
        house
    }

    /// Lets `real` time pass, [`SPEED`] times as fast.
    pub fn pass(&mut self, real: Duration) {
        self.unlived += real;
        while self.unlived >= STEP {
            self.unlived -= STEP;
            let hours = STEP.as_secs_f64() * SPEED / 3600.0;
            self.hours += hours;
            self.step(hours);
        }
    }

    /// Hour of the simulated day, 0 to 24.
    pub fn hour(&self) -> f64 {
        self.hours % 24.0
    }

    /// A reading as a sensor gives it, off by up to `size`.
    pub fn noisy(&mut self, value: f64, size: f64) -> f64 {
        value + self.random.noise(size)
    }

    fn step(&mut self, hours: f64) {
        let drift = self.random.noise(0.6) + 0.7 * (0.75 - self.clearness);
        self.clearness = (self.clearness + drift * hours).clamp(0.1, 1.0);
        let (outside, sun) = (outside(self.hour()), self.sun());
        self.living_room.step(hours, outside, sun);
        self.greenhouse.step(hours, outside, sun);
        self.look_around();
    }

    /// Share of full sunshine that reaches the ground.
    fn sun(&self) -> f64 {
        elevation(self.hour()) * self.clearness
    }

    /// What follows at once from the hour, the people and the lamps.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "days since the start, a small positive number"
    )]
    fn look_around(&mut self) {
        let (day, hour) = ((self.hours / 24.0) as u64, self.hour());
        let daylight = NOON_LIGHT * self.sun() + 2.0 * twilight(hour);
        let people = &mut self.household;
        self.living_room.presence = people.now(What::LivingRoom, day, hour);
        self.hall.presence = people.now(What::Hall, day, hour);
        self.hall.door_open = people.now(What::Door, day, hour);
        self.living_room.illuminance = daylight * 0.03 + lit(self.living_room.lamp, 180.0);
        self.porch.illuminance = daylight * 0.5 + lit(self.porch.lamp, 40.0);
        self.porch.temperature = outside(hour);
    }
}

impl LivingRoom {
    /// Its warmth leaks out with a time constant of ten hours.
    fn step(&mut self, hours: f64, outside: f64, sun: f64) {
        let leak = (outside - self.temperature) / 10.0;
        let heat = if self.heater { 4.5 } else { 0.0 };
        self.temperature += (leak + heat + 1.0 * sun) * hours;
    }
}

impl Greenhouse {
    /// Glass leaks ten times as fast as walls do, a fan faster still.
    fn step(&mut self, hours: f64, outside: f64, sun: f64) {
        let fan = f64::from(self.fan) / 100.0;
        let leak = (outside - self.temperature) * (0.7 + 1.5 * fan);
        self.temperature += (leak + 20.0 * sun) * hours;
        let air = (96.0 - 1.6 * (self.temperature - 10.0) - 12.0 * fan).clamp(20.0, 98.0);
        self.humidity += (air - self.humidity) * (2.0 * hours).min(1.0);
        let drying = 1.2 + 0.15 * (self.temperature - 10.0).max(0.0);
        let water = if self.pump { 45.0 } else { 0.0 };
        self.soil_moisture = (self.soil_moisture + (water - drying) * hours).clamp(0.0, 100.0);
    }
}

/// °C outside: coldest at three, warmest at three in the afternoon.
fn outside(hour: f64) -> f64 {
    10.0 + 7.0 * (2.0 * PI * (hour - 9.0) / 24.0).sin()
}

/// Sine of the sun's height by day, zero by night.
fn elevation(hour: f64) -> f64 {
    (PI * (hour - SUNRISE) / (SUNSET - SUNRISE)).sin().max(0.0) * by_day(hour)
}

fn by_day(hour: f64) -> f64 {
    lit((SUNRISE..SUNSET).contains(&hour), 1.0)
}

/// One about sunrise and sunset, zero an hour away from them.
fn twilight(hour: f64) -> f64 {
    let near = |edge: f64| (1.0 - (hour - edge).abs()).max(0.0);
    near(SUNRISE) + near(SUNSET)
}

fn lit(lamp: bool, lux: f64) -> f64 {
    if lamp { lux } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real time of a simulated hour.
    const HOUR: Duration = Duration::from_secs(25);

    fn house_at(hour: u32) -> House {
        let mut house = House::new(1);
        house.pass(HOUR * (hour - 6));
        house
    }

    #[test]
    fn a_day_takes_ten_minutes() {
        let mut house = House::new(1);
        house.pass(Duration::from_secs(600));
        assert!((house.hour() - START_HOUR).abs() < 0.01, "{}", house.hour());
    }

    #[test]
    fn a_house_that_is_looked_at_often_lives_the_same_life() {
        let (mut rarely, mut often) = (House::new(1), House::new(1));
        rarely.pass(HOUR * 10);
        for _ in 0..250_000 {
            often.pass(Duration::from_millis(1));
        }
        assert!((rarely.hour() - 16.0).abs() < 0.01);
        assert_eq!(format!("{rarely:?}"), format!("{often:?}"));
    }

    #[test]
    fn the_heater_warms_the_room_and_without_it_the_room_cools() {
        let (mut cold, mut warm) = (house_at(22), house_at(22));
        warm.living_room.heater = true;
        let before = cold.living_room.temperature;
        cold.pass(HOUR);
        warm.pass(HOUR);
        assert!(cold.living_room.temperature < before - 0.3);
        assert!(warm.living_room.temperature > before + 2.0);
    }

    #[test]
    fn the_fan_cools_the_greenhouse_more_the_faster_it_turns() {
        let after_an_hour = |fan| {
            let mut house = house_at(13);
            house.greenhouse.fan = fan;
            house.pass(HOUR);
            house.greenhouse.temperature
        };
        let (still, half, full) = (after_an_hour(0), after_an_hour(50), after_an_hour(100));
        assert!(
            still > half + 1.0 && half > full + 1.0,
            "{still} {half} {full}"
        );
    }

    #[test]
    fn soil_dries_until_the_pump_waters_it() {
        let mut house = house_at(13);
        let before = house.greenhouse.soil_moisture;
        house.pass(HOUR);
        let dried = house.greenhouse.soil_moisture;
        assert!(dried < before);
        house.greenhouse.pump = true;
        house.pass(HOUR);
        assert!(house.greenhouse.soil_moisture > dried + 20.0);
    }

    #[test]
    fn lamps_add_light_and_the_sun_adds_more() {
        let mut night = house_at(24);
        assert!(night.living_room.illuminance < 10.0);
        night.living_room.lamp = true;
        night.porch.lamp = true;
        night.pass(Duration::from_secs(1));
        assert!(night.living_room.illuminance > 100.0);
        assert!(night.porch.illuminance > 30.0);
        let noon = house_at(13);
        assert!(noon.porch.illuminance > 10.0 * night.porch.illuminance);
    }

    #[test]
    fn years_of_any_commands_leave_every_value_possible() {
        let mut house = House::new(3);
        let mut random = Random(9);
        for _ in 0..5_000 {
            house.living_room.heater = random.below(2.0) < 1.0;
            house.greenhouse.pump = random.below(2.0) < 1.0;
            house.greenhouse.fan = if random.below(2.0) < 1.0 { 100 } else { 0 };
            house.pass(Duration::from_secs_f64(random.below(60.0)));
            let (living, green) = (&house.living_room, &house.greenhouse);
            assert!((-10.0..80.0).contains(&living.temperature), "{living:?}");
            assert!((-10.0..80.0).contains(&green.temperature), "{green:?}");
            assert!((0.0..=100.0).contains(&green.humidity), "{green:?}");
            assert!((0.0..=100.0).contains(&green.soil_moisture), "{green:?}");
            assert!((0.0..=60_000.0).contains(&house.porch.illuminance));
        }
    }
}
