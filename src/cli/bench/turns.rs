//! Work that takes turns, counted by the CPU time of its thread.

use super::Effort;
use std::time::{Duration, Instant};

/// CPU seconds that one call took, round by round.
pub(super) struct Timed(Vec<f64>);

impl Timed {
    pub(super) fn new(rounds: Vec<f64>) -> Self {
        Self(rounds)
    }

    /// The median of the rounds.
    pub(super) fn median(&self) -> f64 {
        median(self.0.iter().copied())
    }

    /// How many of `other` one of these takes: the median of the rounds' own ratios.
    pub(super) fn ratio(&self, other: &Self) -> f64 {
        median(
            self.0
                .iter()
                .zip(&other.0)
                .map(|(ours, theirs)| ours / theirs),
        )
    }
}

/// The value in the middle.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Runs every one of `works` for a turn, and that as often as there are rounds.
pub(super) fn in_turns<const N: usize>(
    effort: Effort,
    mut works: [&mut dyn FnMut(); N],
) -> anyhow::Result<[Timed; N]> {
    let turn = effort.turn / 4;
    let mut timed: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for work in &mut works {
        work();
    }
    for _ in 0..effort.rounds {
        for (work, timed) in works.iter_mut().zip(&mut timed) {
            let (mut count, started, before) = (0.0, Instant::now(), spent()?);
            while started.elapsed() < turn {
                work();
                count += 1.0;
            }
            timed.push((spent()? - before) / count);
        }
    }
    Ok(timed.map(Timed))
}

/// CPU seconds of this thread.
pub(super) fn spent() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = stat.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanos).as_secs_f64())
}
