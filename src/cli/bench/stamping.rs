//! Stamping without signing, beside reading the file once (SHA-256) and writing it once (a copy).

use super::sheets::Sheets;
use super::table::{Goal, Line, Table, time, times};
use super::turns::in_turns;
use super::{Effort, ours};
use crate::digest::Sha256;
use std::hint::black_box;

/// Files from here on are large: their bytes are the work.
const LARGE: usize = 300_000;

pub(super) async fn measure(table: &mut Table, effort: Effort) -> anyhow::Result<()> {
    table.part("Stamping without signing");
    let place = tempfile::tempdir()?;
    let made = ours::installation(place.path(), None, ours::config()?).await?;
    let scans = |pages, picture| Sheets { pages, picture }.file();
    let files = [
        ("a sample badge, 1 page", ours::paper().to_vec()),
        ("a plain page", scans(1, 16 << 10)?),
        ("20 pages", scans(20, 18 << 10)?),
        ("200 pages", scans(200, 18 << 10)?),
        ("a scan of 20 pages", scans(20, 1 << 20)?),
    ];
    for (count, (what, file)) in (1..).zip(files) {
        let rehearsal = made
            .issuer()?
            .rehearsal(&ours::badge(count)?, &file)
            .await?;
        rehearsal.stamp()?;
        let [stamp, bound] = in_turns(
            effort,
            [&mut || drop(black_box(rehearsal.stamp())), &mut || {
                black_box(Sha256::of(&file));
                drop(black_box(file.clone()));
            }],
        )?;
        let ratio = stamp.ratio(&bound);
        table.add(Line {
            what: format!("{what}, {} KB", file.len() / 1_000),
            figure: time(stamp.median()),
            beside: format!("SHA-256 + copy {}", time(bound.median())),
            ratio: times(ratio),
            goal: Some(if file.len() < LARGE {
                Goal::at_most("≤ 150 µs", stamp.median(), 150e-6)
            } else {
                Goal::at_most("≤ 1.5 ×", ratio, 1.5)
            }),
        });
    }
    Ok(())
}
