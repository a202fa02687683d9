//! The visible stamp: symbol, look-up code and caption, the footer of NĐ 45/2020 Đ18, and the seal.
//!
//! The page keeps its own content streams. It gets one form XObject for all that is stamped, and three short
//! streams around its own:
//!
//! ```text
//! /Contents [ "q"   own streams …   "EMC* Q Q*"   "/Artifact BMC q … cm /DauSo0 Do Q EMC" ]
//!              │                     └─ as many as the page left open
//!              └─ so that matrix, clip and colours of the page end with it
//! ```
//!
//! **Invariants:** nothing is stamped over ink ([`layout`]); what is shared between pages (resources,
//! fonts) stays as it is, the page gets its own copy of the resource dictionary; lengths are millimetres on
//! paper whatever /UserUnit, /CropBox and /Rotate say; in tagged files the stamp is an artifact
//! (ISO 32000-2 §14.8.2.2), since the same facts are in the text and in the signed credential.

use super::PdfError;
use super::content::{ContentError, Surface};
use super::font::FontError;
use super::image::{Ground, Picture};
use super::label::{Fonts, FooterLines, Form, Label, number, precise};
use super::layout::{self, Overlap, SymbolPlace};
use super::matrix::{Matrix, Rect};
use super::object::{Dict, ObjRef, Object};
use super::page::Page;
use super::patch;
use super::reader::Document;
use super::view::{POINTS_PER_MM, Place, View};
use super::writer::{self, Update};
use crate::digest::hex;
use std::fmt::Write;

pub use super::label::{CAPTION, Footer, MODULE, Symbol, Words};

/// Why a page was not stamped.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    /// The page cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The document cannot be read or written.
    #[error(transparent)]
    Document(#[from] PdfError),
    /// A text cannot be set.
    #[error(transparent)]
    Font(#[from] FontError),
    /// No allowed place for the symbol, or for a note, is free.
    #[error("the symbol: {0}")]
    SymbolOverlap(Overlap),
    /// No place for the footer is free.
    #[error("the footer: {0}")]
    FooterOverlap(Overlap),
}

/// What to stamp on a page.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The symbol.
    pub symbol: Symbol<'a>,
    /// What stands under it.
    pub words: Words<'a>,
    /// Where the catalogue wants it.
    pub place: &'a SymbolPlace,
    /// The footer, if the result type has one.
    pub footer: Option<Footer<'a>>,
    /// Places of page 1 that something else will take: signature and seal.
    pub keep_free: &'a [Place],
}

/// Where everything went.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// The label with symbol and text.
    pub label: Place,
    /// The footer; none if none was asked for, and on a scan for which the catalogue names no spot.
    pub footer: Option<Place>,
}

/// Puts a stamp on a page, as part of an update.
///
/// # Errors
/// [`StampError`]; the update must then be dropped.
pub fn compose(
    update: &mut Update<'_>,
    page: &Page,
    stamp: &Stamp<'_>,
) -> Result<Stamped, StampError> {
    let surface = Surface::read(update.document(), page)?;
    compose_on(update, page, &surface, stamp)
}

/// The same, by who has read the page already.
///
/// # Errors
/// [`StampError`]; the update must then be dropped.
pub fn compose_on(
    update: &mut Update<'_>,
    page: &Page,
    surface: &Surface,
    stamp: &Stamp<'_>,
) -> Result<Stamped, StampError> {
    let view = surface.view;
    let mut fonts = Fonts::new()?;
    let forms = [Form::Full, Form::Compact];
    let (label_place, label) = place_label(surface, &fonts, stamp, &forms)?;
    let footer = place_footer(surface, &fonts, stamp, label_place)?;

    let mut drawing = placed(&view, label_place, &label.draw(&mut fonts, stamp.symbol)?);
    if let Some((place, lines)) = &footer {
        drawing.extend(placed(&view, *place, &lines.draw(&mut fonts)?));
    }
    let sans = fonts.sans.embed(update)?;
    let mono = fonts.mono.embed(update)?;
    let named = format!("/S {sans} /M {mono}");
    draw_on_top(update, page, surface, &named, &drawing)?;
    Ok(Stamped {
        label: label_place,
        footer: footer.map(|(place, _)| place),
    })
}

