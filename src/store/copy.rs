//! A copy of the whole register at one moment, and whether the database itself is sound.

use super::backend::Backend;
use super::column::Columns;
use super::{Store, StoreError};

/// SQLite's own copy: it sees one moment, however long it takes and whoever writes meanwhile.
const COPY: &str = "VACUUM INTO $1";

const SOUND: &str = "SELECT integrity_check AS said FROM pragma_integrity_check LIMIT 1";

const DANGLING: &str = "SELECT COUNT(*) AS dangling FROM pragma_foreign_key_check";

impl Store {
    /// Whether the register is a file, which [`Self::copy_to`] can copy. A server has its own tools.
    #[must_use]
    pub fn is_a_file(&self) -> bool {
        self.backend == Backend::Sqlite
    }

    /// Writes a copy of a register that is a file to a path where nothing is yet.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it cannot be written, and for a register that is no file.
    pub async fn copy_to(&self, path: &str) -> Result<(), StoreError> {
        sqlx::query(COPY).bind(path).execute(&self.writers).await?;
        Ok(())
    }

    /// Whether the database finds its own file sound and every reference in it leads somewhere. A server
    /// looks after that itself.
    pub async fn is_sound(&self) -> Result<bool, StoreError> {
        if self.backend == Backend::Postgres {
            return Ok(true);
        }
        let mut tx = self.read().await?;
        let row = sqlx::query(SOUND).fetch_one(tx.connection()).await?;
        if Columns(&row).text("said")? != "ok" {
            return Ok(false);
        }
        let row = sqlx::query(DANGLING).fetch_one(tx.connection()).await?;
        Ok(Columns(&row).number::<u64>("dangling")? == 0)
    }
}
