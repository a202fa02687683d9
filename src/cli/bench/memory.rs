//! Memory of `dauso issue` for a large PDF, beside the same for a small one.

use super::ours;
use super::process::Process;
use super::sheets::Sheets;
use super::table::{Goal, Line, Table, times};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const MIB: f64 = 1_048_576.0;

/// 100 MB: 100 pages, a scan of one megabyte on each.
const LARGE: Sheets = Sheets {
    pages: 100,
    picture: 1_000 * 1_024,
};

pub(super) async fn measure(table: &mut Table) -> anyhow::Result<()> {
    table.part("Memory");
    let place = tempfile::tempdir()?;
    let dir = place.path().join("installation");
    ours::installation(&dir, None, ours::config()?).await?;
    let large = LARGE.file()?;
    let size = large.len();
    let (small_file, large_file) = (
        place.path().join("small.pdf"),
        place.path().join("large.pdf"),
    );
    std::fs::write(&small_file, ours::paper())?;
    std::fs::write(&large_file, large)?;
    let small = peak(&dir, place.path(), 1, &small_file)?;
    let large = peak(&dir, place.path(), 2, &large_file)?;
    let more = large - small;
    table.add(Line {
        what: format!("dauso issue, a PDF of {} MB", size / 1_000_000),
        figure: format!("{:.1} MiB more", more / MIB),
        beside: format!(
            "{:.1} MiB beside {:.1} MiB for a small one",
            large / MIB,
            small / MIB
        ),
        ratio: times(large / small),
        goal: Some(Goal::at_most("100 MB in ≤ 16 MiB", more / MIB, 16.0)),
    });
    Ok(())
}

/// The most memory that one issuance held.
fn peak(dir: &Path, place: &Path, count: u64, pdf: &Path) -> anyhow::Result<f64> {
    let (data, out) = (place.join("data.json"), place.join("out.pdf"));
    std::fs::write(&data, Value::from(ours::badge(count)?).to_string())?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["issue", "--type", "vehicle-badge", "--dir"])
        .arg(dir);
    command
        .arg("--data")
        .arg(data)
        .arg("--pdf")
        .arg(pdf)
        .arg("--out")
        .arg(out);
    command.env_remove("DATABASE_URL");
    let bytes = Process::start(&mut command)?.peak()?;
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
    Ok(bytes as f64)
}
