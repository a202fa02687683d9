//! What a page shows, and where: the content stream interpreted for places, not for looks
//! (ISO 32000-2 §8, §9).
//!
//! ```text
//! content stream ─ q Q cm ─► matrix and clip ─┬─ Tj TJ ' " ──► text, with what it says
//!                                             ├─ f S B … sh ─► drawing, in a few boxes (outline.rs)
//!                                             ├─ Do, BI ─────► picture
//!                                             └─ Do (form) ──► the same again, with its own resources
//! annotations ────────────────────────────────── /Rect ──────► annotation
//! ```
//!
//! Places err on the side of ink: opacity, soft masks and hidden layers are ignored. Not ink are
//! * white fills and strokes: on paper they cover nothing;
//! * a fill or shading over more than four fifths of the page: that is the ground, not what stands on it;
//! * clipping paths, and what they cut away (by bounding box);
//! * invisible text (mode 3), which is still read;
//! * the pictures of a page that shows nothing else and is covered by them: a scan. Its grain and its words
//!   cannot be told apart without a judgement about pixels, so the catalogue's place is taken as it is.

use super::PdfError;
use super::page::Page;
use super::reader::Document;
use super::state::State;
use super::view::{Place, View};
use super::walk::Walk;
use crate::limits;
use crate::private::Private;

/// Everything visible on a page.
#[derive(Clone, Debug)]
pub struct Surface {
    /// From user space to the displayed page.
    pub view: View,
    /// What is there, in the order of painting; annotations last.
    pub marks: Vec<Mark>,
    /// How many `q` the content leaves without their `Q`.
    pub open_saves: u32,
    /// How many marked-content sequences it leaves open.
    pub open_sequences: u32,
    /// Whether the page is covered by pictures and shows nothing else.
    pub scan: bool,
}

/// Something on a page.
#[derive(Clone, Debug)]
pub struct Mark {
    /// What it is.
    pub kind: MarkKind,
    /// The box around it.
    pub place: Place,
}

/// What stands at a place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MarkKind {
    /// One shown string; empty where the font does not say what its codes mean.
    Text(Private<String>),
    /// Text in rendering mode 3: read by machines only.
    InvisibleText(Private<String>),
    /// Lines and areas.
    Drawing,
    /// A picture.
    Picture,
    /// An annotation or form field.
    Annotation,
}

impl MarkKind {
    /// Its name in messages and problems.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::InvisibleText(_) => "text",
            Self::Drawing => "drawing",
            Self::Picture => "picture",
            Self::Annotation => "annotation",
        }
    }
}

/// Why a page cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContentError {
    /// The document is damaged where the page needs it.
    #[error(transparent)]
    Document(#[from] PdfError),
    /// Boxes without area, or numbers that are not finite.
    #[error("the page has no visible area")]
    NoArea,
    /// `Q` without `q`: what follows would be drawn in a state that readers do not agree on.
    #[error("the content restores a graphics state that was never saved")]
    RestoreWithoutSave,
    /// More operators than [`limits::PDF_OPERATORS`].
    #[error("more than {} operators", limits::PDF_OPERATORS)]
    TooManyOperators,
    /// More ink than [`limits::PDF_MARKS`].
    #[error("more than {} marks", limits::PDF_MARKS)]
    TooManyMarks,
    /// More text than [`limits::PDF_SHOWN`], or more pictures and forms than [`limits::PDF_DRAWN`].
    #[error("more text or pictures than a page has")]
    TooMuch,
    /// Forms inside forms, deeper than [`limits::PDF_FORM_DEPTH`].
    #[error("form XObjects are nested too deeply")]
    TooDeep,
}

impl Surface {
    /// Reads a page: its contents, the forms they use, and its annotations.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn read(document: &Document<'_>, page: &Page) -> Result<Self, ContentError> {
        let view = View::new(page.crop_box, page.rotate.into(), page.user_unit)
            .ok_or(ContentError::NoArea)?;
        let mut content = Vec::new();
        for (_, stream) in &page.contents {
            content.extend(document.stream_data(stream)?);
            // A token never spans two streams (7.8.2).
            content.push(b'\n');
        }
        let mut walk = Walk::new(document, view);
        let state = State::new(view.to_mm, view.page().rect());
        let (open_saves, open_sequences) = walk.run(&content, &page.resources, state, 0)?;
        let scan = walk.is_scan();
        if scan {
            walk.marks.retain(|mark| mark.kind != MarkKind::Picture);
        }
        walk.annotations(&page.dict)?;
        Ok(Self {
            view,
            marks: walk.marks,
            open_saves,
            open_sequences,
            scan,
        })
    }

    /// What must not be stamped over.
    pub fn obstacles(&self) -> impl Iterator<Item = &Mark> {
        self.marks
            .iter()
            .filter(|mark| !matches!(mark.kind, MarkKind::InvisibleText(_)))
    }
}

