//! Text and coordinates as SVG writes them.

use std::fmt::Write;

/// A point of the drawing in tenths of its unit: finer is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    x: i32,
    y: i32,
}

impl Place {
    pub fn new(x: f64, y: f64) -> Place {
        Place {
            x: tenths(x),
            y: tenths(y),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to what a drawing can hold; NaN becomes 0"
)]
fn tenths(coordinate: f64) -> i32 {
    (coordinate * 10.0).round().clamp(-1e6, 1e6) as i32
}

/// Appends a path through `places`: where it starts, then how far each step goes.
pub fn path(out: &mut String, places: impl IntoIterator<Item = Place>) {
    let mut places = places.into_iter();
    let Some(mut last) = places.next() else {
        return;
    };
    out.push('M');
    pair(out, last.x, last.y);
    let mut drawn = false;
    for place in places {
        if place == last {
            continue;
        }
        out.push('l');
        pair(out, place.x - last.x, place.y - last.y);
        (last, drawn) = (place, true);
    }
    if !drawn {
        // A line of no length shows as a dot where its ends are round.
        out.push_str("h0");
    }
}

fn pair(out: &mut String, x: i32, y: i32) {
    tenth(out, x);
    if y >= 0 {
        out.push(' ');
    }
    tenth(out, y);
}

/// `-3` is written `-.3`, `25` is `2.5`, `30` is `3`.
fn tenth(out: &mut String, tenths: i32) {
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    // Writing to a String cannot fail.
    let _ = match (whole, rest) {
        (whole, 0) => write!(out, "{sign}{whole}"),
        (0, rest) => write!(out, "{sign}.{rest}"),
        (whole, rest) => write!(out, "{sign}{whole}.{rest}"),
    };
}

/// A coordinate as an attribute's value.
pub fn number(coordinate: f64) -> String {
    let mut out = String::new();
    tenth(&mut out, tenths(coordinate));
    out
}

/// Text that may stand in content and attributes; what XML cannot hold is
/// replaced.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(places: &[(f64, f64)]) -> String {
        let mut out = String::new();
        path(&mut out, places.iter().map(|(x, y)| Place::new(*x, *y)));
        out
    }

    #[test]
    fn paths_are_short() {
        assert_eq!(
            drawn(&[(1.0, 2.04), (3.5, 1.7), (3.5, 12.0)]),
            "M1 2l2.5-.3l0 10.3"
        );
        assert_eq!(drawn(&[(1.0, 2.0)]), "M1 2h0");
        assert_eq!(drawn(&[]), "");
    }

    #[test]
    fn rounding_does_not_add_up() {
        let far: Vec<_> = (0..=1000).map(|n| (f64::from(n) * 0.149, 0.0)).collect();
        let steps = drawn(&far);
        let sum: f64 = steps[1..]
            .split(['l', ' '])
            .filter_map(|number| number.parse::<f64>().ok())
            .sum();
        assert!((sum - 149.0).abs() < 0.11, "{sum}");
    }

    #[test]
    fn no_text_breaks_the_markup() {
        assert_eq!(
            escape("<a href='\"&\0\n"),
            "&lt;a href=&#39;&quot;&amp;\u{fffd} "
        );
    }
}
