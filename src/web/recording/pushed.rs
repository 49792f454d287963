//! What is pushed to another database, worded.

use crate::history::influx::Pushing;
use crate::web::wording;

/// How the push does.
#[derive(Clone, Copy, Debug)]
pub struct Pushed<'a> {
    pub pushing: &'a Pushing,
}

impl Pushed<'_> {
    /// `1,204 samples since the start`
    pub fn taken(&self) -> String {
        match self.pushing.pushed {
            0 => "nothing since the start".to_owned(),
            pushed => format!("{} since the start", wording::count(pushed, "sample")),
        }
    }

    /// `12 samples`
    pub fn waiting(&self) -> String {
        match self.pushing.waiting {
            0 => "nothing".to_owned(),
            waiting => wording::count(waiting, "sample"),
        }
    }

    /// `3 samples since the start`
    pub fn refused(&self) -> String {
        let refused = wording::count(self.pushing.refused, "sample");
        format!("{refused} since the start")
    }

    /// `1 sample was`
    pub fn given_up(&self) -> String {
        let given_up = self.pushing.given_up;
        let were = if given_up == 1 { "was" } else { "were" };
        format!("{} {were}", wording::count(given_up, "sample"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_in_words() {
        let told = |number| {
            let pushing = Pushing {
                pushed: number,
                refused: number,
                given_up: number,
                waiting: number,
                ..Pushing::default()
            };
            let pushed = Pushed { pushing: &pushing };
            [
                pushed.taken(),
                pushed.waiting(),
                pushed.refused(),
                pushed.given_up(),
            ]
        };
        let none = ["nothing since the start", "nothing"];
        assert_eq!(told(0)[..2], none);
        let one = [
            "1 sample since the start",
            "1 sample",
            "1 sample since the start",
            "1 sample was",
        ];
        assert_eq!(told(1), one);
        assert_eq!(told(1204)[3], "1,204 samples were");
    }
}
