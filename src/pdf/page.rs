//! The page tree (ISO 32000-2, clause 7.7.3) and what a page inherits.

use super::error::PdfError;
use super::object::{Dict, ObjRef, Object, Stream};
use super::reader::Document;
use crate::limits;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// One page with its inherited attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Its place in the document, from 0.
    pub index: usize,
    /// The page object.
    pub reference: ObjRef,
    /// The page dictionary as it stands, without what is inherited.
    pub dict: Dict,
    /// `[left, bottom, right, top]` in default user space units.
    pub media_box: [f64; 4],
    /// What viewers show: the crop box inside the media box.
    pub crop_box: [f64; 4],
    /// Degrees clockwise: 0, 90, 180 or 270.
    pub rotate: u16,
    /// Size of a unit in 1/72 inch; 1 if not stated.
    pub user_unit: f64,
    /// The resources, perhaps inherited; resolved one level.
    pub resources: Dict,
    /// The content streams in order, each with its reference.
    pub contents: Vec<(ObjRef, Stream)>,
}

/// What a node hands down to its pages (table 31), values as they stand.
#[derive(Clone, Debug, Default)]
struct Inherited {
    resources: Option<Object>,
    media_box: Option<Object>,
    crop_box: Option<Object>,
    rotate: Option<Object>,
}

impl Inherited {
    fn overridden_by(self: &Arc<Self>, node: &Dict) -> Arc<Self> {
        let keys: [&[u8]; 4] = [b"Resources", b"MediaBox", b"CropBox", b"Rotate"];
        if !keys.iter().any(|key| node.contains(key)) {
            return Arc::clone(self);
        }
        let take = |key: &[u8], before: &Option<Object>| node.get(key).cloned().or(before.clone());
        Arc::new(Self {
            resources: take(b"Resources", &self.resources),
            media_box: take(b"MediaBox", &self.media_box),
            crop_box: take(b"CropBox", &self.crop_box),
            rotate: take(b"Rotate", &self.rotate),
        })
    }
}

/// Where a page is, and what the nodes above it hand down.
#[derive(Clone, Debug)]
pub(super) struct Found {
    reference: ObjRef,
    inherited: Arc<Inherited>,
}

/// A page that the walk came to.
struct Leaf {
    index: usize,
    found: Found,
    dict: Dict,
}

