//! Tables as `docs/benchmarks.md` has them.

use crate::peers::{ALL, Peer};

/// Prints the head of a table with one column for each broker, and `more`.
pub fn head(title: &str, more: &[&str]) {
    let brokers = ALL.iter().map(|peer| peer.name());
    let columns: Vec<&str> = brokers.chain(more.iter().copied()).collect();
    println!("\n| {title} | {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len() + 1));
}

/// Prints one row.
pub fn row(title: &str, cells: &[String]) {
    println!("| {title} | {} |", cells.join(" | "));
}

/// One value of each broker as `12,345 (1.5×)`: how it compares to mosquitto.
pub fn compared(values: &[Option<f64>]) -> Vec<String> {
    let first = values[0];
    let cell = |(value, peer): (&Option<f64>, &Peer)| match (value, first) {
        (None, _) => "failed".to_owned(),
        (Some(value), Some(first)) if *peer != ALL[0] => {
            format!("{} ({:.1}×)", number(*value), value / first)
        }
        (Some(value), _) => number(*value),
    };
    values.iter().zip(&ALL).map(cell).collect()
}

/// With commas, or with one digit after the point where it is small.
pub fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