/// At each spot the forms in their order.
fn place_label(
    surface: &Surface,
    fonts: &Fonts,
    stamp: &Stamp<'_>,
    forms: &[Form],
) -> Result<(Place, Label), StampError> {
    let Stamp {
        symbol,
        words,
        place,
        footer,
        ..
    } = *stamp;
    let mut labels = Vec::new();
    for form in forms {
        labels.push(Label::new(
            fonts,
            *form,
            symbol,
            place.width,
            words,
            footer,
        )?);
    }
    let spots = std::iter::once(&stamp.place.spot).chain(&stamp.place.alternatives);
    let candidates = spots.flat_map(|spot| {
        labels
            .iter()
            .map(|label| (spot.place(&surface.view, label.size()), label.clone()))
    });
    layout::first_free(surface, stamp.keep_free, candidates).map_err(StampError::SymbolOverlap)
}

/// Nearest to the lower edge that printers reach, millimetres.
const LOWEST: f64 = 5.0;

/// White at both sides of the footer, millimetres.
const SIDE: f64 = 10.0;

/// The lower margin of NĐ 30/2020 is 20 to 25 mm; the footer stays within.
const MARGIN_STEPS: u32 = 18;

/// The footer at its spot, else in the lower margin: as low as it is free, in the middle or at a side; each
/// time at full width first, then in narrower blocks. A scan tells nothing about its margin, so there it needs
/// a spot.
fn place_footer(
    surface: &Surface,
    fonts: &Fonts,
    stamp: &Stamp<'_>,
    label: Place,
) -> Result<Option<(Place, FooterLines)>, StampError> {
    let Some(footer) = stamp.footer else {
        return Ok(None);
    };
    if surface.scan && footer.spot.is_none() {
        return Ok(None);
    }
    let view = &surface.view;
    let mut candidates = Vec::new();
    let mut in_margin = Vec::new();
    let mut blocks = Vec::new();
    for (block, share) in [1.0, 0.75, 0.5].into_iter().enumerate() {
        let room = (view.width - 2.0 * SIDE) * share;
        let lines = FooterLines::new(fonts, footer, stamp.words, room)?;
        if let Some(spot) = footer.spot {
            candidates.push((spot.place(view, lines.size()), block));
        }
        let (width, height) = lines.size();
        for x in [(view.width - width) / 2.0, SIDE, view.width - SIDE - width] {
            for step in 0..MARGIN_STEPS {
                let place = Place {
                    x,
                    y: view.height - LOWEST - height - f64::from(step),
                    width,
                    height,
                };
                in_margin.push((place, block));
            }
        }
        blocks.push(lines);
    }
    if !surface.scan {
        candidates.extend(in_margin);
    }
    let keep_free = [stamp.keep_free, &[label]].concat();
    let (place, block) =
        layout::first_free(surface, &keep_free, candidates).map_err(StampError::FooterOverlap)?;
    Ok(Some((place, blocks.swap_remove(block))))
}

/// A drawing moved to its place on the upright page.
fn placed(view: &View, place: Place, drawing: &[u8]) -> Vec<u8> {
    let Rect { x0, y0, .. } = view.points(place);
    let mut out = format!("q 1 0 0 1 {} {} cm\n", number(x0), number(y0)).into_bytes();
    out.extend_from_slice(drawing);
    out.extend_from_slice(b"Q\n");
    out
}

/// Makes a form of a drawing on the upright page, in points, and has the page draw it.
fn draw_on_top(
    update: &mut Update<'_>,
    page: &Page,
    surface: &Surface,
    fonts: &str,
    drawing: &[u8],
) -> Result<(), StampError> {
    let form = update.reserve();
    let entries = format!(
        "/Type /XObject /Subtype /Form /BBox [0 0 {} {}] /Resources << /Font << {fonts} >> >>",
        number(surface.view.width * POINTS_PER_MM),
        number(surface.view.height * POINTS_PER_MM)
    );
    // Packing the symbol would take longer than everything else here, to save a tenth of a usual file.
    update.put_stream(form, entries.as_bytes(), drawing);
    invoke(update, page, surface, form)
}

