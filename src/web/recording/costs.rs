//! What recording costs, worded: the losses of a power cut, the bytes that go to the disk,
//! and the life of the card.

use std::time::Duration;

use crate::history::budget::{CARD_ENDURANCE, SMALL_WRITES_COST, card_life_years};
use crate::history::{Class, Figures, Settings};
use crate::web::wording;

/// Of fewer samples it says nothing how large the file is.
const TELLING: u64 = 10_000;

/// Figures and what they are measured against.
#[derive(Clone, Copy, Debug)]
pub struct Costs<'a> {
    pub figures: &'a Figures,
    pub settings: &'a Settings,
}

impl Costs<'_> {
    /// What a power cut may cost of each class, as of now.
    pub fn windows(&self) -> [(Class, Duration); 3] {
        let stretch = self.figures.stretch;
        Class::ALL.map(|class| (class, self.settings.policy.window(class, stretch)))
    }

    /// Whom a class is for, and how long that is.
    pub fn losses(&self) -> Vec<(&'static str, String)> {
        let losses = self.windows().into_iter();
        losses
            .map(|(class, window)| (class.word(), wording::span(window)))
            .collect()
    }

    /// Why lazy series wait as long as they do; none where they wait as usual.
    pub fn stretched(&self) -> Option<String> {
        let usual = self.settings.policy.window(Class::Lazy, 1.0);
        let now = self
            .settings
            .policy
            .window(Class::Lazy, self.figures.stretch);
        (now > usual).then(|| {
            format!(
                "Lazy series wait longer than their {}, to keep the write budget.",
                wording::span(usual)
            )
        })
    }

    /// `12 samples wait`
    pub fn waiting(&self) -> String {
        match self.figures.waiting as u64 {
            0 => "Nothing waits".to_owned(),
            1 => "1 sample waits".to_owned(),
            number => format!("{} wait", wording::count(number, "sample")),
        }
    }

    /// `3 samples were`
    pub fn lost(&self) -> String {
        let were = if self.figures.lost == 1 {
            "was"
        } else {
            "were"
        };
        format!("{} {were}", wording::count(self.figures.lost, "sample"))
    }

    /// `1,204 samples wait on the disk, 96 kB of at most 256 MB`
    pub fn queue(&self) -> Option<String> {
        let forwarding = self.figures.forwarding.as_ref()?;
        let wait = match forwarding.samples {
            0 => return Some("Nothing waits on the disk".to_owned()),
            1 => "1 sample waits".to_owned(),
            number => format!("{} wait", wording::count(number, "sample")),
        };
        let [bytes, most] = [forwarding.bytes, forwarding.most_bytes];
        let [bytes, most] = [bytes, most].map(|bytes| wording::bytes(bytes as f64));
        Some(format!("{wait} on the disk, {bytes} of at most {most}"))
    }

    /// The size of the file.
    pub fn file(&self) -> String {
        wording::bytes(self.figures.file_bytes as f64)
    }

    /// `61 bytes`
    pub fn per_sample(&self) -> Option<String> {
        self.figures.write.per_sample.map(wording::bytes)
    }

    /// `2.7 bytes` in the file, of so many samples; none while what every file has besides
    /// would be most of it.
    pub fn stored(&self, samples: u64) -> Option<String> {
        let bytes = self.figures.file_bytes as f64 / samples as f64;
        (samples >= TELLING).then(|| wording::bytes(bytes))
    }

    /// `38 MB`
    pub fn per_day(&self) -> Option<String> {
        self.figures.write.per_day.map(wording::bytes)
    }

    /// What that is projected from: `20 min`.
    pub fn over(&self) -> String {
        wording::span(self.figures.write.over)
    }

    /// What was sent to the disk since the start; none where nobody counts it.
    pub fn written(&self) -> Option<String> {
        let written = self.figures.write.written?;
        Some(wording::bytes(written as f64))
    }

    /// `of 40 MB`, and whether a day is dearer than that.
    pub fn budget(&self) -> Option<(String, bool)> {
        let budget = self.settings.write_budget? as f64;
        let is_over = self.figures.write.per_day.is_some_and(|day| day > budget);
        Some((wording::bytes(budget), is_over))
    }

    /// Whether a day is dearer than it may be.
    pub fn is_over_budget(&self) -> bool {
        self.budget().is_some_and(|(_, is_over)| is_over)
    }

    /// How many years the card lasts at this rate.
    pub fn life_years(&self) -> Option<f64> {
        let endurance = self.settings.endurance.unwrap_or(CARD_ENDURANCE);
        let per_day = self.figures.write.per_day?;
        Some(card_life_years(endurance, per_day))
    }

    /// `more than 100 years`
    pub fn life(&self) -> Option<String> {
        self.life_years().map(wording::life)
    }

    /// What [`Costs::life`] stands on, in sentences.
    pub fn assumption(&self) -> String {
        let endurance = self.settings.endurance.unwrap_or(CARD_ENDURANCE);
        let whose = match self.settings.endurance {
            Some(_) => "as card_endurance says",
            None => "which is a guess: card_endurance under [history] tells it",
        };
        format!(
            "If the card takes {} in its life, {whose}; and if each small write costs it \
             {SMALL_WRITES_COST} times its size, as it has to rewrite a larger block.",
            wording::bytes(endurance as f64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::WriteFigures;

    fn figures(per_day: f64) -> Figures {
        Figures {
            file_bytes: 27_000,
            stretch: 1.0,
            write: WriteFigures {
                written: Some(900_000),
                per_sample: Some(61.4),
                per_day: Some(per_day),
                over: Duration::from_mins(20),
                ..WriteFigures::default()
            },
            ..Figures::default()
        }
    }

    #[test]
    fn costs_are_told_with_what_they_stand_on() {
        let mut settings = Settings::new("history.db");
        let figures = figures(38e6);
        let costs = Costs {
            figures: &figures,
            settings: &settings,
        };
        assert_eq!(costs.per_sample().unwrap(), "61 bytes");
        assert_eq!(costs.stored(10_000).unwrap(), "2.7 bytes");
        assert_eq!(costs.stored(9_999), None);
        assert_eq!(costs.per_day().unwrap(), "38 MB");
        assert_eq!(costs.over(), "20 min");
        assert_eq!(costs.written().unwrap(), "900 kB");
        assert_eq!(costs.budget(), None);
        // 10 TB, ten times 38 MB a day.
        assert_eq!(costs.life().unwrap(), "72 years");
        assert!(
            costs
                .assumption()
                .contains("takes 10 TB in its life, which is a guess")
        );
        settings.write_budget = Some(30_000_000);
        settings.endurance = Some(1_000_000_000_000);
        let costs = Costs {
            figures: &figures,
            settings: &settings,
        };
        assert_eq!(costs.budget(), Some(("30 MB".to_owned(), true)));
        assert_eq!(costs.life().unwrap(), "7 years");
        assert!(
            costs
                .assumption()
                .contains("takes 1 TB in its life, as card_endurance says")
        );
    }

    #[test]
    fn what_is_not_counted_is_not_told() {
        let (figures, settings) = (Figures::default(), Settings::new("history.db"));
        let costs = Costs {
            figures: &figures,
            settings: &settings,
        };
        let told = [
            costs.per_sample(),
            costs.per_day(),
            costs.written(),
            costs.life(),
        ];
        assert_eq!(told, [const { None }; 4]);
    }

    #[test]
    fn windows_follow_the_stretch() {
        let settings = Settings::new("history.db");
        let told = |stretch| {
            let figures = Figures {
                stretch,
                ..figures(1e6)
            };
            let costs = Costs {
                figures: &figures,
                settings: &settings,
            };
            (costs.losses(), costs.stretched())
        };
        let (losses, why) = told(1.0);
        let expected = [("critical", "1 s"), ("normal", "10 s"), ("lazy", "1 min")];
        assert_eq!(
            losses,
            expected.map(|(class, time)| (class, time.to_owned()))
        );
        assert_eq!(why, None);
        let (losses, why) = told(3.0);
        assert_eq!(losses[2].1, "3 min");
        assert!(why.unwrap().contains("than their 1 min"));
    }
}
