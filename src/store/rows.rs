//! Many rows with one statement. Each statement is a round trip to the database, and for SQLite a change
//! of thread; a batch of checks would spend most of its time on them.
//!
//! There are only a few sizes, so that the database prepares only a few statements of each kind.

/// Parameters of one statement. sqlx asks SQLite for the name of each, and SQLite looks through all of them
/// for it: beyond this the search costs more than a further statement.
const PARAMETERS: usize = 160;

/// Rows of one statement.
const ROWS: usize = 64;

/// A statement for each of some sizes, the largest first.
pub(super) struct ManyRows(Vec<(usize, String)>);

impl ManyRows {
    /// `head ($1, $2), ($3, $4) tail` with as many parentheses as rows.
    pub(super) fn new(head: &str, columns: usize, tail: &str) -> Self {
        let fitting = |rows: &usize| rows * columns <= PARAMETERS || *rows == 1;
        let sizes = std::iter::successors(Some(ROWS), |rows| Some(rows / 2));
        let statement = |rows| {
            let rows: Vec<String> = (0..rows)
                .map(|row| {
                    let places = row * columns + 1..=(row + 1) * columns;
                    let places: Vec<String> = places.map(|place| format!("${place}")).collect();
                    format!("({})", places.join(", "))
                })
                .collect();
            format!("{head} {} {tail}", rows.join(", "))
        };
        let sizes = sizes.take_while(|rows| *rows > 0).filter(fitting);
        Self(sizes.map(|rows| (rows, statement(rows))).collect())
    }

    /// The items in pieces, each with the statement of its size.
    pub(super) fn pieces<'s, 'i, T>(
        &'s self,
        mut items: &'i [T],
    ) -> impl Iterator<Item = (&'s str, &'i [T])> {
        std::iter::from_fn(move || {
            let (rows, sql) = self.0.iter().find(|(rows, _)| *rows <= items.len())?;
            let (piece, rest) = items.split_at_checked(*rows)?;
            items = rest;
            Some((sql.as_str(), piece))
        })
    }

    /// The items in the fewest pieces that hold them, the last one filled up with its last item: for
    /// questions, which may be put twice.
    pub(super) fn filled<'s, T: Copy>(
        &'s self,
        items: &[T],
    ) -> impl Iterator<Item = (&'s str, Vec<T>)> {
        let largest = self.0.first().map_or(1, |(rows, _)| *rows);
        items.chunks(largest).filter_map(|piece| {
            let (rows, sql) = self.0.iter().rfind(|(rows, _)| *rows >= piece.len())?;
            let mut filled = piece.to_vec();
            filled.resize(*rows, *piece.last()?);
            Some((sql.as_str(), filled))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_in_one_piece_with_the_statement_of_its_size() {
        let rows = ManyRows::new("INSERT INTO t (a, b) VALUES", 2, "ON CONFLICT DO NOTHING");
        for count in [0, 1, 7, 8, 9, 64, 65, 137, 200] {
            let items: Vec<usize> = (0..count).collect();
            let mut seen = Vec::new();
            for (sql, piece) in rows.pieces(&items) {
                assert!(sql.ends_with(&format!("${}) ON CONFLICT DO NOTHING", 2 * piece.len())));
                assert_eq!(sql.matches('(').count(), piece.len() + 1);
                seen.extend_from_slice(piece);
            }
            assert_eq!(seen, items);
        }
        assert_eq!(
            rows.0[6].1,
            "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        );
    }

    #[test]
    fn questions_fill_the_smallest_statement_that_holds_them() {
        let rows = ManyRows::new("SELECT a FROM t WHERE a IN (VALUES", 1, ")");
        for (count, sizes) in [
            (1, vec![1]),
            (3, vec![4]),
            (33, vec![64]),
            (70, vec![64, 8]),
        ] {
            let items: Vec<usize> = (0..count).collect();
            let filled: Vec<_> = rows.filled(&items).collect();
            let found: Vec<usize> = filled.iter().map(|(_, items)| items.len()).collect();
            assert_eq!(found, sizes);
            for (sql, items) in &filled {
                assert!(sql.ends_with(&format!("(${}) )", items.len())));
            }
            let mut asked: Vec<usize> = filled.into_iter().flat_map(|(_, items)| items).collect();
            asked.dedup();
            assert_eq!(asked, items);
        }
        assert_eq!(rows.filled::<usize>(&[]).count(), 0);
    }

    #[test]
    fn a_wide_table_has_fewer_rows_in_a_statement() {
        let largest = |columns| ManyRows::new("", columns, "").0[0].0;
        assert_eq!([1, 2, 5, 20, 200].map(largest), [64, 64, 32, 8, 1]);
    }
}
