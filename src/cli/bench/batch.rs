//! Issuing many.

use super::table::Table;

pub(super) async fn measure(_table: &mut Table, _badges: u32, _papers: u32) -> anyhow::Result<()> {
    Ok(())
}
