//! The people of the demo house: where they are and when a door opens, a
//! routine with a little chance in it. Pure; the same seed lives the same life.

/// Hours of a simulated day.
type Hour = f64;

/// Something that is so for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spell {
    what: What,
    from: Hour,
    to: Hour,
}

/// What the house's sensors can notice of its people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody is in the living room.
    LivingRoom,
    /// Somebody is in the hall.
    Hall,
    /// The front door is open.
    Door,
}

/// A day's plan, made anew each midnight.
#[derive(Clone, Debug)]
pub struct Household {
    random: Random,
    day: u64,
    plan: Vec<Spell>,
}

impl Household {
    /// People who will always do the same for the same `seed`.
    pub fn new(seed: u64) -> Household {
        let mut random = Random(seed);
        let plan = plan(&mut random);
        let day = 0;
        Household { random, day, plan }
    }

    /// Whether `what` is so. Days must not go backwards.
    pub fn now(&mut self, what: What, day: u64, hour: Hour) -> bool {
        while self.day < day {
            self.day += 1;
            self.plan = plan(&mut self.random);
        }
        let is_now = |spell: &Spell| spell.what == what && (spell.from..spell.to).contains(&hour);
        self.plan.iter().any(is_now)
    }
}

/// Breakfast, work, an errand about noon, the evening at home.
fn plan(random: &mut Random) -> Vec<Spell> {
    let mut plan = Vec::new();
    let breakfast = 6.15 + random.below(0.1);
    let leaving = 8.0 + random.below(0.3);
    stay(&mut plan, breakfast, leaving);
    let errand = 11.0 + random.below(2.0);
    stay(&mut plan, errand, errand + 0.8 + random.below(1.0));
    let home = 16.8 + random.below(1.0);
    stay(&mut plan, home, 22.5 + random.below(0.8));
    plan
}

/// In through the hall, into the living room, and out again; those who slept
/// here come without a door, those who go to bed leave without one.
fn stay(plan: &mut Vec<Spell>, from: Hour, to: Hour) {
    const EARLY: Hour = 7.0;
    const LATE: Hour = 22.0;
    if from > EARLY {
        pass_the_door(plan, from - 0.3);
    }
    plan.push(spell(What::LivingRoom, from, to));
    if to < LATE {
        pass_the_door(plan, to);
    }
}

/// A quarter of an hour in the hall, half of it with the door open.
fn pass_the_door(plan: &mut Vec<Spell>, at: Hour) {
    plan.push(spell(What::Hall, at, at + 0.3));
    plan.push(spell(What::Door, at + 0.1, at + 0.2));
}

fn spell(what: What, from: Hour, to: Hour) -> Spell {
    Spell { what, from, to }
}

/// SplitMix64, for variety and nothing else.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number from zero up to, not including, `limit`.
    pub fn below(&mut self, limit: f64) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(u32::MAX);
        limit * f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// A number from `-size` to `size`: the noise of a sensor.
    pub fn noise(&mut self, size: f64) -> f64 {
        self.below(2.0 * size) - size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each minute of a day says yes.
    fn minutes(household: &mut Household, what: What, day: u64) -> usize {
        let hours = (0..1440).map(|minute| f64::from(minute) / 60.0);
        hours.filter(|hour| household.now(what, day, *hour)).count()
    }

    #[test]
    fn every_day_has_its_meals_and_its_door() {
        let mut household = Household::new(7);
        for day in 0..100 {
            let living = minutes(&mut household, What::LivingRoom, day);
            assert!((360..720).contains(&living), "day {day}: {living} min");
            let door = minutes(&mut household, What::Door, day);
            assert!((20..=40).contains(&door), "day {day}: {door} min");
        }
    }

    #[test]
    fn one_seed_lives_one_life_and_days_differ() {
        let day = |seed, day| {
            let mut household = Household::new(seed);
            household.now(What::Door, day, 0.0);
            household.plan
        };
        assert_eq!(day(1, 3), day(1, 3));
        assert_ne!(day(1, 3), day(1, 4));
        assert_ne!(day(1, 3), day(2, 3));
    }

    #[test]
    fn chance_stays_within_its_limits() {
        let mut random = Random(1);
        for _ in 0..10_000 {
            assert!((0.0..2.5).contains(&random.below(2.5)));
            assert!(random.noise(0.5).abs() <= 0.5);
        }
    }
}