/// A4 pages for the tests of whoever looks at marks.
#[cfg(test)]
pub(super) mod samples {
    use super::*;

    pub(in crate::pdf) fn surface(marks: Vec<(MarkKind, [f64; 4])>) -> Surface {
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

    pub(in crate::pdf) fn text(words: &str) -> MarkKind {
        MarkKind::Text(Private::new(words.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A page of 100 x 100 mm with this content, and these further objects from number 5 on.
    fn pdf(resources: &str, content: &[u8], more: &[&str]) -> Vec<u8> {
        let stream = |data: &[u8]| {
            [
                format!("<</Length {}>>stream\n", data.len()).as_bytes(),
                data,
                b"\nendstream",
            ]
            .concat()
        };
        let side = 100.0 / 25.4 * 72.0;
        let page = format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 {side} {side}]/Contents 4 0 R/Resources<<{resources}>>>>"
        );
        let mut bodies: Vec<Vec<u8>> = vec![
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
            page.into_bytes(),
            stream(content),
        ];
        bodies.extend(more.iter().map(|body| body.as_bytes().to_vec()));
        let mut out = b"%PDF-1.7\n".to_vec();
        let mut table = String::from("0000000000 65535 f \n");
        for (place, body) in bodies.iter().enumerate() {
            table.push_str(&[&format!("{:010}", out.len()), " 00000 n \n"].concat());
            out.extend(format!("{} 0 obj\n", place + 1).into_bytes());
            out.extend_from_slice(body);
            out.extend_from_slice(b"\nendobj\n");
        }
        let start = out.len();
        let size = bodies.len() + 1;
        out.extend(
            format!("xref\n0 {size}\n{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n")
                .into_bytes(),
        );
        out
    }

    fn read(bytes: &[u8]) -> Result<Surface, ContentError> {
        let document = Document::open(bytes)?;
        let page = document.page(0)?;
        Surface::read(&document, &page)
    }

    fn marks(content: &str) -> Vec<(MarkKind, [i64; 4])> {
        found(&read(&pdf("", content.as_bytes(), &[])).unwrap())
    }

    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "millimetres of a test page"
    )]
    fn found(surface: &Surface) -> Vec<(MarkKind, [i64; 4])> {
        let whole =
            |place: Place| [place.x, place.y, place.width, place.height].map(|n| n.round() as i64);
        surface
            .marks
            .iter()
            .map(|mark| (mark.kind.clone(), whole(mark.place)))
            .collect()
    }

    /// One unit is one millimetre, origin lower left.
    const MM: &str = "2.834645669 0 0 2.834645669 0 0 cm ";

    #[test]
    fn ink_is_measured_from_the_upper_left_corner() {
        let content = format!("{MM} 10 80 1 15 re f 20 50 m 60 50 l S");
        assert_eq!(
            marks(&content),
            [
                (MarkKind::Drawing, [10, 5, 1, 15]),
                (MarkKind::Drawing, [19, 50, 41, 1])
            ]
        );
    }

    #[test]
    fn white_and_grounds_and_clips_are_not_ink() {
        for nothing in [
            "1 g 10 10 50 50 re f",
            "1 1 1 rg 10 10 50 50 re f",
            "0 0 0 0 k 10 10 50 50 re f",
            "0.9 1 0.9 rg 2 2 96 96 re f",
            "10 10 50 50 re W n",
            "10 10 5 5 re W n 50 50 20 20 re f",
            "1 G 10 10 50 50 re S",
        ] {
            assert_eq!(marks(&format!("{MM}{nothing}")), [], "{nothing}");
        }
        let half_clipped = format!("{MM} q 10 10 5 80 re W n 0 10 50 2 re f Q");
        assert_eq!(marks(&half_clipped), [(MarkKind::Drawing, [10, 88, 5, 2])]);
    }

    #[test]
    fn full_intensity_of_a_spot_colour_is_ink() {
        let content = format!("{MM} /Spot cs 1 scn 10 10 2 2 re f /Grey cs 1 scn 30 10 2 2 re f");
        let resources =
            "/ColorSpace<</Spot[/Separation/Red/DeviceCMYK 9 0 R]/Grey[/ICCBased 9 0 R]>>";
        let surface = read(&pdf(resources, content.as_bytes(), &[])).unwrap();
        assert_eq!(found(&surface), [(MarkKind::Drawing, [10, 88, 2, 2])]);
    }

