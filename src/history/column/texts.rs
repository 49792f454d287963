//! A column of short texts: each different one once, then their numbers.

use std::collections::HashMap;

use super::bytes::{Input, put_count};
use super::{DecodeError, ints};
use crate::history::sample::LONGEST_TEXT;

/// Writes a column of texts of at most [`LONGEST_TEXT`] bytes.
pub fn write(out: &mut Vec<u8>, texts: &[&str]) {
    let mut known = HashMap::new();
    let mut different = Vec::new();
    let mut column = Vec::with_capacity(texts.len());
    for text in texts {
        let next = different.len() as i64;
        let number = *known.entry(*text).or_insert(next);
        if number == next {
            different.push(*text);
        }
        column.push(number);
    }
    put_count(out, different.len());
    for text in different {
        put_count(out, text.len());
        out.extend_from_slice(text.as_bytes());
    }
    ints::write(out, &column);
}

/// Reads a column of `count` texts.
pub fn read<'a>(input: &mut Input<'a>, count: usize) -> Result<Vec<&'a str>, DecodeError> {
    let different = input.count()?;
    // Each takes a byte at least, so that nobody makes room for what is not there.
    if different > input.rest.len() {
        return Err(DecodeError::TooShort);
    }
    let known: Vec<&str> = (0..different)
        .map(|_| text(input))
        .collect::<Result<_, _>>()?;
    let column = ints::read(input, count)?.into_iter();
    let text = |number: i64| {
        let number = usize::try_from(number).ok();
        let text = number.and_then(|number| known.get(number));
        text.copied()
            .ok_or(DecodeError::Malformed("a text is missing"))
    };
    column.map(text).collect()
}

fn text<'a>(input: &mut Input<'a>) -> Result<&'a str, DecodeError> {
    let length = input.count()?;
    if length > LONGEST_TEXT {
        return Err(DecodeError::Malformed("a text is too long"));
    }
    let bytes = input.take(length)?;
    std::str::from_utf8(bytes).map_err(|_| DecodeError::Malformed("a text is not UTF-8"))
}
