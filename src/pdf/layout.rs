//! Where on a page a label may be put.
//!
//! The QR goes where the catalogue says (by default the upper-left corner of page 1, TT 01/2023/TT-VPCP), or
//! to one of the catalogue's other places, or nowhere: nothing is ever printed over.

use super::content::{Mark, Surface};
use super::view::{Place, View};

/// A corner of the displayed page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Corner {
    /// Upper left.
    UpperLeft,
    /// Upper right.
    UpperRight,
    /// Lower left.
    LowerLeft,
    /// Lower right.
    LowerRight,
}

/// A place by its distance from a corner, so that it means the same on A4 and A6.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// The corner of the page from which, and the corner of the thing to which it is measured.
    pub corner: Corner,
    /// Millimetres inwards, horizontally.
    pub across: f64,
    /// Millimetres inwards, vertically.
    pub down: f64,
}

impl Spot {
    /// The place of something of this size in millimetres on a page.
    #[must_use]
    pub fn place(self, view: &View, (width, height): (f64, f64)) -> Place {
        let right = view.width - self.across - width;
        let low = view.height - self.down - height;
        let (x, y) = match self.corner {
            Corner::UpperLeft => (self.across, self.down),
            Corner::UpperRight => (right, self.down),
            Corner::LowerLeft => (self.across, low),
            Corner::LowerRight => (right, low),
        };
        Place {
            x,
            y,
            width,
            height,
        }
    }
}

/// What the catalogue says about the symbol of one result type.
#[derive(Clone, Debug, PartialEq)]
pub struct SymbolPlace {
    /// Where it belongs.
    pub spot: Spot,
    /// Its width with quiet zone in millimetres; made wider where a module would be under 0.4 mm.
    pub width: f64,
    /// Where else it may go, in order of preference.
    pub alternatives: Vec<Spot>,
}

/// The ways of the catalogue default: upper left, then upper right, lower left, lower right.
impl Default for SymbolPlace {
    fn default() -> Self {
        let spot = |corner| Spot {
            corner,
            across: 5.0,
            down: 4.0,
        };
        Self {
            spot: spot(Corner::UpperLeft),
            width: 30.0,
            alternatives: vec![spot(Corner::LowerLeft), spot(Corner::LowerRight)],
        }
    }
}

/// No allowed place is free. Its words name the first few of them.
#[derive(Clone, Debug, thiserror::Error)]
#[error("none of {} allowed places is free: {}", .tried.len(), described(.tried))]
pub struct Overlap {
    /// Every place that was tried, and what stands there.
    pub tried: Vec<Refused>,
}

/// One place that is not free.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The place.
    pub place: Place,
    /// What stands there. Nothing if the place reaches over the edge of the page, or is kept free.
    pub blockers: Vec<Mark>,
    /// Whether it is kept free for something else, a signature or a seal.
    pub kept: bool,
}

/// Places that a message names; the footer is tried at hundreds.
const DESCRIBED: usize = 6;

fn described(tried: &[Refused]) -> String {
    let at = |place: &Place| {
        format!(
            "({:.1}, {:.1}) {:.1} x {:.1} mm",
            place.x, place.y, place.width, place.height
        )
    };
    let one = |refused: &Refused| match refused.blockers.first() {
        None if refused.kept => format!("{} is kept for the signature", at(&refused.place)),
        None => format!("{} reaches over the edge", at(&refused.place)),
        Some(first) => format!(
            "{} is taken by {} at {} and {} more",
            at(&refused.place),
            first.kind.name(),
            at(&first.place),
            refused.blockers.len().saturating_sub(1)
        ),
    };
    let named = tried.iter().take(DESCRIBED).map(one);
    named.collect::<Vec<_>>().join("; ")
}

/// Whether a place is on the page, nothing is there, and nothing else will be.
///
/// # Errors
/// [`Refused`] with all that is in the way.
pub fn free(surface: &Surface, place: Place, keep_free: &[Place]) -> Result<Place, Refused> {
    let kept = keep_free.iter().any(|kept| kept.overlaps(place));
    let blockers: Vec<Mark> = surface
        .obstacles()
        .filter(|mark| mark.place.overlaps(place))
        .cloned()
        .collect();
    if blockers.is_empty() && !kept && surface.view.page().holds(place) {
        Ok(place)
    } else {
        Err(Refused {
            place,
            blockers,
            kept,
        })
    }
}