/// Has the page draw the form after its own content.
fn invoke(
    update: &mut Update<'_>,
    page: &Page,
    surface: &Surface,
    form: ObjRef,
) -> Result<(), StampError> {
    let (resources, name) = resources_with(update.document(), &page.resources, form)?;
    let [before, after, stamp] = std::array::from_fn(|_| update.reserve());
    let times = |count: u32, word: &str| word.repeat(usize::try_from(count).unwrap_or(0));
    update.put_stream(before, b"", b"q\n");
    let close = format!(
        "\n{}{}Q\n",
        times(surface.open_sequences, "EMC\n"),
        times(surface.open_saves, "Q\n")
    );
    update.put_stream(after, b"", close.as_bytes());
    let draw = format!(
        "/Artifact BMC\nq {} cm /{name} Do Q\nEMC\n",
        spelled(surface.view.from_points)
    );
    update.put_stream(stamp, b"", draw.as_bytes());

    let own = page.contents.iter().map(|(own, _)| own.to_string());
    let streams: Vec<String> = std::iter::once(before.to_string())
        .chain(own)
        .chain([after.to_string(), stamp.to_string()])
        .collect();
    let contents = format!("[{}]", streams.join(" "));
    update.patch(page.reference, |bytes| {
        let bytes = patch::set_entry(bytes, b"Contents", contents.as_bytes())?;
        patch::set_entry(&bytes, b"Resources", &resources)
    })?;
    Ok(())
}

/// The page's resources with one more XObject, and its name. A copy: the dictionary may be shared.
fn resources_with(
    document: &Document<'_>,
    resources: &Dict,
    form: ObjRef,
) -> Result<(Vec<u8>, String), PdfError> {
    let xobjects = match resources.get(b"XObject") {
        Some(value) => document.dict(value, "XObject resources")?,
        None => Dict::default(),
    };
    let name = (0..=xobjects.len())
        .map(|number| format!("DauSo{number}"))
        .find(|name| !xobjects.contains(name.as_bytes()))
        .unwrap_or_default();
    let mut entries: Vec<(Vec<u8>, Object)> = owned(&xobjects);
    entries.push((name.clone().into_bytes(), Object::Ref(form)));
    let wrong = PdfError::Structure {
        what: "XObject resources",
    };
    let xobjects = Dict::from_entries(entries).ok_or(wrong.clone())?;
    let mut entries = owned(resources);
    entries.retain(|(key, _)| key != b"XObject");
    entries.push((b"XObject".to_vec(), Object::Dict(xobjects)));
    let resources = Dict::from_entries(entries).ok_or(wrong)?;
    let mut out = Vec::new();
    spell(&Object::Dict(resources), &mut out);
    Ok((out, name))
}

/// An object as PDF spells it. Numbers come out as they were read; a stream is never direct.
fn spell(object: &Object, out: &mut Vec<u8>) {
    match object {
        Object::Null | Object::Stream(_) => out.extend_from_slice(b"null"),
        Object::Bool(value) => out.extend(value.to_string().into_bytes()),
        Object::Integer(value) => out.extend(value.to_string().into_bytes()),
        Object::Real(value) => out.extend(value.to_string().into_bytes()),
        Object::Name(name) => out.extend(writer::name(name)),
        Object::String(bytes) => out.extend(format!("<{}>", hex(bytes)).into_bytes()),
        Object::Ref(reference) => out.extend(reference.to_string().into_bytes()),
        Object::Array(items) => {
            out.push(b'[');
            for item in items {
                spell(item, out);
                out.push(b' ');
            }
            out.push(b']');
        }
        Object::Dict(dict) => {
            out.extend_from_slice(b"<<");
            for (key, value) in dict.iter() {
                out.extend(writer::name(key));
                out.push(b' ');
                spell(value, out);
            }
            out.extend_from_slice(b">>");
        }
    }
}

