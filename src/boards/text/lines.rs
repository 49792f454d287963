//! Cuts a stream of bytes into lines of text, in bounded memory.

/// A longer line is thrown away up to its newline, in bytes.
pub const MAX_LINE: usize = 512;

/// A piece of the stream.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    Text(String),
    Garbage(usize),
    TooLong(usize),
}

/// Why bytes are thrown away up to the next newline.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Skip {
    /// The line may have begun before we listened.
    Fragment,
    Garbage,
    TooLong,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The line that is not ended yet; at most [`MAX_LINE`] bytes.
    begun: Vec<u8>,
    skip: Option<Skip>,
    /// Bytes thrown away and not reported yet.
    skipped: usize,
}

impl Lines {
    /// Throws away what comes before the next newline.
    pub fn skip_fragment(&mut self) {
        self.skip = Some(Skip::Fragment);
    }

    /// Takes bytes; returns the lines that they end, and what was thrown away.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' | b'\r' => self.end_line(&mut lines),
                _ => self.take(byte),
            }
        }
        self.report_skipped(&mut lines);
        lines
    }

    fn take(&mut self, byte: u8) {
        if self.skip.is_none() {
            if self.begun.len() < MAX_LINE {
                self.begun.push(byte);
                return;
            }
            self.skip = Some(match decode(&self.begun) {
                Some(_) => Skip::TooLong,
                None => Skip::Garbage,
            });
            self.skipped = self.begun.len();
            self.begun.clear();
        }
        self.skipped += 1;
        if self.skip == Some(Skip::Fragment) && self.skipped > MAX_LINE {
            self.skip = Some(Skip::TooLong);
        }
    }

    fn end_line(&mut self, lines: &mut Vec<Line>) {
        self.report_skipped(lines);
        self.skipped = 0;
        if self.skip.take().is_some() || self.begun.is_empty() {
            return;
        }
        lines.push(match decode(&self.begun) {
            Some(text) => Line::Text(text),
            None => Line::Garbage(self.begun.len()),
        });
        self.begun.clear();
    }

    /// Reports without waiting for a newline that may never come.
    fn report_skipped(&mut self, lines: &mut Vec<Line>) {
        let line = match self.skip {
            Some(Skip::Garbage) => Line::Garbage(self.skipped),
            Some(Skip::TooLong) => Line::TooLong(self.skipped),
            Some(Skip::Fragment) | None => return,
        };
        if std::mem::take(&mut self.skipped) > 0 {
            lines.push(line);
        }
    }
}

/// Reads a line as text: UTF-8, or Latin-1 with few letters beyond ASCII, as
/// sketches print `°`. A control character other than tab and escape (colours)
/// makes it garbage.
fn decode(line: &[u8]) -> Option<String> {
    let control = |&b: &u8| (b < 0x20 && b != b'\t' && b != 0x1b) || b == 0x7f;
    if line.iter().any(control) {
        return None;
    }
    if let Ok(text) = std::str::from_utf8(line) {
        return (!text.contains(|c| ('\u{80}'..'\u{a0}').contains(&c))).then(|| text.to_owned());
    }
    let beyond_ascii = line.iter().filter(|b| !b.is_ascii()).count();
    let latin1 = !line.iter().any(|b| (0x80..0xa0).contains(b)) && beyond_ascii * 4 <= line.len();
    latin1.then(|| line.iter().copied().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> Line {
        Line::Text(line.into())
    }

    #[test]
    fn every_kind_of_line_end_ends_one_line() {
        let mut lines = Lines::default();
        let got = lines.feed(b"a\nb\r\nc\rd\n\n\ne");
        assert_eq!(got, ["a", "b", "c", "d"].map(text));
        assert_eq!(lines.feed(b"f\n"), [text("ef")]);
    }

    #[test]
    fn a_flood_without_newline_is_reported_at_once_and_keeps_nothing() {
        let mut lines = Lines::default();
        let mut thrown = 0;
        for _ in 0..256 {
            for line in lines.feed(&[b'x'; 4096]) {
                let Line::TooLong(bytes) = line else {
                    panic!("{line:?}")
                };
                thrown += bytes;
            }
            assert!(lines.begun.capacity() <= 2 * MAX_LINE);
        }
        assert_eq!(thrown, 256 * 4096);
        assert_eq!(lines.feed(b"tail\nx:1\n"), [Line::TooLong(4), text("x:1")]);
    }

    #[test]
    fn the_longest_line_is_a_line() {
        let mut lines = Lines::default();
        let longest = "y".repeat(MAX_LINE);
        assert_eq!(lines.feed(longest.as_bytes()), []);
        assert_eq!(lines.feed(b"\n"), [text(&longest)]);
    }

    #[test]
    fn bytes_that_are_no_text_are_counted() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed(b"\x00temp:21\n"), [Line::Garbage(8)]);
        assert_eq!(lines.feed(b"\xf8\xfc\x80\n"), [Line::Garbage(3)]);
        assert_eq!(lines.feed(&[0xfe; 600]), [Line::Garbage(600)]);
        assert_eq!(lines.feed(b"\nok\n"), [text("ok")]);
    }

    #[test]
    fn a_degree_sign_in_latin1_is_text() {
        assert_eq!(Lines::default().feed(b"t: 21 \xb0C\n"), [text("t: 21 °C")]);
        assert_eq!(
            Lines::default().feed("t: 21 °C\n".as_bytes()),
            [text("t: 21 °C")]
        );
    }

    #[test]
    fn a_fragment_is_dropped_up_to_its_newline() {
        let mut lines = Lines::default();
        lines.skip_fragment();
        assert_eq!(lines.feed(b"perature:2"), []);
        assert_eq!(lines.feed(b"1\nhumidity:40\n"), [text("humidity:40")]);
    }
}
