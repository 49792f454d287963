//! What avrdude says, understood: how far it is, and why it failed.
//!
//! Its words are those of the versions 6.3 to 7.1, in Debian since 2016. A
//! failure that is not known is told in its own words.

/// Lines that are kept to find out what went wrong; older ones are forgotten.
const KEPT: usize = 40;
/// Bytes of a line that are kept.
const LONGEST: usize = 300;
/// Marks of a whole progress bar.
const MARKS: usize = 50;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub stage: Stage,
    /// 0 to 100.
    pub percent: u8,
}

/// What goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Writing,
    /// Reads back and compares.
    Verifying,
}

/// Why it failed, and what to try.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the port is in use")]
    Busy,
    #[error(
        "no answer from the bootloader. Try, in this order: is it the right port (`hearth boards`)? \
         Pull the board's cable and plug it in again. Press its reset button just as you start \
         this command. An older Nano or clone wants --baud 57600"
    )]
    NoAnswer,
    #[error("another chip than an Uno's ATmega328P answered: {0}")]
    AnotherChip(String),
    #[error("what is on the board now differs from the file: try again, with a shorter cable")]
    Verify,
    #[error("avrdude failed: {0}")]
    Other(String),
}

/// Reads avrdude's output as it comes.
#[derive(Debug, Default)]
pub(super) struct Output {
    line: String,
    lines: Vec<String>,
    written: bool,
    told: Option<Progress>,
}

impl Output {
    /// Takes what came; tells where it is now if that is news.
    pub fn read(&mut self, bytes: &[u8]) -> Option<Progress> {
        let mut news = None;
        for character in String::from_utf8_lossy(bytes).chars() {
            match character {
                '\n' | '\r' => self.end_line(),
                _ if self.line.len() < LONGEST => self.line.push(character),
                _ => (),
            }
            news = self.progress().or(news);
        }
        news
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.written |= line.starts_with("Writing |");
        if !line.trim().is_empty() {
            self.lines.push(line);
        }
        if self.lines.len() > KEPT {
            self.lines.remove(0);
        }
    }

    /// The signature is read before anything is written; that is no verifying.
    fn progress(&mut self) -> Option<Progress> {
        let (stage, bar) = match self.line.strip_prefix("Writing |") {
            Some(bar) => (Stage::Writing, bar),
            None => (Stage::Verifying, self.line.strip_prefix("Reading |")?),
        };
        if stage == Stage::Verifying && !self.written {
            return None;
        }
        let marks = bar.matches('#').count().min(MARKS);
        let percent = u8::try_from(marks * 100 / MARKS).unwrap_or(100);
        let now = Progress { stage, percent };
        let news = self.told != Some(now);
        self.told = Some(now);
        news.then_some(now)
    }

    /// Why it failed, after it has.
    pub fn failure(mut self) -> Failure {
        self.end_line();
        let says = |words: &str| self.lines.iter().find(|line| line.contains(words));
        let no_answer = ["not in sync", "not responding", "getsync", "timed out"];
        if says("resource busy").is_some() {
            return Failure::Busy;
        }
        if let Some(line) = says("xpected signature") {
            return Failure::AnotherChip(line.trim().to_owned());
        }
        if says("verification error").is_some() || says("verification mismatch").is_some() {
            return Failure::Verify;
        }
        if no_answer.iter().any(|words| says(words).is_some()) {
            return Failure::NoAnswer;
        }
        Failure::Other(self.in_its_words())
    }

    fn in_its_words(&self) -> String {
        let error = |line: &&String| line.contains("error") && !line.contains("TIOCM");
        let line = self.lines.iter().find(error).or(self.lines.last());
        line.map_or("it said nothing".into(), |line| line.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Progress> {
        let mut output = Output::default();
        let bytes = text.as_bytes().chunks(1);
        bytes.filter_map(|bytes| output.read(bytes)).collect()
    }

    #[test]
    fn the_bar_is_read_mark_by_mark() {
        let half = "#".repeat(25);
        let told = all(&format!(
            "\nReading | {half}{half} | 100% 0.00s\n\nWriting | {half}{half} | 100% 0.31s\n\n\
             avrdude: 2314 bytes of flash written\n\nReading | {half}"
        ));
        let first = Progress {
            stage: Stage::Writing,
            percent: 0,
        };
        let last = Progress {
            stage: Stage::Verifying,
            percent: 50,
        };
        assert_eq!(told.first(), Some(&first), "{told:?}");
        assert_eq!(told.last(), Some(&last), "{told:?}");
        let forward =
            |pair: &[Progress]| pair[0].stage != pair[1].stage || pair[0].percent < pair[1].percent;
        assert!(told.windows(2).all(forward), "{told:?}");
    }

    fn failure(text: &str) -> Failure {
        let mut output = Output::default();
        output.read(text.as_bytes());
        output.failure()
    }

    #[test]
    fn failures_are_told_apart() {
        let silent = "avrdude: stk500_recv(): programmer is not responding\n\
                      avrdude: stk500_getsync() attempt 1 of 10: not in sync: resp=0x00\n";
        assert_eq!(failure(silent), Failure::NoAnswer);
        let busy =
            "avrdude: ser_open(): can't open device \"/dev/ttyACM0\": Device or resource busy";
        assert_eq!(failure(busy), Failure::Busy);
        let mega = "avrdude error: Expected signature for ATmega328P is 1E 95 0F";
        assert_eq!(failure(mega), Failure::AnotherChip(mega.into()));
        let wrong = "avrdude: verification error, first mismatch at byte 0x0000\n";
        assert_eq!(failure(wrong), Failure::Verify);
    }

    #[test]
    fn an_unknown_failure_is_told_in_its_own_words() {
        let text =
            "avrdude OS error: ioctl(\"TIOCMGET\"): no\navrdude error: the moon is full\nbye\n";
        let words = "avrdude error: the moon is full";
        assert_eq!(failure(text), Failure::Other(words.into()));
        assert_eq!(failure(""), Failure::Other("it said nothing".into()));
    }

    #[test]
    fn endless_output_costs_bounded_memory() {
        let mut output = Output::default();
        output.read("x".repeat(100_000).as_bytes());
        assert_eq!(output.line.len(), LONGEST);
        output.read("x\n".repeat(10_000).as_bytes());
        assert_eq!(output.lines.len(), KEPT);
    }
}