fn owned(dict: &Dict) -> Vec<(Vec<u8>, Object)> {
    dict.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.to_vec(), value.clone()))
        .collect()
}

fn spelled(matrix: Matrix) -> String {
    matrix.0.map(precise).join(" ")
}

/// The appearance of a visible signature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Appearance {
    /// The form XObject for /AP /N.
    pub form: ObjRef,
    /// /Rect of the widget, in the page's user space.
    pub rect: [f64; 4],
    /// /R of the widget's /MK: how far it is turned against the page, degrees.
    pub rotation: u16,
}

/// The appearance of a signature whose widget takes `place`: pictures at their places, each upright for the
/// reader and of real size, on a page of any rotation and unit. Nothing else, as NĐ 30/2020 has it. What
/// reaches out of `place` is cut off.
///
/// # Errors
/// [`StampError`] for a page that cannot be seen.
pub fn appearance(
    update: &mut Update<'_>,
    page: &Page,
    place: Place,
    pictures: &[(Place, &Picture)],
    ground: Ground,
) -> Result<Appearance, StampError> {
    let view =
        View::new(page.crop_box, page.rotate.into(), page.user_unit).ok_or(ContentError::NoArea)?;
    let bounds = view.points(place);
    let (mut named, mut drawing) = (String::new(), String::new());
    for (index, (at, picture)) in pictures.iter().enumerate() {
        let image = picture.embed(update, ground);
        let at = view.points(*at);
        let (x, y) = (at.x0 - bounds.x0, at.y0 - bounds.y0);
        let map = [at.width(), 0.0, 0.0, at.height(), x, y].map(number);
        let _ = write!(named, "/Im{index} {image} ");
        let _ = writeln!(drawing, "q {} cm /Im{index} Do Q", map.join(" "));
    }
    let resources = format!("/XObject << {named}>>");
    Ok(upright(
        update,
        page,
        &view,
        place,
        &resources,
        drawing.as_bytes(),
    ))
}

/// The label as the appearance of a signature: a page that was signed keeps its content. It says whose system
/// made the result where there is room, since such a page gets no footer.
///
/// # Errors
/// [`StampError`]; the update must then be dropped.
pub fn label_appearance(
    update: &mut Update<'_>,
    page: &Page,
    stamp: &Stamp<'_>,
) -> Result<(Place, Appearance), StampError> {
    let surface = Surface::read(update.document(), page)?;
    let mut fonts = Fonts::new()?;
    let forms = [Form::WithOwner, Form::Full, Form::Compact];
    let (place, label) = place_label(&surface, &fonts, stamp, &forms)?;
    let drawing = label.draw(&mut fonts, stamp.symbol)?;
    let (sans, mono) = (fonts.sans.embed(update)?, fonts.mono.embed(update)?);
    let resources = format!("/Font << /S {sans} /M {mono} >>");
    let shown = upright(update, page, &surface.view, place, &resources, &drawing);
    Ok((place, shown))
}

/// Makes a form of a drawing in points from the lower left corner of `place`.
fn upright(
    update: &mut Update<'_>,
    page: &Page,
    view: &View,
    place: Place,
    resources: &str,
    drawing: &[u8],
) -> Appearance {
    let bounds = view.points(place);
    let form = update.reserve();
    // 12.5.5: the box is turned by /Matrix and then fitted into /Rect; only the turn matters here.
    let [a, b, c, d, ..] = view.from_points.0;
    let unit = view.from_points.stretch();
    let turn = Matrix([a / unit, b / unit, c / unit, d / unit, 0.0, 0.0]);
    let entries = format!(
        "/Type /XObject /Subtype /Form /BBox [0 0 {} {}] /Matrix [{}] /Resources << {resources} >>",
        number(bounds.width()),
        number(bounds.height()),
        spelled(turn)
    );
    update.put_stream(form, entries.as_bytes(), drawing);
    let Rect { x0, y0, x1, y1 } = view.user_rect(place);
    Appearance {
        form,
        rect: [x0, y0, x1, y1],
        rotation: page.rotate,
    }
}
