//! Sizes as people write them: `40 MB`, `1.5GB`.

/// Units, each a thousand of the one before, as makers of disks count.
const UNITS: [(&str, f64); 5] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
];
/// Nobody has more, and a double counts it exactly.
const MOST: f64 = 9e15;

/// A number and its unit, with or without a space between.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let is_plain = number.starts_with(|c: char| c.is_ascii_digit());
    let number: f64 = number.parse().ok().filter(|_| is_plain)?;
    let bytes = (number * factor).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within bounds"
    )]
    (0.0..=MOST).contains(&bytes).then_some(bytes as u64)
}

/// What to write where the unit is another spelling of one: `40 mb`, `40 MiB`, `40 megabytes`.
/// `per` is what follows the size.
pub(super) fn hint(text: &str, per: &str) -> Option<String> {
    let (number, unit) = split(text);
    let first = unit.chars().next()?.to_ascii_lowercase();
    let near = |(name, _): &&(&str, f64)| name.to_ascii_lowercase().starts_with(first);
    let (name, _) = UNITS.iter().find(near)?;
    let right = format!("{number} {name}");
    parse(&right)?;
    Some(format!("did you mean \"{right}{per}\"?"))
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    (number, unit.trim_start())
}

/// In the largest unit that it is a whole number of.
pub(super) fn words(bytes: u64) -> String {
    let bytes = bytes as f64;
    let fits = |(_, factor): &&(&str, f64)| bytes >= *factor && bytes % factor == 0.0;
    let (name, factor) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
    format!("{} {name}", bytes / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(parse("40 MB"), Some(40_000_000));
        assert_eq!(parse(" 1.5GB "), Some(1_500_000_000));
        assert_eq!(parse("10 TB"), Some(10_000_000_000_000));
        for text in [
            "", "40", "MB", "40 mb", "-1 MB", ".5 MB", "1.2.3 MB", "1e3 MB", "inf MB",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("99999999999999999999 TB"), None);
    }

    #[test]
    fn other_spellings_are_put_right() {
        let right = |text| hint(text, "/day").unwrap_or_default();
        assert_eq!(right("40mb"), "did you mean \"40 MB/day\"?");
        assert_eq!(right("40 MiB"), "did you mean \"40 MB/day\"?");
        assert_eq!(right("2 gigabytes"), "did you mean \"2 GB/day\"?");
        assert_eq!(right("forty MB"), "");
        assert_eq!(right("40 x"), "");
    }

    #[test]
    fn what_is_told_is_read_again() {
        for (bytes, told) in [
            (1_000_000, "1 MB"),
            (1_500_000, "1500 kB"),
            (100_000_000_000, "100 GB"),
            (0, "0 B"),
        ] {
            assert_eq!(words(bytes), told);
            assert_eq!(parse(told), Some(bytes));
        }
    }
}
