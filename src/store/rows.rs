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

    /// The items in the fewest pieces that hold them, the last one filled up with its last item: for
    /// questions, which may be put twice.
    pub(super) fn filled<'s, T: Copy>(
        &'s self,
        items: &[T],
    ) -> impl Iterator<Item = (&'s str, Vec<T>)> {
        let [largest, ..] = SIZES;
        items.chunks(largest).filter_map(move |piece| {
            let place = SIZES.iter().rposition(|size| *size >= piece.len())?;
            let mut filled = piece.to_vec();
            filled.resize(*SIZES.get(place)?, *piece.last()?);
            Some((self.0.get(place)?.as_str(), filled))
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

    #[test]
    fn questions_fill_the_smallest_statement_that_holds_them() {
        let rows = ManyRows::new("SELECT a FROM t WHERE a IN (VALUES", 1, ")");
        for (count, sizes) in [(1, vec![1]), (2, vec![8]), (9, vec![64]), (70, vec![64, 8])] {
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
}