    #[test]
    fn text_is_as_wide_as_its_font_says_and_reads_as_its_map_says() {
        let font = "<</Type/Font/Subtype/TrueType/BaseFont/X/FirstChar 65/Widths[500 1000]/ToUnicode 6 0 R>>";
        let map = "beginbfchar <41> <1EC7> <42> <0062> endbfchar";
        let map = format!("<</Length {}>>stream\n{map}\nendstream", map.len());
        let content = format!("{MM} BT /F 10 Tf 20 50 Td [(A) -200 (B)] TJ 3 Tr (A) Tj ET");
        let surface = read(&pdf("/Font<</F 5 0 R>>", content.as_bytes(), &[font, &map])).unwrap();
        let text = |words: &str| Private::new(String::from(words));
        assert_eq!(
            found(&surface),
            [
                // 5 + 2 + 10 mm along, 9 above and 2.5 below the baseline at 50, rounded.
                (MarkKind::Text(text("ệ b")), [20, 41, 17, 11]),
                (MarkKind::InvisibleText(text("ệ")), [37, 41, 5, 11]),
            ]
        );
        assert_eq!(surface.obstacles().count(), 1);
    }

    #[test]
    fn pictures_that_cover_a_page_without_anything_else_are_a_scan() {
        let image = "<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>stream\n0\nendstream";
        let halves = format!("{MM} q 100 0 0 50 0 0 cm /I Do Q q 100 0 0 50 0 50 cm /I Do Q");
        let resources = "/XObject<</I 5 0 R>>";
        let scan = read(&pdf(resources, halves.as_bytes(), &[image])).unwrap();
        assert!(scan.scan && scan.marks.is_empty());
        let with_text = format!("{halves} BT /F 3 Tf 10 10 Td (A) Tj ET");
        let form = read(&pdf(resources, with_text.as_bytes(), &[image])).unwrap();
        assert!(!form.scan);
        assert_eq!(form.marks.len(), 3);
    }

    #[test]
    fn what_the_page_leaves_open_is_counted_and_what_it_closes_too_often_refused() {
        let open = read(&pdf(
            "",
            b"q /A BMC q Q q BT ET /B <</MCID 0>> BDC EMC",
            &[],
        ))
        .unwrap();
        assert_eq!((open.open_saves, open.open_sequences), (2, 1));
        let error = read(&pdf("", b"q Q Q", &[])).unwrap_err();
        assert_eq!(error, ContentError::RestoreWithoutSave);
    }

    #[test]
    fn an_inline_image_is_a_picture_whatever_its_data_look_like() {
        let content =
            b"q 28.35 0 0 28.35 28.35 28.35 cm BI /W 2 /H 2 /BPC 8 /CS /G ID (EI \n EI Q q";
        let surface = read(&pdf("", content, &[])).unwrap();
        assert_eq!(found(&surface), [(MarkKind::Picture, [10, 80, 10, 10])]);
        assert_eq!(surface.open_saves, 1);
    }

    fn form(content: &str) -> String {
        format!(
            "<</Type/XObject/Subtype/Form/BBox[0 0 50 50]/Matrix[2.834645669 0 0 2.834645669 0 0]\
             /Resources<</XObject<</Own 5 0 R/Next 6 0 R>>>>/Length {}>>stream\n{content}\nendstream",
            content.len()
        )
    }

    #[test]
    fn forms_are_followed_into_and_circles_end() {
        let resources = "/XObject<</F 5 0 R>>";
        let once = read(&pdf(resources, b"/F Do", &[&form("40 10 20 2 re f")])).unwrap();
        assert_eq!(
            found(&once),
            [(MarkKind::Drawing, [40, 88, 10, 2])],
            "clipped by /BBox"
        );
        let circle = read(&pdf(resources, b"/F Do", &[&form("/Own Do")])).unwrap_err();
        assert_eq!(circle, ContentError::TooDeep);
        let often = "/F Do ".repeat(25_000);
        let error = read(&pdf(resources, often.as_bytes(), &[&form("0 0 1 1 re f")])).unwrap_err();
        assert_eq!(error, ContentError::TooMuch);
    }

    proptest! {
        #[test]
        fn any_content_ends_in_marks_on_the_page_or_an_error(words in prop::collection::vec(prop_oneof![
            Just("q"), Just("Q"), Just("cm"), Just("re"), Just("f"), Just("f*"), Just("S"), Just("W"), Just("n"),
            Just("c"), Just("l"), Just("m"), Just("h"), Just("BT"), Just("Tm"), Just("Td"), Just("TJ"), Just("Tj"),
            Just("[(AB) -3000 (C)]"), Just("(text)"), Just("/F 12 Tf"), Just("1e9"), Just("0"), Just("1"),
            Just("-70000"), Just("99999999999999999999"), Just("0.00001"), Just("200"), Just("[["), Just("<<"),
            Just("BI"), Just("ID x EI "), Just("scn"), Just("cs"), Just("/P"), Just("sh"), Just("\""), Just("w"),
        ], 0..120)) {
            if let Ok(surface) = read(&pdf("", words.join(" ").as_bytes(), &[])) {
                let page = surface.view.page();
                let inside = |mark: &Mark| {
                    let Place { x, y, width, height } = mark.place;
                    x >= 0.0 && y >= 0.0 && x + width <= page.width + 1e-6 && y + height <= page.height + 1e-6
                };
                prop_assert!(surface.marks.iter().all(inside));
            }
        }
    }
}
