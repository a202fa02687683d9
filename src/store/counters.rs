//! The counts of numbers: one per agency, result type and year, from 1 each January (NĐ 30/2020 Đ15).

use super::column::{Columns, bigint};
use super::{StoreError, Tx};

const TAKE: &str = "
    INSERT INTO counters (agency_code, result_type, year, next_number) VALUES ($1, $2, $3, 2)
    ON CONFLICT (agency_code, result_type, year)
        DO UPDATE SET next_number = counters.next_number + 1
    RETURNING next_number - 1 AS taken";

/// The first number from `$4` on that no result has. Numbers that came with the data of a request may
/// lie ahead of the count.
const FREE: &str = "
    SELECT COALESCE(MIN(result.number) + 1, $4) AS free
    FROM results AS result
    WHERE result.agency_code = $1 AND result.result_type = $2 AND result.year = $3
      AND result.number >= $4
      AND EXISTS (SELECT 1 FROM results AS taken
          WHERE taken.agency_code = $1 AND taken.result_type = $2 AND taken.year = $3
            AND taken.number = $4)
      AND NOT EXISTS (SELECT 1 FROM results AS following
          WHERE following.agency_code = $1 AND following.result_type = $2 AND following.year = $3
            AND following.number = result.number + 1)";

const SKIP: &str = "
    UPDATE counters SET next_number = $4 WHERE agency_code = $1 AND result_type = $2 AND year = $3";

impl Tx {
    /// Takes the next number, skipping those that results have already. The count stays locked until the
    /// transaction ends, so an undone transaction leaves no gap.
    pub async fn take_number(
        &mut self,
        agency: &str,
        result_type: &str,
        year: i32,
    ) -> Result<u64, StoreError> {
        let row = sqlx::query(TAKE)
            .bind(agency)
            .bind(result_type)
            .bind(i64::from(year))
            .fetch_one(self.connection())
            .await?;
        let taken: u64 = Columns(&row).number("taken")?;
        let row = sqlx::query(FREE)
            .bind(agency)
            .bind(result_type)
            .bind(i64::from(year))
            .bind(bigint(taken))
            .fetch_one(self.connection())
            .await?;
        let free: u64 = Columns(&row).number("free")?;
        if free != taken {
            sqlx::query(SKIP)
                .bind(agency)
                .bind(result_type)
                .bind(i64::from(year))
                .bind(bigint(free).saturating_add(1))
                .execute(self.connection())
                .await?;
        }
        Ok(free)
    }
}
