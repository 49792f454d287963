//! Lines of a file, one at a time, none longer than is sensible.

use std::io::{BufRead, Read};

use super::{LONGEST_RECORD, Place, ReadError};

/// Lines, counted from 1.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    bytes: Vec<u8>,
    text: String,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Lines<R> {
        Lines {
            input,
            bytes: Vec::new(),
            text: String::new(),
            number: 0,
        }
    }

    /// Goes to the next line that is not blank; false at the end.
    ///
    /// # Errors
    /// If it is too long, which ends the reading, or no text.
    pub fn advance(&mut self) -> Result<bool, ReadError> {
        loop {
            if !self.read()? {
                return Ok(false);
            }
            if !self.bytes.trim_ascii().is_empty() {
                break;
            }
        }
        let bytes = match self.bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) if self.number == 1 => rest,
            _ => self.bytes.as_slice(),
        };
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        match str::from_utf8(bytes) {
            Ok(text) => {
                self.text.clear();
                self.text.push_str(text);
                Ok(true)
            }
            Err(error) => {
                let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                Err(ReadError::Row {
                    place: self.place(good.chars().count() as u64 + 1),
                    problem: "this is no UTF-8 text".to_owned(),
                })
            }
        }
    }

    /// The last line, without its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn read(&mut self) -> Result<bool, ReadError> {
        self.bytes.clear();
        let most = LONGEST_RECORD as u64 + 1;
        let read = (&mut self.input)
            .take(most)
            .read_until(b'\n', &mut self.bytes)?;
        self.number += u64::from(read > 0);
        if read > LONGEST_RECORD {
            return Err(ReadError::Rest {
                place: self.place(1),
                problem: format!(
                    "the line is longer than {LONGEST_RECORD} bytes; is it a file of this format?"
                ),
            });
        }
        Ok(read > 0)
    }

    /// A character of the last line, counted from 1.
    pub fn place(&self, column: u64) -> Place {
        Place::Text {
            line: self.number,
            column,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_and_blank_ones_skipped() {
        let mut lines = Lines::new("\u{feff}a\r\n\n  \nb".as_bytes());
        assert!(lines.advance().unwrap());
        assert_eq!((lines.text(), lines.place(7)), ("a", at(1, 7)));
        assert!(lines.advance().unwrap());
        assert_eq!((lines.text(), lines.place(1)), ("b", at(4, 1)));
        assert!(!lines.advance().unwrap());
    }

    #[test]
    fn a_line_that_is_no_text_is_told_and_the_next_is_read() {
        let mut lines = Lines::new(b"a\n\xc3\xa9x\xff\nb\n".as_slice());
        lines.advance().unwrap();
        let error = lines.advance().unwrap_err().to_string();
        assert_eq!(error, "line 2, column 3: this is no UTF-8 text");
        assert!(lines.advance().unwrap());
        assert_eq!(lines.text(), "b");
    }

    #[test]
    fn a_line_without_an_end_costs_bounded_memory() {
        let endless = std::io::BufReader::new(std::io::repeat(b'x'));
        let mut lines = Lines::new(endless);
        let error = lines.advance().unwrap_err();
        assert!(matches!(error, ReadError::Rest { .. }), "{error}");
        assert!(lines.bytes.capacity() < 3 * LONGEST_RECORD);
    }

    fn at(line: u64, column: u64) -> Place {
        Place::Text { line, column }
    }
}
