//! Tables as `docs/benchmarks.md` has them.

/// Prints the head of a table.
pub fn head(title: &str, columns: &[String]) {
    println!("\n| {title} | {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len() + 1));
}

/// Prints one row.
pub fn row(title: &str, cells: &[String]) {
    println!("| {title} | {} |", cells.join(" | "));
}

/// The one in the middle; 0 of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// With commas, or with one digit after the point where it is small.
pub fn number(value: f64) -> String {
    if value < 100.0 && value.fract() != 0.0 {
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
