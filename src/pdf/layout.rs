//! Where on a page something may be put.
//!
//! The QR goes where the catalogue says (by default the upper-left corner of page 1, TT 01/2023/TT-VPCP), or
//! to one of the catalogue's other places, or nowhere: nothing is ever printed over. The signature goes
//! between the signatory's position and name, the seal over its left third (NĐ 30/2020, annex I, II.7d and
//! II.8a).

use super::content::{Mark, MarkKind, Surface};
use super::view::{Place, View};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

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
            down: 4.5,
        };
        Self {
            spot: spot(Corner::UpperLeft),
            width: 30.0,
            alternatives: vec![spot(Corner::LowerLeft), spot(Corner::LowerRight)],
        }
    }
}

/// No allowed place is free.
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
    /// What stands there; nothing if the place reaches over the edge of the page.
    pub blockers: Vec<Mark>,
}

fn described(tried: &[Refused]) -> String {
    let at = |place: &Place| {
        format!(
            "({:.1}, {:.1}) {:.1} x {:.1} mm",
            place.x, place.y, place.width, place.height
        )
    };
    let one = |refused: &Refused| match refused.blockers.first() {
        None => format!("{} reaches over the edge", at(&refused.place)),
        Some(first) => format!(
            "{} is taken by {} at {} and {} more",
            at(&refused.place),
            first.kind.name(),
            at(&first.place),
            refused.blockers.len().saturating_sub(1)
        ),
    };
    tried.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Whether a place is on the page and nothing is there.
///
/// # Errors
/// [`Refused`] with all that is in the way.
pub fn free(surface: &Surface, place: Place) -> Result<Place, Refused> {
    let blockers: Vec<Mark> = surface
        .obstacles()
        .filter(|mark| mark.place.overlaps(place))
        .cloned()
        .collect();
    if blockers.is_empty() && surface.view.page().holds(place) {
        Ok(place)
    } else {
        Err(Refused { place, blockers })
    }
}

/// The first free place; `candidates` are tried in order.
///
/// # Errors
/// [`Overlap`].
pub fn first_free<T>(
    surface: &Surface,
    candidates: impl IntoIterator<Item = (Place, T)>,
) -> Result<(Place, T), Overlap> {
    let mut tried = Vec::new();
    for (place, what) in candidates {
        match free(surface, place) {
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
        spots.map(|spot| (spot.place(&surface.view, size), ())),
    )
    .map(|(place, ())| place)
}

/// Less room than this above a name is a line break, not a place to sign.
const GAP: f64 = 10.0;

/// And more is not the same signature block.
const FAR: f64 = 80.0;

/// Half the width that a signature with its seal may take.
const REACH: f64 = 40.0;

/// The blank between the signatory's position and name on a page, as wide as it is free to both sides of
/// the name's middle, at most 80 mm.
///
/// Names are compared in NFD without case and white space. Without its last position line the nearest text
/// above the name takes that role. The lowest matching name counts: the same person may be named in the text.
#[must_use]
pub fn signature_gap(surface: &Surface, name: &str, position: &str) -> Option<Place> {
    let name = squeezed(name);
    let position = squeezed(position.trim().lines().last().unwrap_or_default());
    if name.is_empty() {
        return None;
    }
    let lines = lines(surface);
    let mut names: Vec<Place> = lines.iter().flat_map(|line| line.find(&name)).collect();
    names.sort_by(|a, b| b.y.total_cmp(&a.y));
    let positions: Vec<Place> = lines.iter().flat_map(|line| line.find(&position)).collect();
    let texts: Vec<Place> = surface
        .obstacles()
        .filter(|mark| matches!(mark.kind, MarkKind::Text(_)))
        .map(|mark| mark.place)
        .collect();
    names.into_iter().find_map(|name| {
        gap_above(surface, name, &positions).or_else(|| gap_above(surface, name, &texts))
    })
}

fn gap_above(surface: &Surface, name: Place, above: &[Place]) -> Option<Place> {
    let bottom = |place: &Place| place.y + place.height;
    let upper = above
        .iter()
        .filter(|place| {
            let beside = place.x > name.x + name.width || name.x > place.x + place.width;
            !beside && (GAP..=FAR).contains(&(name.y - bottom(place)))
        })
        .map(bottom)
        .max_by(f64::total_cmp)?;
    let middle = name.x + name.width / 2.0;
    let (mut left, mut right) = (
        (middle - REACH).max(0.0),
        (middle + REACH).min(surface.view.width),
    );
    let band = Place {
        x: left,
        y: upper,
        width: right - left,
        height: name.y - upper,
    };
    let inside = surface
        .obstacles()
        // A field that waits for the signature is no obstacle to it.
        .filter(|mark| mark.kind != MarkKind::Annotation && mark.place.overlaps(band));
    for mark in inside {
        let (from, to) = (mark.place.x, mark.place.x + mark.place.width);
        if from <= middle && middle <= to {
            return None;
        }
        if to < middle {
            left = left.max(to);
        } else {
            right = right.min(from);
        }
    }
    let half = (middle - left).min(right - middle);
    Some(Place {
        x: middle - half,
        width: 2.0 * half,
        ..band
    })
}

/// A picture of this width and height (any unit) in the middle of a gap, as large as fits.
#[must_use]
pub fn centred(gap: Place, (width, height): (f64, f64)) -> Place {
    let scale = (gap.width / width).min(gap.height / height);
    let (width, height) = (width * scale, height * scale);
    Place {
        x: gap.x + (gap.width - width) / 2.0,
        y: gap.y + (gap.height - height) / 2.0,
        width,
        height,
    }
}

/// The place of a seal of this diameter in millimetres: over the left third of the signature if that is
/// shown, else in the middle of the gap. Never scaled; kept on the page.
#[must_use]
pub fn seal_place(view: &View, gap: Place, diameter: f64, signature: Option<Place>) -> Place {
    let (x, middle) = match signature {
        Some(image) => (
            image.x + image.width / 3.0 - diameter,
            image.y + image.height / 2.0,
        ),
        None => (
            gap.x + (gap.width - diameter) / 2.0,
            gap.y + gap.height / 2.0,
        ),
    };
    Place {
        x: x.min(view.width - diameter).max(0.0),
        y: (middle - diameter / 2.0)
            .min(view.height - diameter)
            .max(0.0),
        width: diameter,
        height: diameter,
    }
}

/// Text in one line, from left to right, every letter with its box.
struct Line {
    letters: Vec<(char, Place)>,
}

impl Line {
    /// Where `needle` stands, as squeezed text.
    fn find(&self, needle: &[char]) -> Vec<Place> {
        if needle.is_empty() {
            return Vec::new();
        }
        let starts = self.letters.windows(needle.len()).enumerate();
        starts
            .filter(|(at, window)| {
                let next = self.letters.get(at.saturating_add(needle.len()));
                let same = window
                    .iter()
                    .zip(needle)
                    .all(|((letter, _), wanted)| letter == wanted);
                same && !next.is_some_and(|(letter, _)| is_combining_mark(*letter))
            })
            .filter_map(|(_, window)| {
                let boxes = window.iter().map(|(_, place)| place.rect());
                boxes.reduce(super::matrix::Rect::join).map(Place::from)
            })
            .collect()
    }
}

/// Letters for comparing: decomposed, small, without white space.
fn squeezed(text: &str) -> Vec<char> {
    text.nfd()
        .flat_map(char::to_lowercase)
        .nfd()
        .filter(|letter| !letter.is_whitespace())
        .collect()
}

fn lines(surface: &Surface) -> Vec<Line> {
    let mut runs: Vec<(&str, Place)> = surface
        .marks
        .iter()
        .filter_map(|mark| match &mark.kind {
            MarkKind::Text(text) | MarkKind::InvisibleText(text) => {
                Some((text.expose().as_str(), mark.place))
            }
            _ => None,
        })
        .collect();
    let middle = |place: &Place| place.y + place.height / 2.0;
    runs.sort_by(|a, b| middle(&a.1).total_cmp(&middle(&b.1)));
    let mut rows: Vec<Vec<(&str, Place)>> = Vec::new();
    for run in runs {
        match rows.last_mut() {
            Some(row)
                if row.last().is_some_and(|(_, before)| {
                    middle(&run.1) - middle(before) < 0.3 * before.height.min(run.1.height)
                }) =>
            {
                row.push(run);
            }
            _ => rows.push(vec![run]),
        }
    }
    rows.into_iter()
        .map(|mut row| {
            row.sort_by(|a, b| a.1.x.total_cmp(&b.1.x));
            Line {
                letters: row
                    .iter()
                    .flat_map(|(text, place)| letters(text, *place))
                    .collect(),
            }
        })
        .collect()
}

/// The letters of a run, its box divided evenly among them: close enough to centre on a name.
fn letters(text: &str, place: Place) -> Vec<(char, Place)> {
    let all: Vec<char> = text.nfd().flat_map(char::to_lowercase).nfd().collect();
    let bases = all
        .iter()
        .filter(|letter| !is_combining_mark(**letter))
        .count();
    let step = place.width / u32::try_from(bases.max(1)).map_or(1.0, f64::from);
    let mut x = place.x - step;
    let mut out = Vec::new();
    for letter in all {
        if !is_combining_mark(letter) {
            x += step;
        }
        if !letter.is_whitespace() {
            let own = Place {
                x,
                width: step,
                ..place
            };
            out.push((letter, own));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::Private;

    fn surface(marks: Vec<(MarkKind, [f64; 4])>) -> Surface {
        let view = View::new([0.0, 0.0, 595.28, 841.89], 0, 1.0).unwrap();
        let marks = marks
            .into_iter()
            .map(|(kind, [x, y, width, height])| Mark {
                kind,
                place: Place {
                    x,
                    y,
                    width,
                    height,
                },
            })
            .collect();
        Surface {
            view,
            marks,
            open_saves: 0,
            open_sequences: 0,
            scan: false,
        }
    }

    fn text(words: &str) -> MarkKind {
        MarkKind::Text(Private::new(words.to_owned()))
    }

    const LABEL: (f64, f64) = (34.0, 43.0);

    #[test]
    fn a_free_corner_is_taken_and_an_occupied_one_left_for_an_alternative() {
        let wanted = SymbolPlace::default();
        let free = surface(vec![(text("SỞ XÂY DỰNG"), [60.0, 20.0, 50.0, 5.0])]);
        let place = place_symbol(&free, LABEL, &wanted).unwrap();
        assert_eq!((place.x, place.y), (5.0, 4.5));

        let taken = surface(vec![(text("SỞ XÂY DỰNG"), [30.0, 20.0, 50.0, 5.0])]);
        let place = place_symbol(&taken, LABEL, &wanted).unwrap();
        assert!(
            (place.y - (297.0 - 4.5 - 43.0)).abs() < 0.01,
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
            "none of 1 allowed places is free: (5.0, 4.5) 34.0 x 43.0 mm is taken by text at \
             (30.0, 20.0) 50.0 x 5.0 mm and 0 more"
        );
        assert!(!format!("{overlap:?}").contains("Nguyễn"));
    }

    #[test]
    fn a_place_over_the_edge_is_not_free() {
        let small = surface(vec![]);
        let wide = place_symbol(&small, (300.0, 10.0), &SymbolPlace::default()).unwrap_err();
        assert!(wide.tried.iter().all(|refused| refused.blockers.is_empty()));
        assert_eq!(wide.tried.len(), 3);
    }

    /// Position and name in a right-hand column, 35 mm apart, beside a list of recipients.
    fn signature_block(name: &str) -> Surface {
        surface(vec![
            (text("Ông Nguyễn Văn Mẫu"), [30.0, 100.0, 40.0, 5.0]),
            (text("Nơi nhận:"), [30.0, 200.0, 20.0, 4.0]),
            (text("KT. GIÁM ĐỐC"), [130.0, 200.0, 40.0, 4.0]),
            (text("PHÓ GIÁM"), [130.0, 205.0, 22.0, 4.0]),
            (text(" ĐỐC"), [152.0, 205.0, 18.0, 4.0]),
            (text("- Lưu: VT."), [30.0, 215.0, 30.0, 4.0]),
            (text(name), [135.0, 244.0, 30.0, 5.0]),
        ])
    }

    #[test]
    fn the_gap_lies_between_position_and_name_however_the_name_is_spelled() {
        let decomposed: String = "NGUYỄN  văn mẫu".nfd().collect();
        for printed in ["Nguyễn Văn Mẫu", decomposed.as_str()] {
            let gap = signature_gap(
                &signature_block(printed),
                "Nguyễn Văn Mẫu",
                "KT. GIÁM ĐỐC\nPHÓ GIÁM ĐỐC",
            )
            .unwrap();
            assert_eq!((gap.y, gap.height), (209.0, 35.0));
            assert!((gap.x + gap.width / 2.0 - 150.0).abs() < 0.01, "{gap:?}");
            assert!((gap.width - 80.0).abs() < 0.01, "{gap:?}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_or_has_no_room_above_gives_no_gap() {
        let block = signature_block("Nguyễn Văn Mẫu");
        assert_eq!(
            signature_gap(&block, "Nguyễn Văn Mâu", "PHÓ GIÁM ĐỐC"),
            None
        );
        assert_eq!(signature_gap(&block, "", ""), None);
        let crowded = surface(vec![
            (text("PHÓ GIÁM ĐỐC"), [130.0, 205.0, 40.0, 4.0]),
            (text("Mẫu"), [130.0, 212.0, 40.0, 4.0]),
        ]);
        assert_eq!(signature_gap(&crowded, "Mẫu", "PHÓ GIÁM ĐỐC"), None);
    }

    #[test]
    fn the_seal_covers_the_left_third_of_the_signature() {
        let block = signature_block("Nguyễn Văn Mẫu");
        let gap = signature_gap(&block, "Nguyễn Văn Mẫu", "PHÓ GIÁM ĐỐC").unwrap();
        let image = centred(gap, (60.0, 30.0));
        let seal = seal_place(&block.view, gap, 35.0, Some(image));
        assert!((seal.x + seal.width - (image.x + image.width / 3.0)).abs() < 0.01);
        let alone = seal_place(&block.view, gap, 35.0, None);
        assert!((alone.x + alone.width / 2.0 - 150.0).abs() < 0.01);
        assert!((alone.width - 35.0).abs() < f64::EPSILON);
    }
}
