//! The state machine: which decision is possible from which standing, and where it leads.
//!
//! ```text
//!                    suspension                  recall                cancellation
//!           ┌───────────────────────┐   ┌────────────────────┐   ┌─────────────────────┐
//!           ▼                       │   │                    ▼   │                     ▼
//!       suspended ─reinstatement─► VALID ───────────────► recalled ───────────────► cancelled
//!           │                       │                        │
//!           └───────────┬───────────┘                        └─replacement─► superseded
//!                       └─► revoked, recalled, surrendered, cancelled; superseded from valid only
//! ```
//!
//! | from \ decision | revocation | recall | suspension | reinstatement | cancellation | replacement | surrender | erratum |
//! |---|---|---|---|---|---|---|---|---|
//! | valid | revoked | recalled | suspended | – | cancelled | superseded | surrendered | valid |
//! | suspended | revoked | recalled | – | valid | cancelled | – | surrendered | suspended |
//! | recalled | – | – | – | – | cancelled | superseded | – | – |
//! | revoked, cancelled, superseded, surrendered | – | – | – | – | – | – | – | – |
//!
//! Expired is no standing: the day decides it, nobody does. A result whose last day has passed is moved like
//! one that is valid. A suspended one is not replaced: its holder would be rid of the suspension. A recalled
//! one is frozen (NĐ 30/2020 PL VI): it ends as cancelled, or as replaced by one that is right. The same
//! table stands in docs/LIFECYCLE.md; a test compares them.

use crate::catalogue::ChangeKind;
use crate::store::Standing;

/// Where a decision leads from a standing; `None` where the law does not know it.
#[must_use]
pub fn after(kind: ChangeKind, from: Standing) -> Option<Standing> {
    use Standing::{Cancelled, Recalled, Revoked, Superseded, Surrendered, Suspended, Valid};
    match (kind, from) {
        (ChangeKind::Revocation, Valid | Suspended) => Some(Revoked),
        (ChangeKind::Recall, Valid | Suspended) => Some(Recalled),
        (ChangeKind::Suspension, Valid) => Some(Suspended),
        (ChangeKind::Reinstatement, Suspended) => Some(Valid),
        (ChangeKind::Cancellation, Valid | Suspended | Recalled) => Some(Cancelled),
        (ChangeKind::Replacement, Valid | Recalled) => Some(Superseded),
        (ChangeKind::Surrender, Valid | Suspended) => Some(Surrendered),
        (ChangeKind::Erratum, Valid | Suspended) => Some(from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds() -> impl Strategy<Value = ChangeKind> {
        prop::sample::select(ChangeKind::ALL.to_vec())
    }

    /// Whether some decision leads further.
    fn is_final(standing: Standing) -> bool {
        ChangeKind::ALL
            .into_iter()
            .all(|kind| after(kind, standing).is_none())
    }

    #[test]
    fn the_table_of_the_documentation_is_the_table_of_the_code() {
        let text = include_str!("../../docs/LIFECYCLE.md");
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| line.starts_with("| "))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let head = rows
            .iter()
            .position(|row| row[0] == "from")
            .expect("a table that begins with `from`");
        let kinds: Vec<ChangeKind> = rows[head][1..]
            .iter()
            .map(|word| ChangeKind::parse(word).expect("a kind of change"))
            .collect();
        assert_eq!(kinds, ChangeKind::ALL);
        for standing in Standing::ALL {
            let row = rows[head..]
                .iter()
                .find(|row| row[0] == standing.name())
                .unwrap_or_else(|| panic!("no row for {}", standing.name()));
            let said: Vec<Option<Standing>> =
                row[1..].iter().map(|word| Standing::parse(word)).collect();
            let meant: Vec<Option<Standing>> = ChangeKind::ALL
                .into_iter()
                .map(|kind| after(kind, standing))
                .collect();
            assert_eq!(said, meant, "{}", standing.name());
        }
    }

    #[test]
    fn only_what_is_said_to_be_final_is_final() {
        let last: Vec<Standing> = Standing::ALL.into_iter().filter(|s| is_final(*s)).collect();
        assert_eq!(
            last,
            [
                Standing::Revoked,
                Standing::Cancelled,
                Standing::Superseded,
                Standing::Surrendered
            ]
        );
    }

    proptest! {
        #[test]
        fn whatever_is_decided_in_whatever_order_only_a_reinstatement_makes_valid_again(
            decisions in prop::collection::vec(kinds(), 0..40),
        ) {
            let mut standing = Standing::Valid;
            let mut lost = false;
            for kind in decisions {
                let Some(next) = after(kind, standing) else { continue };
                // What was lost for good never comes back.
                prop_assert!(!(lost && matches!(next, Standing::Valid | Standing::Suspended)));
                if next == Standing::Valid {
                    prop_assert!(matches!(kind, ChangeKind::Reinstatement | ChangeKind::Erratum));
                }
                if kind == ChangeKind::Erratum {
                    prop_assert_eq!(next, standing);
                } else {
                    prop_assert_ne!(next, standing);
                }
                if standing == Standing::Recalled {
                    prop_assert!(matches!(next, Standing::Cancelled | Standing::Superseded));
                }
                prop_assert!(!is_final(standing));
                lost |= !matches!(next, Standing::Valid | Standing::Suspended);
                standing = next;
            }
        }
    }
}
