//! A house that writes, simulated: what lazy series cost becomes less as they are stretched.

use proptest::prelude::*;

use super::*;

const MB: u64 = 1_000_000;
const MINUTE: u64 = 60_000;
const DAYS: u64 = 24 * 60;

/// Minutes of a house whose other series cost `fixed` bytes a day, and lazy ones `lazy` if
/// they are not stretched.
struct House {
    budget: Budget,
    now: u64,
    written: f64,
    samples: u64,
}

impl House {
    fn new(per_day: Option<u64>) -> House {
        House {
            budget: Budget::new(per_day),
            now: 0,
            written: 0.0,
            samples: 0,
        }
    }

    fn live(&mut self, minutes: u64, fixed: u64, lazy: u64) {
        for _ in 0..minutes {
            let day = fixed as f64 + lazy as f64 / self.budget.stretch();
            self.written += day / DAYS as f64;
            self.samples += 60;
            self.now += MINUTE;
            self.budget
                .note(self.written(), self.samples, Moment(self.now));
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few gigabytes"
    )]
    fn written(&self) -> u64 {
        self.written as u64
    }

    /// What the next minutes cost, as a day.
    fn costs(&mut self, minutes: u64, fixed: u64, lazy: u64) -> f64 {
        let before = self.written;
        self.live(minutes, fixed, lazy);
        (self.written - before) * DAYS as f64 / minutes as f64
    }
}

#[test]
fn figures_say_what_a_sample_and_a_day_cost() {
    let mut budget = Budget::new(Some(40 * MB));
    assert_eq!(budget.figures().per_day, None);
    budget.note(5_000, 100, Moment(0));
    assert_eq!(budget.figures().written, Some(5_000));
    assert_eq!(budget.figures().per_sample, None);
    budget.note(65_000, 1_100, Moment(10 * MINUTE));
    let figures = budget.figures();
    assert_eq!(figures.per_sample, Some(60.0));
    assert_eq!(figures.per_day, Some(60_000.0 * 144.0));
    assert_eq!(figures.over, Duration::from_mins(10));
    assert_eq!((figures.written, figures.samples), (Some(65_000), 1_100));
    assert_eq!(figures.budget, Some(40 * MB));
}

#[test]
fn figures_forget_what_is_more_than_a_day_ago() {
    let mut house = House::new(None);
    house.live(DAYS, 500 * MB, 0);
    house.live(DAYS + 120, 20 * MB, 0);
    let figures = house.budget.figures();
    let per_day = figures.per_day.unwrap();
    assert!((19e6..21e6).contains(&per_day), "{per_day}");
    assert!(figures.over <= Duration::from_hours(25), "{figures:?}");
}

#[test]
fn without_a_budget_nothing_is_stretched() {
    let mut house = House::new(None);
    house.live(DAYS, 900 * MB, 900 * MB);
    assert_eq!(house.budget.stretch(), 1.0);
}

#[test]
fn lazy_series_are_stretched_until_the_budget_holds() {
    let mut house = House::new(Some(40 * MB));
    house.live(DAYS, 10 * MB, 200 * MB);
    let costs = house.costs(60, 10 * MB, 200 * MB);
    assert!((30e6..42e6).contains(&costs), "{costs}");
    assert!(house.budget.stretch() > 5.0);
    // A quiet house is not made to wait.
    house.live(180, 10 * MB, 5 * MB);
    assert_eq!(house.budget.stretch(), 1.0);
}

#[test]
fn what_cannot_be_kept_is_stretched_to_the_end() {
    let mut house = House::new(Some(40 * MB));
    house.live(DAYS / 4, 100 * MB, 50 * MB);
    assert_eq!(house.budget.stretch(), 100.0);
}

#[test]
fn a_burst_is_paid_back() {
    let mut house = House::new(Some(40 * MB));
    house.live(60, 400 * MB, 0);
    house.live(240, 0, 60 * MB);
    let costs = house.costs(120, 0, 60 * MB);
    assert!((18e6..24e6).contains(&costs), "half the budget: {costs}");
}

#[test]
fn a_life_is_told_up_to_a_hundred_years() {
    // 10 TB, each byte ten times: 1 TB of small writes; 1 GB a day is a thousand days.
    let years = card_life_years(CARD_ENDURANCE, 1e9);
    assert!((2.7..2.8).contains(&years), "{years}");
    assert_eq!(card_life_years(CARD_ENDURANCE, 0.0), LONGEST_LIFE);
    assert_eq!(card_life_years(0, 0.0), LONGEST_LIFE);
    assert_eq!(card_life_years(0, 5.0), 0.0);
}

proptest! {
    #[test]
    fn a_day_costs_what_it_may_once_it_is_steady(
        budget in 1u64..=200,
        fixed in 0u64..=200,
        lazy in 0u64..=2_000,
    ) {
        let mut house = House::new(Some(budget * MB));
        house.live(2 * DAYS, fixed * MB, lazy * MB);
        let costs = house.costs(DAYS, fixed * MB, lazy * MB);
        let possible = fixed * MB + lazy * MB / 100;
        let most = (budget * MB).max(possible) as f64 * 1.1;
        prop_assert!(costs <= most, "{} of {}", costs, most);
        if fixed + lazy < budget * 9 / 10 {
            prop_assert_eq!(house.budget.stretch(), 1.0);
        }
    }

    #[test]
    fn the_stretch_stays_within_bounds_whatever_is_told(
        per_day in prop::option::of(any::<u64>()),
        notes in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 0..80),
    ) {
        let mut budget = Budget::new(per_day);
        for (written, samples, at) in notes {
            budget.note(written, samples, Moment(at));
            prop_assert!((1.0..=100.0).contains(&budget.stretch()));
            let figures = budget.figures();
            let finite = |figure: Option<f64>| figure.is_none_or(|it| it.is_finite() && it >= 0.0);
            prop_assert!(finite(figures.per_day) && finite(figures.per_sample));
        }
    }

    #[test]
    fn a_dearer_day_never_means_a_longer_life(less in 0.0..1e12, more in 0.0..1e12) {
        prop_assume!(less <= more);
        let life = |per_day| card_life_years(CARD_ENDURANCE, per_day);
        prop_assert!(life(less) >= life(more) && life(more) >= 0.0);
    }
}
