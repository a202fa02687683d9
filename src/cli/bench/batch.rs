//! Issuing lists with `dauso issue --batch`, each beside a tenth of it: the rate and the memory.

use super::ours;
use super::process::Process;
use super::table::{Goal, Line, Table, times, whole};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const MIB: f64 = 1_048_576.0;

pub(super) async fn measure(table: &mut Table, badges: u32, papers: u32) -> anyhow::Result<()> {
    table.part("Lists");
    for (what, rows, with_pdf) in [
        ("badges without PDFs", badges, false),
        ("badges with a PDF each", papers, true),
    ] {
        let (_, few) = issued(rows / 10, with_pdf).await?;
        let (seconds, many) = issued(rows, with_pdf).await?;
        let rate = f64::from(rows) / seconds;
        table.add(Line {
            what: format!("{} {what}", whole(f64::from(rows))),
            figure: format!("{}/s", whole(rate)),
            beside: format!(
                "memory {:.1} MiB, for a tenth {:.1} MiB",
                many / MIB,
                few / MIB
            ),
            ratio: times(many / few),
            goal: Some(Goal::at_most("memory ≤ 1.2 ×", many / few, 1.2)),
        });
    }
    Ok(())
}

/// Seconds and the most memory that a list of so many rows took.
async fn issued(rows: u32, with_pdf: bool) -> anyhow::Result<(f64, f64)> {
    let place = tempfile::tempdir()?;
    let dir = place.path().join("installation");
    ours::installation(&dir, None, ours::config()?).await?;
    std::fs::write(place.path().join("paper.pdf"), ours::paper())?;
    let list = place.path().join("list.jsonl");
    std::fs::write(&list, lines(rows, with_pdf)?)?;
    let started = Instant::now();
    let peak = Process::start(&mut command(&dir, &list, place.path())?)?.peak()?;
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
    Ok((seconds, peak as f64))
}

fn command(dir: &Path, list: &Path, place: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["issue", "--type", "vehicle-badge", "--json", "--dir"]);
    command.arg(dir).arg("--batch").arg(list);
    command.arg("--out-dir").arg(place.join("out"));
    command.env_remove("DATABASE_URL");
    command.stderr(std::process::Stdio::null());
    Ok(command)
}

/// A list as JSON lines; rows with a PDF all bring the same.
fn lines(rows: u32, with_pdf: bool) -> anyhow::Result<String> {
    let mut lines = String::new();
    for row in 0..rows {
        let mut data = ours::badge(row.into())?;
        if with_pdf {
            data.insert("pdf".into(), "paper.pdf".into());
        }
        lines.push_str(&Value::from(data).to_string());
        lines.push('\n');
    }
    Ok(lines)
}
