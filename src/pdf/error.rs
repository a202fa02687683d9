//! Why a PDF was refused.

use super::object::ObjRef;

/// Why a PDF was refused. [`PdfError::code`] is stable; the words may change.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PdfError {
    /// 0 bytes.
    #[error("the file is empty")]
    Empty,
    /// Larger than [`crate::limits::PDF_FILE`], or [`crate::limits::PDF_IN_FILE`] where it stays in its file.
    #[error("the file has {bytes} bytes")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The bytes of the file cannot be read where they are.
    #[error("the file cannot be read at byte {at}")]
    Unreadable {
        /// Where.
        at: usize,
    },
    /// No `%PDF-` at byte 0.
    #[error("the file does not begin with %PDF-")]
    NotAPdf,
    /// The end of the file has neither `startxref` nor `%%EOF`.
    #[error("the end of the file is missing")]
    Truncated,
    /// `startxref` without a final `%%EOF`.
    #[error("the file does not end with %%EOF")]
    NoEof,
    /// Something other than white space stands behind the last `%%EOF`.
    #[error("bytes follow the last %%EOF")]
    TrailingBytes,
    /// A cross-reference section is not where or what it should be.
    #[error("the cross-reference section at byte {at} is damaged")]
    XrefDamaged {
        /// Position of the section or of the entry.
        at: usize,
    },
    /// An object is not where the cross-reference section says.
    #[error("object {reference} is not at byte {at}")]
    ObjectMisplaced {
        /// The object looked for.
        reference: ObjRef,
        /// Where it should have been.
        at: usize,
    },
    /// Not the syntax of clause 7.3.
    #[error("syntax error at byte {at}")]
    Syntax {
        /// Position in the file, or in the inflated object stream.
        at: usize,
    },
    /// A dictionary has a key twice, and readers differ in which one they take.
    #[error("a dictionary that ends at byte {at} has a key twice")]
    DuplicateKey {
        /// Position behind the dictionary.
        at: usize,
    },
    /// Deeper than [`crate::limits::PDF_DEPTH`].
    #[error("nested too deeply at byte {at}")]
    TooDeep {
        /// Position of the item that is one too deep.
        at: usize,
    },
    /// One object with more bytes than [`crate::limits::PDF_OBJECT`].
    #[error("the object at byte {at} is too large")]
    ObjectTooLarge {
        /// Where it begins.
        at: usize,
    },
    /// One object with more items than [`crate::limits::PDF_ITEMS`].
    #[error("an object with too many items")]
    TooManyItems,
    /// More objects than [`crate::limits::PDF_OBJECTS`].
    #[error("too many objects")]
    TooManyObjects,
    /// More updates than [`crate::limits::PDF_REVISIONS`].
    #[error("too many revisions")]
    TooManyRevisions,
    /// More signatures than [`crate::limits::PDF_SIGNATURES`].
    #[error("too many signatures")]
    TooManySignatures,
    /// References that lead back to themselves.
    #[error("references run in a circle")]
    ReferenceLoop,
    /// `endstream` does not stand where `/Length` says.
    #[error("the stream of object {reference} does not have its stated length")]
    StreamLength {
        /// The object.
        reference: ObjRef,
    },
    /// An object stream (clause 7.5.7) is not one, or lacks an object.
    #[error("object stream {number} is damaged")]
    ObjectStream {
        /// Its object number.
        number: u32,
    },
    /// A filter that is not decoded here.
    #[error("filter {name} is not decoded here")]
    UnsupportedFilter {
        /// The filter's name.
        name: String,
    },
    /// Data that its filter does not understand.
    #[error("{filter} data is damaged")]
    FilterDamaged {
        /// The filter's name.
        filter: &'static str,
    },
    /// A stream, or all streams together, inflate beyond the budget.
    #[error("inflates to more than {limit} bytes")]
    TooLargeInflated {
        /// The limit.
        limit: usize,
    },
    /// Something required is missing or of the wrong type.
    #[error("{what} is missing or of the wrong type")]
    Structure {
        /// What, in the words of ISO 32000-2.
        what: &'static str,
    },
    /// A node of the page tree is reached twice.
    #[error("the page tree is not a tree")]
    PageTreeCycle,
    /// `/Count` of the page tree is not the number of its pages.
    #[error("the page tree says {stated} pages and has {counted}")]
    PageCount {
        /// What `/Count` says.
        stated: i64,
        /// Pages found.
        counted: usize,
    },
    /// There is no such page.
    #[error("there is no page {index} (from 0)")]
    NoSuchPage {
        /// Its index, from 0.
        index: usize,
    },
    /// `/Encrypt` is present.
    #[error("the file is encrypted")]
    Encrypted,
    /// Something in the file acts by itself, or shows what cannot be signed.
    #[error("active content: {what}")]
    ActiveContent {
        /// The entry or action.
        what: &'static str,
    },
    /// A signature is there already.
    #[error("the file is already signed")]
    AlreadySigned,
    /// A certification signature forbids the change (DocMDP, clause 12.8.2.2).
    #[error("the file is certified with permission {permission}")]
    Certified {
        /// `/P` of the transform parameters.
        permission: i64,
    },
    /// An earlier signature does not hold: it covers other bytes than it should, or its cryptography fails.
    #[error("an earlier signature is broken")]
    SignatureBroken,
    /// Something other than signing was done after an earlier signature.
    #[error("the file was changed after it was signed (object {object})")]
    ChangedAfterSigning {
        /// The first object that shows it.
        object: u32,
    },
    /// An earlier signature locked the field (FieldMDP, clause 12.8.2.4), or forbids to add one.
    #[error("an earlier signature forbids to sign this field")]
    FieldLocked,
    /// The named signature field does not exist.
    #[error("there is no such signature field")]
    NoSuchField,
    /// The named signature field has a value already.
    #[error("the signature field is signed already")]
    FieldSigned,
    /// A field of this name exists already.
    #[error("a field of this name exists already")]
    FieldExists,
    /// The field carries an `/SV` dictionary, whose conditions are not fulfilled here.
    #[error("the signature field has conditions")]
    FieldConditions,
    /// The signature does not fit into the space that was kept for it.
    #[error("a signature of {needed} bytes does not fit into {space}")]
    SignatureTooLarge {
        /// Bytes of the signature.
        needed: usize,
        /// Bytes kept free.
        space: usize,
    },
    /// Stored bytes are not a prepared signature.
    #[error("not a prepared signature")]
    NotPrepared,
}

