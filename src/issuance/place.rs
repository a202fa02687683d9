//! Where on the pages symbol, footer and seal go.

use super::IssueError;
use crate::catalogue::{self, PageChoice, ResultType};
use crate::pdf::Document;
use crate::pdf::content::{ContentError, MarkKind, Surface};
use crate::pdf::layout::{self, Corner, Spot, SymbolPlace};
use crate::pdf::signatory;
use crate::pdf::view::{Place, View};

/// What is known about the place of a seal.
#[derive(Clone, Copy, Debug)]
pub(super) struct SealWish<'a> {
    pub(super) signatory: &'a str,
    pub(super) position: &'a str,
    pub(super) spot: &'a catalogue::SealPlace,
    /// In millimetres.
    pub(super) diameter: f64,
}

/// Where the catalogue wants the symbol.
pub(super) fn symbol(result_type: &ResultType) -> SymbolPlace {
    let wanted = &result_type.symbol;
    let spot = |at| Spot {
        corner: corner(at),
        across: wanted.x_mm,
        down: wanted.y_mm,
    };
    SymbolPlace {
        spot: spot(wanted.corner),
        width: wanted.width_mm,
        alternatives: wanted.alternatives.iter().copied().map(spot).collect(),
    }
}

/// Where the catalogue wants the footer.
pub(super) fn footer(wanted: &catalogue::FooterPlace) -> Spot {
    Spot {
        corner: corner(wanted.corner),
        across: wanted.x_mm,
        down: wanted.y_mm,
    }
}

fn corner(at: catalogue::Corner) -> Corner {
    match at {
        catalogue::Corner::UpperLeft => Corner::UpperLeft,
        catalogue::Corner::UpperRight => Corner::UpperRight,
        catalogue::Corner::LowerLeft => Corner::LowerLeft,
        catalogue::Corner::LowerRight => Corner::LowerRight,
    }
}

/// Between position and name of the signatory where those are found, else where the catalogue says, else
/// the free place nearest to the lower right of that page. A page without one shows no seal: the signature
/// is there all the same, and nothing is ever printed over. `first` is the surface of page 1.
pub(super) fn seal(
    document: &Document<'_>,
    first: &Surface,
    wish: &SealWish<'_>,
) -> Result<Option<(usize, Place)>, IssueError> {
    let (name, position) = (wish.signatory, wish.position);
    let found = signatory::find_signature_gap_from(document, first, name, position)?;
    if let Some((index, gap)) = found {
        let page = document.page(index)?;
        let view = View::new(page.crop_box, page.rotate.into(), page.user_unit);
        let view = view.ok_or(ContentError::NoArea)?;
        let place = signatory::seal_alone(&view, gap, wish.diameter);
        return Ok(Some((index, place)));
    }
    let index = match wish.spot.page {
        PageChoice::First => 0,
        PageChoice::Last => document.page_references()?.len().saturating_sub(1),
    };
    let other;
    let surface = if index == 0 {
        first
    } else {
        other = Surface::read(document, &document.page(index)?)?;
        &other
    };
    Ok(free(surface, wish).map(|place| (index, place)))
}

/// The same on one page: the one on which a field waits for the signature.
pub(super) fn seal_on(
    document: &Document<'_>,
    wish: &SealWish<'_>,
    index: usize,
) -> Result<Option<Place>, IssueError> {
    let surface = Surface::read(document, &document.page(index)?)?;
    let gap = signatory::signature_gap(&surface, wish.signatory, wish.position);
    Ok(match gap {
        Some(gap) => Some(signatory::seal_alone(&surface.view, gap, wish.diameter)),
        None => free(&surface, wish),
    })
}

fn free(surface: &Surface, wish: &SealWish<'_>) -> Option<Place> {
    let told = centred_at(&surface.view, wish.spot, wish.diameter);
    let mut places = std::iter::once(told).chain(from_lower_right(&surface.view, wish.diameter));
    places.find_map(|place| layout::free(surface, place, &[]).ok())
}

/// The place of a seal in a file that others signed: over the left third of the one signature that stands
/// between position and name, else as in any file. Where two stand there, a seal is among them already.
pub(super) fn further_seal(
    document: &Document<'_>,
    wish: &SealWish<'_>,
) -> Result<Option<(usize, Place)>, IssueError> {
    let first = Surface::read(document, &document.page(0)?)?;
    let (name, position) = (wish.signatory, wish.position);
    let found = signatory::find_signature_gap_from(document, &first, name, position)?;
    let Some((index, gap)) = found else {
        return seal(document, &first, wish);
    };
    let surface = Surface::read(document, &document.page(index)?)?;
    let signatures: Vec<Place> = surface
        .obstacles()
        .filter(|mark| mark.kind == MarkKind::Annotation && mark.place.overlaps(gap))
        .map(|mark| mark.place)
        .collect();
    let place = match signatures.as_slice() {
        [] => signatory::seal_alone(&surface.view, gap, wish.diameter),
        [signature] => signatory::seal_over(&surface, gap, *signature, wish.diameter),
        _ => return Ok(None),
    };
    Ok(Some((index, place)))
}

/// A field's place and that of a seal in its middle; `None` if the seal reaches out of the field.
pub(super) fn within(
    document: &Document<'_>,
    index: usize,
    rect: [f64; 4],
    diameter: f64,
) -> Result<Option<(Place, Place)>, IssueError> {
    let view = Surface::read(document, &document.page(index)?)?.view;
    Ok(view.place(rect).and_then(|room| {
        let seal = Place {
            x: room.x + (room.width - diameter) / 2.0,
            y: room.y + (room.height - diameter) / 2.0,
            width: diameter,
            height: diameter,
        };
        room.holds(seal).then_some((room, seal))
    }))
}

/// Places for a seal in steps of 5 mm within the margins, row by row from the lower right.
fn from_lower_right(view: &View, diameter: f64) -> impl Iterator<Item = Place> {
    const MARGIN: f64 = 15.0;
    const STEPS: u32 = 80;
    let (right, low) = (
        view.width - MARGIN - diameter,
        view.height - MARGIN - diameter,
    );
    let back = |step: u32| 5.0 * f64::from(step);
    (0..STEPS)
        .flat_map(move |row| (0..STEPS).map(move |column| (right - back(column), low - back(row))))
        .filter(|(x, y)| *x >= MARGIN && *y >= MARGIN)
        .map(move |(x, y)| Place {
            x,
            y,
            width: diameter,
            height: diameter,
        })
}

fn centred_at(view: &View, seal: &catalogue::SealPlace, diameter: f64) -> Place {
    let half = diameter / 2.0;
    let spot = Spot {
        corner: corner(seal.corner),
        across: seal.x_mm - half,
        down: seal.y_mm - half,
    };
    spot.place(view, (diameter, diameter))
}
