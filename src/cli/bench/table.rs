//! The table of the figures: on the terminal while they come, as Markdown at the end.

use std::fmt::Write as _;

/// Everything that was measured.
#[derive(Default)]
pub(super) struct Table(Vec<Part>);

struct Part {
    title: String,
    lines: Vec<Line>,
    /// Why there are no more.
    failed: Option<String>,
}

/// One figure.
pub(super) struct Line {
    /// What was measured.
    pub(super) what: String,
    /// The figure.
    pub(super) figure: String,
    /// What stands beside it: a limit, a peer.
    pub(super) beside: String,
    /// How they compare.
    pub(super) ratio: String,
    /// What we want.
    pub(super) goal: Option<Goal>,
}

/// A goal and whether it was reached.
pub(super) struct Goal {
    words: &'static str,
    reached: bool,
}

impl Goal {
    pub(super) fn at_most(words: &'static str, value: f64, most: f64) -> Self {
        let reached = value <= most;
        Self { words, reached }
    }

    pub(super) fn at_least(words: &'static str, value: f64, least: f64) -> Self {
        let reached = value >= least;
        Self { words, reached }
    }
}

impl Table {
    /// Begins a part.
    pub(super) fn part(&mut self, title: &str) {
        println!("\n{title}");
        let title = title.to_owned();
        self.0.push(Part {
            title,
            lines: Vec::new(),
            failed: None,
        });
    }

    /// Says why the rest of the part begun last was not measured.
    pub(super) fn failed(&mut self, why: &str) {
        println!("  FAILED: {why}");
        if let Some(part) = self.0.last_mut() {
            part.failed = Some(why.to_owned());
        }
    }

    /// Adds a figure to the part begun last.
    pub(super) fn add(&mut self, line: Line) {
        let goal = line.goal.as_ref().map_or(String::new(), |goal| {
            let reached = if goal.reached { "reached" } else { "MISSED" };
            format!("goal {}: {reached}", goal.words)
        });
        println!(
            "  {:<50} {:>14}  {:<40} {:>8}  {goal}",
            line.what, line.figure, line.beside, line.ratio
        );
        if let Some(part) = self.0.last_mut() {
            part.lines.push(line);
        }
    }

    /// The tables as Markdown, a heading for each part, behind how they are made.
    pub(super) fn markdown(&self, about: &str) -> String {
        let mut out = format!("{}{about}\n\n", include_str!("report.template"));
        for part in &self.0 {
            // A String takes everything that is written to it.
            let _ = write!(out, "### {}\n\n", part.title);
            out.push_str(
                "| what | figure | beside | ratio | goal | |\n|---|---:|---|---:|---|---|\n",
            );
            for line in &part.lines {
                let (goal, reached) = match &line.goal {
                    Some(goal) if goal.reached => (goal.words, "reached"),
                    Some(goal) => (goal.words, "**missed**"),
                    None => ("", ""),
                };
                let _ = writeln!(
                    out,
                    "| {} | {} | {} | {} | {goal} | {reached} |",
                    line.what, line.figure, line.beside, line.ratio
                );
            }
            if let Some(why) = &part.failed {
                let _ = writeln!(out, "\n**Not measured:** {why}");
            }
            out.push('\n');
        }
        out
    }
}

/// `12 345`: thousands apart, as whole numbers are easier to read.
pub(super) fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Seconds as microseconds or milliseconds.
pub(super) fn time(seconds: f64) -> String {
    let micros = seconds * 1e6;
    match micros {
        ..100.0 => format!("{micros:.1} µs"),
        ..10_000.0 => format!("{micros:.0} µs"),
        _ => format!("{:.1} ms", micros / 1e3),
    }
}

/// A share in per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// A multiple.
pub(super) fn times(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}