impl PdfError {
    /// The stable code, e.g. `pdf/xref-damaged`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "pdf/empty",
            Self::TooLarge { .. } => "pdf/too-large",
            Self::Unreadable { .. } => "pdf/unreadable",
            Self::NotAPdf => "pdf/not-a-pdf",
            Self::Truncated => "pdf/truncated",
            Self::NoEof => "pdf/no-eof",
            Self::TrailingBytes => "pdf/trailing-bytes",
            Self::XrefDamaged { .. } => "pdf/xref-damaged",
            Self::ObjectMisplaced { .. } => "pdf/object-misplaced",
            Self::Syntax { .. } => "pdf/syntax",
            Self::DuplicateKey { .. } => "pdf/duplicate-key",
            Self::TooDeep { .. } => "pdf/too-deep",
            Self::ObjectTooLarge { .. } => "pdf/object-too-large",
            Self::TooManyItems => "pdf/too-many-items",
            Self::TooManyObjects => "pdf/too-many-objects",
            Self::TooManyRevisions => "pdf/too-many-revisions",
            Self::TooManySignatures => "pdf/too-many-signatures",
            Self::ReferenceLoop => "pdf/reference-loop",
            Self::StreamLength { .. } => "pdf/stream-length",
            Self::ObjectStream { .. } => "pdf/object-stream",
            Self::UnsupportedFilter { .. } => "pdf/unsupported-filter",
            Self::FilterDamaged { .. } => "pdf/filter-damaged",
            Self::TooLargeInflated { .. } => "pdf/too-large-inflated",
            Self::Structure { .. } => "pdf/structure",
            Self::PageTreeCycle => "pdf/page-tree-cycle",
            Self::PageCount { .. } => "pdf/page-count",
            Self::NoSuchPage { .. } => "pdf/no-such-page",
            Self::Encrypted => "pdf/encrypted",
            Self::ActiveContent { .. } => "pdf/active-content",
            Self::AlreadySigned => "pdf/already-signed",
            Self::Certified { .. } => "pdf/certified",
            Self::SignatureBroken => "pdf/signature-broken",
            Self::ChangedAfterSigning { .. } => "pdf/changed-after-signing",
            Self::FieldLocked => "pdf/field-locked",
            Self::NoSuchField => "pdf/no-such-field",
            Self::FieldSigned => "pdf/field-signed",
            Self::FieldExists => "pdf/field-exists",
            Self::FieldConditions => "pdf/field-conditions",
            Self::SignatureTooLarge { .. } => "pdf/signature-too-large",
            Self::NotPrepared => "pdf/not-prepared",
        }
    }
}
