//! PDF (ISO 32000-2): a reader that repairs nothing, and a writer that only appends.
//!
//! ```text
//! bytes ── Document::open ──► objects, pages, revisions  (source, reader, xref, parser, filter, page)
//!              │
//!              ├── inspect::screen        may this file be stamped and signed?
//!              ├── inspect::signatures    what signs which bytes, and what came after?
//!              ├── earlier::Earlier       may a signed file get a further signature?
//!              ├── content::Surface       what does a page show, and where?
//!              └── writer::Update ──► tail: new objects, xref section, trailer
//!                     ├── stamp::compose ──► symbol, look-up code and footer where nothing is (layout)
//!                     ├── attachment::attach ──► a file that belongs to the document
//!                     ├── signature::add ──► Prepared (what to sign) ──► fill(CMS) ──► tail
//!                     ├── dss::add ──► certificates, OCSP answers and CRLs for later
//!                     └── signature::add_time_stamp ──► Prepared ──► fill(token) ──► tail
//! ```
//!
//! **Invariants.** What was read stays an exact prefix of what is written. A damaged file is refused by
//! name ([`PdfError::code`]) and never guessed at: two readers must not see two documents under one
//! signature. Nothing is allocated from a number in the file, and every walk has a bound
//! ([`crate::limits`]).

// `arithmetic_side_effects` is left out: positions are bounded by the slice they walk along, and
// every sum with a number that the file states is checked where it is made.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic
)]

pub mod archival;
pub mod attachment;
pub mod cmap;
mod container;
pub mod content;
mod difference;
pub mod dss;
pub mod earlier;
pub mod error;
pub mod filter;
pub mod font;
mod form;
pub mod glyphs;
pub mod image;
mod indirect;
pub mod inspect;
pub mod label;
pub mod layout;
pub mod level;
pub mod lexer;
pub mod matrix;
pub mod object;
pub mod outline;
mod pack;
pub mod page;
pub mod parser;
pub mod patch;
pub mod reader;
pub mod revision;
mod screen;
pub mod signatory;
pub mod signature;
pub mod source;
pub mod stamp;
mod state;
pub mod text;
pub mod view;
mod walk;
pub mod writer;
pub mod xref;

pub use error::PdfError;
pub use object::{Dict, ObjRef, Object, Stream};
pub use page::Page;
pub use reader::Document;
pub use revision::Revision;
pub use source::Source;
pub use writer::Update;
