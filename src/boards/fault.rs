//! What is wrong with a board: each fault is told once when it begins and once
//! when it is over, however often it happens in between.

use std::time::Duration;

use crate::clock::Moment;

/// A fault that comes and goes by itself is over after as long without it.
pub(super) const CALM: Duration = Duration::from_secs(5);
/// A restart is worth knowing for longer.
const REMEMBERED: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Unplugged,
    CannotOpen,
    /// The board does not take what is sent to it.
    Stuck,
    Flooding,
    LineTooLong,
    Garbage,
    TooManyThings,
    /// A board that speaks frames says nothing any more.
    Silent,
    /// Frames do not arrive whole.
    Damage,
    /// The board started anew by itself.
    Restarted,
}

impl Fault {
    /// How its end is told.
    fn over(self) -> &'static str {
        match self {
            Fault::Unplugged => "plugged in again",
            Fault::CannotOpen => "its port can be opened again",
            Fault::Stuck => "takes commands again",
            Fault::Flooding => "prints at an ordinary pace again",
            Fault::LineTooLong => "prints lines of an ordinary length again",
            Fault::Garbage => "prints text again, or is silent",
            Fault::TooManyThings => "has been plugged in again",
            Fault::Silent => "answers again",
            Fault::Damage => "is understood again",
            Fault::Restarted => "runs since its restart",
        }
    }

    /// How long after it last happened it is over.
    fn calm(self) -> Duration {
        match self {
            Fault::Restarted => REMEMBERED,
            _ => CALM,
        }
    }

    /// Whether it is over by itself when it does not happen any more.
    fn calms_down(self) -> bool {
        matches!(
            self,
            Fault::Flooding
                | Fault::LineTooLong
                | Fault::Garbage
                | Fault::Damage
                | Fault::Restarted
        )
    }
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    sentence: String,
    last: Moment,
    /// Bytes or times, as the fault counts.
    count: u64,
}

/// A line for the log.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    Began(String),
    Over(String),
}

/// The faults that a board has now; at most one of each kind.
#[derive(Debug, Default)]
pub(super) struct Faults {
    active: Vec<Active>,
}

impl Faults {
    /// It happened, `count` times or bytes more; tells the beginning.
    pub fn happened(
        &mut self,
        fault: Fault,
        count: u64,
        sentence: &str,
        now: Moment,
    ) -> Option<News> {
        if let Some(active) = self.active.iter_mut().find(|active| active.fault == fault) {
            active.last = now;
            active.count = active.count.saturating_add(count);
            return None;
        }
        self.active.push(Active {
            fault,
            sentence: sentence.to_owned(),
            last: now,
            count,
        });
        Some(News::Began(sentence.to_owned()))
    }

    /// It is over; tells so if it was there.
    pub fn over(&mut self, fault: Fault) -> Option<News> {
        let at = self
            .active
            .iter()
            .position(|active| active.fault == fault)?;
        Some(told_over(&self.active.remove(at)))
    }

    /// Ends what has calmed down.
    pub fn tick(&mut self, now: Moment) -> Vec<News> {
        let calm = |a: &Active| a.fault.calms_down() && now.since(a.last) >= a.fault.calm();
        let ended = self.active.extract_if(.., |active| calm(active));
        ended.map(|active| told_over(&active)).collect()
    }

    /// When [`Faults::tick`] has something to do.
    pub fn wake_at(&self) -> Option<Moment> {
        let calming = self
            .active
            .iter()
            .filter(|active| active.fault.calms_down());
        calming
            .map(|active| active.last + active.fault.calm())
            .min()
    }

    /// The sentence for the page: the fault that began last; empty if none.
    pub fn sentence(&self) -> &str {
        self.active.last().map_or("", |active| &active.sentence)
    }
}

fn told_over(active: &Active) -> News {
    let over = active.fault.over();
    News::Over(match active.fault {
        Fault::Garbage | Fault::LineTooLong => {
            format!("{over}; {} bytes were thrown away", active.count)
        }
        _ => over.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_once_and_counted() {
        let mut faults = Faults::default();
        let mut news = Vec::new();
        for at in 0..100 {
            news.extend(faults.happened(Fault::Garbage, 10, "prints noise", Moment(at * 100)));
            news.extend(faults.tick(Moment(at * 100)));
        }
        assert_eq!(faults.wake_at(), Some(Moment(14_900)));
        news.extend(faults.tick(Moment(14_900)));
        let over = "prints text again, or is silent; 1000 bytes were thrown away";
        assert_eq!(
            news,
            [News::Began("prints noise".into()), News::Over(over.into())]
        );
        assert_eq!(faults.sentence(), "");
    }

    #[test]
    fn the_fault_that_began_last_is_shown() {
        let mut faults = Faults::default();
        faults.happened(Fault::Garbage, 1, "noise", Moment(0));
        faults.happened(Fault::Unplugged, 1, "gone", Moment(1));
        assert_eq!(faults.sentence(), "gone");
        assert!(faults.over(Fault::Unplugged).is_some());
        assert_eq!(faults.sentence(), "noise");
        assert!(faults.over(Fault::Unplugged).is_none());
    }
}
