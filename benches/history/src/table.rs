//! What was measured, as a table: by sample, and as so many times what Hearth costs.

use crate::ways::Cost;

pub fn title(what: &str) {
    println!("\n{what}");
    println!(
        "{:<44}{:>9}{:>11}{:>10}{:>8}{:>9}{:>8}",
        "", "commits", "samples/s", "written B", "1 : n", "stored B", "1 : n"
    );
}

/// One line. `hearth` is what the others are compared with, once it is known.
pub fn line(cost: &Cost, hearth: Option<&Cost>) {
    println!(
        "{:<44}{:>9}{:>11.0}{:>10.1}{:>8}{:>9.2}{:>8}",
        cost.name,
        cost.commits,
        cost.samples as f64 / cost.seconds,
        each(cost.written, cost),
        ratio(cost, hearth, |cost| cost.written),
        each(cost.stored, cost),
        ratio(cost, hearth, |cost| cost.stored),
    );
}

fn each(bytes: u64, cost: &Cost) -> f64 {
    bytes as f64 / cost.samples.max(1) as f64
}

/// Hearth's bytes to those of another, for each sample.
fn ratio(cost: &Cost, hearth: Option<&Cost>, bytes: impl Fn(&Cost) -> u64) -> String {
    let Some(hearth) = hearth else {
        return String::new();
    };
    match each(bytes(hearth), hearth) {
        // On a file system in memory nothing is written.
        0.0 => "-".to_owned(),
        one => format!("{:.2}", each(bytes(cost), cost) / one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(samples: usize, written: u64) -> Cost {
        Cost {
            name: String::new(),
            samples,
            commits: 1,
            seconds: 1.0,
            written,
            stored: 0,
        }
    }

    #[test]
    fn others_are_compared_sample_by_sample() {
        let written = |cost: &Cost| cost.written;
        let hearth = cost(10, 100);
        assert_eq!(ratio(&cost(20, 1000), Some(&hearth), written), "5.00");
        assert_eq!(ratio(&cost(20, 1000), Some(&cost(10, 0)), written), "-");
        assert_eq!(ratio(&hearth, None, written), "");
    }
}
