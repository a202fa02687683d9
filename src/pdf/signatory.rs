//! Where signature and seal go: the picture of the person's signature between position and name, that of the
//! seal over its left third (NĐ 30/2020, annex I, II.7d and II.8a).

use super::PdfError;
use super::content::{ContentError, MarkKind, Surface};
use super::matrix::Rect;
use super::reader::Document;
use super::view::{Place, View};
use crate::nfc;
use unicode_normalization::char::is_combining_mark;

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

/// Pages in which a signature block is looked for: it stands before the appendices.
pub const SIGNATURE_PAGES: usize = 12;

/// The first page with a gap for this signatory, and the gap.
///
/// # Errors
/// [`ContentError`] if a page up to that one cannot be read.
pub fn find_signature_gap(
    document: &Document<'_>,
    name: &str,
    position: &str,
) -> Result<Option<(usize, Place)>, ContentError> {
    let first = Surface::read(document, &document.page(0)?)?;
    find_signature_gap_from(document, &first, name, position)
}

/// The same, by who has read the first page already.
///
/// # Errors
/// [`ContentError`] if a page up to that one cannot be read.
pub fn find_signature_gap_from(
    document: &Document<'_>,
    first: &Surface,
    name: &str,
    position: &str,
) -> Result<Option<(usize, Place)>, ContentError> {
    if let Some(gap) = signature_gap(first, name, position) {
        return Ok(Some((0, gap)));
    }
    for index in 1..SIGNATURE_PAGES {
        let page = match document.page(index) {
            Ok(page) => page,
            Err(PdfError::NoSuchPage { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let surface = Surface::read(document, &page)?;
        if let Some(gap) = signature_gap(&surface, name, position) {
            return Ok(Some((index, gap)));
        }
    }
    Ok(None)
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

/// The place of a seal that stands alone: in the middle of the gap, in real size.
#[must_use]
pub fn seal_alone(view: &View, gap: Place, diameter: f64) -> Place {
    on_page(view, gap.x + (gap.width - diameter) / 2.0, gap, diameter)
}

/// The place of a seal that covers the left third of the picture of a person's signature. Where text stands
/// beside that picture the seal covers more of it, at most all.
#[must_use]
pub fn seal_over(surface: &Surface, gap: Place, signature: Place, diameter: f64) -> Place {
    let third = signature.x + signature.width / 3.0 - diameter;
    let middle = signature.x + (signature.width - diameter) / 2.0;
    let at = |x| on_page(&surface.view, x, gap, diameter);
    let beside_text = |place: &Place| {
        surface.obstacles().any(|mark| {
            let text = matches!(mark.kind, MarkKind::Text(_) | MarkKind::Drawing);
            // Position and name, which are as close as they are.
            let around = mark.place.x + mark.place.width > signature.x;
            text && !around && mark.place.overlaps(*place)
        })
    };
    let steps = (0..u8::MAX).map(|step| third + f64::from(step));
    let mut places = steps.take_while(|x| *x < middle).map(at);
    places
        .find(|place| !beside_text(place))
        .unwrap_or_else(|| at(middle))
}

/// A seal at `x`, its middle as high as that of `beside`, kept on the page. Where it is higher than that it
/// reaches up, over the position, and leaves the name to be read.
fn on_page(view: &View, x: f64, beside: Place, diameter: f64) -> Place {
    let spare = beside.height - diameter;
    let y = beside.y + if spare < 0.0 { spare } else { spare / 2.0 };
    Place {
        x: x.min(view.width - diameter).max(0.0),
        y: y.min(view.height - diameter).max(0.0),
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
                boxes.reduce(Rect::join).map(Place::from)
            })
            .collect()
    }
}

/// Letters for comparing: decomposed, small, without white space.
fn squeezed(text: &str) -> Vec<char> {
    let mut letters = nfc::small_letters(text);
    letters.retain(|letter| !letter.is_whitespace());
    letters
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
    let all = nfc::small_letters(text);
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
    use crate::pdf::content::samples::{surface, text};
    use unicode_normalization::UnicodeNormalization;

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
    fn a_seal_lies_over_the_left_third_of_the_signature_unless_text_stands_there() {
        let block = signature_block("Nguyễn Văn Mẫu");
        let gap = signature_gap(&block, "Nguyễn Văn Mẫu", "PHÓ GIÁM ĐỐC").unwrap();
        let signature = Place {
            x: 120.0,
            y: 212.0,
            width: 60.0,
            height: 25.0,
        };
        let over = seal_over(&block, gap, signature, 35.0);
        assert!((over.x + over.width - 140.0).abs() < 0.01, "{over:?}");
        let mut crowded = signature_block("Nguyễn Văn Mẫu");
        let list = text("- Sở Xây dựng thành phố Ví Dụ (để biết, phối hợp);");
        crowded
            .marks
            .extend(surface(vec![(list, [30.0, 222.0, 80.0, 4.0])]).marks);
        let over = seal_over(&crowded, gap, signature, 35.0);
        assert!((110.0..111.1).contains(&over.x), "{over:?}");
    }

    #[test]
    fn a_seal_higher_than_the_gap_leaves_the_name_free() {
        let block = signature_block("Nguyễn Văn Mẫu");
        let gap = signature_gap(&block, "Nguyễn Văn Mẫu", "PHÓ GIÁM ĐỐC").unwrap();
        let alone = seal_alone(&block.view, gap, 38.0);
        assert!((alone.y + alone.height - 244.0).abs() < 0.01, "{alone:?}");
    }

    #[test]
    fn a_seal_stands_in_the_middle_of_the_gap_in_real_size() {
        let block = signature_block("Nguyễn Văn Mẫu");
        let gap = signature_gap(&block, "Nguyễn Văn Mẫu", "PHÓ GIÁM ĐỐC").unwrap();
        let alone = seal_alone(&block.view, gap, 35.0);
        assert!((alone.x + alone.width / 2.0 - 150.0).abs() < 0.01);
        assert!((alone.y + alone.height / 2.0 - 226.5).abs() < 0.01);
        assert!((alone.width - 35.0).abs() < f64::EPSILON);
    }
}