impl Document<'_> {
    /// The page at `index`, from 0. Pages behind it are not looked at, `/Count` is not believed.
    ///
    /// # Errors
    /// [`PdfError::NoSuchPage`], [`PdfError::PageTreeCycle`], [`PdfError::Structure`] for a missing or
    /// senseless box, and what makes an object unreadable.
    pub fn page(&self, index: usize) -> Result<Page, PdfError> {
        if let Some(pages) = self.pages.get() {
            let found = pages.get(index).ok_or(PdfError::NoSuchPage { index })?;
            let found = found.clone();
            let dict = self.dict(&Object::Ref(found.reference), "page")?;
            return self.completed(Leaf { index, found, dict });
        }
        let mut found = None;
        self.walk_pages(|leaf| {
            if leaf.index < index {
                return ControlFlow::Continue(());
            }
            found = Some(leaf);
            ControlFlow::Break(())
        })?;
        self.completed(found.ok_or(PdfError::NoSuchPage { index })?)
    }

    /// The page objects in order.
    ///
    /// # Errors
    /// If the page tree is damaged.
    pub fn page_references(&self) -> Result<Vec<ObjRef>, PdfError> {
        let references = |pages: &[Found]| pages.iter().map(|page| page.reference).collect();
        if let Some(pages) = self.pages.get() {
            return Ok(references(pages));
        }
        let mut all = Vec::new();
        self.walk_pages(|leaf| {
            all.push(leaf.found);
            ControlFlow::Continue(())
        })?;
        Ok(references(self.pages.get_or_init(|| all)))
    }

    /// The number of pages, counted.
    ///
    /// # Errors
    /// If the page tree is damaged.
    pub fn page_count(&self) -> Result<usize, PdfError> {
        self.page_references().map(|all| all.len())
    }

    fn walk_pages(&self, mut visit: impl FnMut(Leaf) -> ControlFlow<()>) -> Result<(), PdfError> {
        let catalog = self.catalog()?;
        let root = catalog.get(b"Pages").and_then(Object::as_reference);
        let root = root.ok_or(PdfError::Structure {
            what: "Pages of the catalog",
        })?;
        let mut seen = BTreeSet::new();
        let mut index = 0_usize;
        // Nodes still to visit, the next one last, each with its depth.
        let mut stack = vec![(root, Arc::<Inherited>::default(), 0_usize)];
        while let Some((reference, inherited, depth)) = stack.pop() {
            if !seen.insert(reference) {
                return Err(PdfError::PageTreeCycle);
            }
            if depth > limits::PDF_DEPTH {
                return Err(PdfError::TooDeep { at: 0 });
            }
            let wrong = PdfError::Structure {
                what: "node of the page tree",
            };
            let Object::Dict(dict) = self.get(reference)? else {
                return Err(wrong);
            };
            if dict.is_name(b"Type", b"Page") {
                let found = Found {
                    reference,
                    inherited,
                };
                let leaf = Leaf { index, found, dict };
                if visit(leaf).is_break() {
                    return Ok(());
                }
                index += 1;
                continue;
            }
            let Object::Array(kids) = self.lookup(&dict, b"Kids")? else {
                return Err(wrong);
            };
            let inherited = inherited.overridden_by(&dict);
            for kid in kids.iter().rev() {
                let Some(kid) = kid.as_reference() else {
                    return Err(wrong);
                };
                stack.push((kid, Arc::clone(&inherited), depth + 1));
            }
        }
        Ok(())
    }

    fn completed(&self, leaf: Leaf) -> Result<Page, PdfError> {
        let Leaf { index, found, dict } = leaf;
        let reference = found.reference;
        let inherited = found.inherited.overridden_by(&dict);
        let media_box = self.rectangle(inherited.media_box.as_ref(), "MediaBox")?;
        let media_box = media_box.ok_or(PdfError::Structure { what: "MediaBox" })?;
        let crop_box = self.rectangle(inherited.crop_box.as_ref(), "CropBox")?;
        let crop_box = crop_box.map_or(Some(media_box), |crop| intersection(media_box, crop));
        let resources = match &inherited.resources {
            Some(resources) => self.dict(resources, "Resources")?,
            None => Dict::default(),
        };
        Ok(Page {
            index,
            reference,
            media_box,
            crop_box: crop_box.ok_or(PdfError::Structure { what: "CropBox" })?,
            rotate: self.rotation(inherited.rotate.as_ref())?,
            user_unit: self.user_unit(&dict)?,
            resources,
            contents: self.contents(&dict)?,
            dict,
        })
    }

    /// A rectangle with its corners in order; `None` if there is no value.
    fn rectangle(
        &self,
        value: Option<&Object>,
        what: &'static str,
    ) -> Result<Option<[f64; 4]>, PdfError> {
        let Some(value) = value else {
            return Ok(None);
        };
        let wrong = PdfError::Structure { what };
        let Object::Array(items) = self.resolve(value)? else {
            return Err(wrong);
        };
        let mut numbers = Vec::new();
        for item in &items {
            numbers.extend(self.resolve(item)?.as_number());
        }
        let [a, b, c, d] = numbers.as_slice() else {
            return Err(wrong);
        };
        let corners = [a.min(*c), b.min(*d), a.max(*c), b.max(*d)];
        let [left, bottom, right, top] = corners;
        // 14,400 units of 200 inch is Acrobat's limit; ten times that is nonsense.
        let sensible = corners.iter().all(|number| number.abs() <= 1_000_000.0);
        if left >= right || bottom >= top || !sensible {
            return Err(wrong);
        }
        Ok(Some(corners))
    }

    fn rotation(&self, value: Option<&Object>) -> Result<u16, PdfError> {
        let wrong = PdfError::Structure { what: "Rotate" };
        let Some(value) = value else {
            return Ok(0);
        };
        let degrees = self.resolve(value)?.as_integer();
        let degrees = degrees.filter(|degrees| degrees % 90 == 0);
        let turned = degrees.map(|degrees| degrees.rem_euclid(360));
        turned.and_then(|d| u16::try_from(d).ok()).ok_or(wrong)
    }

    fn user_unit(&self, dict: &Dict) -> Result<f64, PdfError> {
        match self.lookup(dict, b"UserUnit")? {
            Object::Null => Ok(1.0),
            unit => unit
                .as_number()
                .filter(|unit| (0.001..=1000.0).contains(unit))
                .ok_or(PdfError::Structure { what: "UserUnit" }),
        }
    }

    fn contents(&self, dict: &Dict) -> Result<Vec<(ObjRef, Stream)>, PdfError> {
        let wrong = PdfError::Structure { what: "Contents" };
        let mut items = match dict.get(b"Contents") {
            None => return Ok(Vec::new()),
            Some(Object::Array(items)) => items.clone(),
            Some(other) => vec![other.clone()],
        };
        // A single reference may lead to a stream or to an array of references.
        if let [Object::Ref(reference)] = items.as_slice()
            && let Object::Array(inner) = self.get(*reference)?
        {
            items = inner;
        }
        let mut streams = Vec::new();
        for item in items {
            let Object::Ref(reference) = item else {
                return Err(wrong);
            };
            match self.get(reference)? {
                Object::Stream(stream) => streams.push((reference, stream)),
                Object::Null => {}
                _ => return Err(wrong),
            }
        }
        Ok(streams)
    }
}

fn intersection(one: [f64; 4], other: [f64; 4]) -> Option<[f64; 4]> {
    let [left, bottom, right, top] = one;
    let [other_left, other_bottom, other_right, other_top] = other;
    let (left, bottom) = (left.max(other_left), bottom.max(other_bottom));
    let (right, top) = (right.min(other_right), top.min(other_top));
    (left < right && bottom < top).then_some([left, bottom, right, top])
}