/// The first free place; `candidates` are tried in order.
///
/// # Errors
/// [`Overlap`].
pub fn first_free<T>(
    surface: &Surface,
    keep_free: &[Place],
    candidates: impl IntoIterator<Item = (Place, T)>,
) -> Result<(Place, T), Overlap> {
    let mut tried = Vec::new();
    for (place, what) in candidates {
        match free(surface, place, keep_free) {
            Ok(place) => return Ok((place, what)),
            Err(refused) => tried.push(refused),
        }
    }
    Err(Overlap { tried })
}

/// The place for a label of this size: the catalogue's first, then its alternatives.
///
/// # Errors
/// [`Overlap`] names what stands at every allowed place.
pub fn place_symbol(
    surface: &Surface,
    size: (f64, f64),
    wanted: &SymbolPlace,
) -> Result<Place, Overlap> {
    let spots = std::iter::once(wanted.spot).chain(wanted.alternatives.iter().copied());
    first_free(
        surface,
        &[],
        spots.map(|spot| (spot.place(&surface.view, size), ())),
    )
    .map(|(place, ())| place)
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test fails by it")]
mod tests {
    use super::*;
    use crate::pdf::content::samples::{surface, text};

    const LABEL: (f64, f64) = (34.0, 43.0);

    #[test]
    fn a_free_corner_is_taken_and_an_occupied_one_left_for_an_alternative() {
        let wanted = SymbolPlace::default();
        let free = surface(vec![(text("SỞ XÂY DỰNG"), [60.0, 20.0, 50.0, 5.0])]);
        let place = place_symbol(&free, LABEL, &wanted).unwrap();
        assert_eq!((place.x, place.y), (5.0, 4.0));

        let taken = surface(vec![(text("SỞ XÂY DỰNG"), [30.0, 20.0, 50.0, 5.0])]);
        let place = place_symbol(&taken, LABEL, &wanted).unwrap();
        assert!(
            (place.y - (297.0 - 4.0 - 43.0)).abs() < 0.01,
            "lower left: {place:?}"
        );
    }

    #[test]
    fn a_refusal_names_what_stands_at_every_allowed_place_but_not_its_text() {
        let wanted = SymbolPlace {
            alternatives: Vec::new(),
            ..SymbolPlace::default()
        };
        let taken = surface(vec![(text("Nguyễn Văn Mẫu"), [30.0, 20.0, 50.0, 5.0])]);
        let overlap = place_symbol(&taken, LABEL, &wanted).unwrap_err();
        let [refused] = overlap.tried.as_slice() else {
            panic!("one place was tried")
        };
        assert_eq!(refused.blockers.len(), 1);
        assert_eq!(
            overlap.to_string(),
            "none of 1 allowed places is free: (5.0, 4.0) 34.0 x 43.0 mm is taken by text at \
             (30.0, 20.0) 50.0 x 5.0 mm and 0 more"
        );
        assert!(!format!("{overlap:?}").contains("Nguyễn"));
    }

    #[test]
    fn a_place_kept_for_the_signature_is_not_free() {
        let page = surface(vec![]);
        let place = SymbolPlace::default().spot.place(&page.view, LABEL);
        let refused = free(&page, place, &[place]).unwrap_err();
        assert!(refused.kept && refused.blockers.is_empty());
        assert_eq!(free(&page, place, &[]).unwrap(), place);
    }

    #[test]
    fn a_place_over_the_edge_is_not_free() {
        let small = surface(vec![]);
        let wide = place_symbol(&small, (300.0, 10.0), &SymbolPlace::default()).unwrap_err();
        assert!(wide.tried.iter().all(|refused| refused.blockers.is_empty()));
        assert_eq!(wide.tried.len(), 3);
    }
}
