//! Lines for `hearth/board/<board>/log`: short ones, and not too many.

use std::time::Duration;

use crate::clock::Moment;

/// Longer lines are cut, in characters.
const LONGEST: usize = 200;
/// So many lines at once, for a greeting of some lines at the start.
const BURST: u32 = 20;
/// After them, one line in this time.
const PACE: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub(super) struct Chatter {
    /// Lines passed that no pause has made up for yet.
    used: u32,
    since: Moment,
    left_out: u64,
}

impl Chatter {
    /// The lines to publish for this one: none if there were too many.
    pub fn pass(&mut self, line: &str, now: Moment) -> Vec<String> {
        while self.used > 0 && now.since(self.since) >= PACE {
            self.used -= 1;
            self.since = self.since + PACE;
        }
        if self.used == 0 {
            self.since = now;
        }
        if self.used >= BURST {
            self.left_out += 1;
            return Vec::new();
        }
        self.used += 1;
        let left_out = std::mem::take(&mut self.left_out);
        let note = (left_out > 0).then(|| format!("({left_out} lines left out)"));
        note.into_iter().chain([shorten(line)]).collect()
    }
}

/// Cuts the line and leaves out control characters.
fn shorten(line: &str) -> String {
    let mut visible = line.chars().filter(|c| !c.is_control() || *c == '\t');
    let mut short: String = visible.by_ref().take(LONGEST).collect();
    if visible.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_are_thinned_out_and_counted() {
        let mut chatter = Chatter::default();
        let lines: Vec<_> = (0..1000)
            .flat_map(|i| chatter.pass("hello", Moment(i)))
            .collect();
        assert_eq!(lines.iter().filter(|line| *line == "hello").count(), 24);
        assert!(lines.contains(&"(180 lines left out)".into()), "{lines:?}");
    }

    #[test]
    fn a_long_line_is_cut() {
        let lines = Chatter::default().pass(&"é".repeat(500), Moment(0));
        assert_eq!(lines[0].chars().count(), LONGEST + 1);
    }
}
