//! Many rows with one statement. Each statement is a round trip to the database, and for SQLite a change
//! of thread; a batch of checks would spend most of its time on them.
//!
//! There are only three sizes, so that the database prepares only three statements of each kind.

/// Rows of one statement. The largest keeps the parameters of the widest table (20 columns) far below
/// SQLite's 32,766 and PostgreSQL's 65,535.
const SIZES: [usize; 3] = [64, 8, 1];

/// A statement for each of the sizes.
pub(super) struct ManyRows([String; 3]);

impl ManyRows {
    /// `head ($1, $2), ($3, $4) tail` with as many parentheses as rows.
    pub(super) fn new(head: &str, columns: usize, tail: &str) -> Self {
        Self(SIZES.map(|rows| {
            let rows: Vec<String> = (0..rows)
                .map(|row| {
                    let places = row * columns + 1..=(row + 1) * columns;
                    let places: Vec<String> = places.map(|place| format!("${place}")).collect();
                    format!("({})", places.join(", "))
                })
                .collect();
            format!("{head} {} {tail}", rows.join(", "))
        }))
    }

    /// The items in pieces, each with the statement of its size.
    pub(super) fn pieces<'s, 'i, T>(
        &'s self,
        mut items: &'i [T],
    ) -> impl Iterator<Item = (&'s str, &'i [T])> {
        std::iter::from_fn(move || {
            let place = SIZES.iter().position(|size| *size <= items.len())?;
            let (piece, rest) = items.split_at_checked(*SIZES.get(place)?)?;
            items = rest;
            Some((self.0.get(place)?.as_str(), piece))
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
            rows.0[2],
            "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        );
    }
}
