//! Every cap on untrusted input, with its reason.

/// Bytes of a scanned text: a version 40 symbol holds 4,296 alphanumeric characters; ours stop at version 16.
pub const SCANNED_TEXT: usize = 2_048;

/// Bytes of a credential (version byte and COSE): what version 16 at ECC M can carry behind a host name.
pub const CREDENTIAL: usize = 512;

/// Depth of nested CBOR items: claims need three.
pub const CBOR_DEPTH: usize = 8;

/// Bytes of a trust bundle: some hundred agencies with their keys and labels.
pub const TRUST_BUNDLE: usize = 8 * 1024 * 1024;

/// Bytes of a status list token: 2^20 entries of two bits that do not compress at all, and the envelope.
pub const STATUS_TOKEN: usize = 300 * 1024;

/// Entries of one status list: small enough to push with every sync, large enough to hide one result.
pub const STATUS_LIST_ENTRIES: u32 = 1 << 20;

/// Bytes of a PDF that is issued or checked in memory: whatever comes over HTTP.
pub const PDF_FILE: usize = 64 * 1024 * 1024;

/// Bytes of a PDF that stays in its file while it is issued, from the command line: 250 scanned pages of a
/// megabyte each. It is read three times, so it takes seconds.
pub const PDF_IN_FILE: usize = 256 * 1024 * 1024;

/// Bytes of a document that is handed over in memory: the largest PDF of those with what we append.
pub const DOCUMENT: u64 = 80 * 1024 * 1024;

/// Bytes of a document that is kept: the largest PDF with what we append.
pub const DOCUMENT_IN_FILE: u64 = 272 * 1024 * 1024;

/// Bytes of one PDF object without the data of its stream: all the references that it may have, spelled out.
pub const PDF_OBJECT: usize = 8 * 1024 * 1024;

/// Objects of a PDF: a 2,000-page file has some 20,000.
pub const PDF_OBJECTS: u32 = 1_000_000;

/// Depth of nested PDF arrays and dictionaries; real files stay under 20.
pub const PDF_DEPTH: usize = 64;

/// Items of one PDF object with all that is nested in it: 500,000 of them take 30 MiB.
pub const PDF_ITEMS: usize = 500_000;

/// Bytes that one PDF stream may inflate to.
pub const PDF_STREAM: usize = 32 * 1024 * 1024;

/// Bytes of one PDF stream before it is inflated: hexadecimal digits of the most that it may inflate to.
pub const PDF_ENCODED: usize = 2 * PDF_STREAM;

/// Bytes that all streams of one PDF may inflate to while it is handled.
pub const PDF_INFLATED: usize = 96 * 1024 * 1024;

/// Operators of one page with its forms: the busiest maps have some 500,000.
pub const PDF_OPERATORS: u32 = 2_000_000;

/// Bytes of shown text on one page with its forms: 200 times a full page of small print.
pub const PDF_SHOWN: usize = 2_000_000;

/// Pictures and forms that one page draws, each time counted.
pub const PDF_DRAWN: u32 = 20_000;

/// Fonts that are read for one page; more are taken as wide.
pub const PDF_FONTS: usize = 256;

/// Boxes of ink on one page.
pub const PDF_MARKS: usize = 500_000;

/// Form XObjects inside one another; real files stay under 6, tests of PDF/A go to 28.
pub const PDF_FORM_DEPTH: usize = 32;

/// Incremental updates of a PDF; real signed files have six, a long-lived archive perhaps forty.
pub const PDF_REVISIONS: usize = 256;

/// Signatures of a PDF that are checked; with more it is refused, not slow.
pub const PDF_SIGNATURES: usize = 64;

/// Certificates, and OCSP answers, and CRLs that a PDF keeps; four signatures of four authorities need forty.
pub const PDF_EVIDENCE: usize = 64;

/// Paths of a PDF that are judged by what it keeps, each some hundred signatures at the worst; four signatures
/// with two time stamps each need twenty.
pub const PDF_JUDGEMENTS: u32 = 64;

/// Bytes of one CMS signature: a chain, revocation data and two tokens fit in a tenth of it.
pub const CMS: usize = 1024 * 1024;

/// Bytes of an answer of a time-stamp authority: real ones have three to eight thousand.
pub const TIME_STAMP: usize = 64 * 1024;

/// Bytes of an OCSP answer: real ones have one to three thousand.
pub const OCSP: usize = 64 * 1024;

/// Certificates asked about in one OCSP answer, or named in one question.
pub const OCSP_ANSWERS: usize = 64;

/// Bytes of a CRL: 200,000 withdrawn certificates. It goes into the PDF, so larger ones are of no use.
pub const CRL: usize = 8 * 1024 * 1024;

/// Certificates of one path; real ones have two to four.
pub const CHAIN: usize = 8;

/// Signatures checked while a path is searched: cross-signed authorities double the ways at each step.
pub const CHAIN_SIGNATURES: usize = 32;

/// Bytes of one certificate; real ones have one to three thousand.
pub const CERTIFICATE: usize = 64 * 1024;

/// Certificates in one CMS signature or PEM file.
pub const CERTIFICATES: usize = 64;

/// Bytes of a picture with a QR.
pub const PICTURE_FILE: usize = 16 * 1024 * 1024;

/// Pixels of a picture with a QR: a 24 MP phone photo fits.
pub const PICTURE_PIXELS: u64 = 32_000_000;

/// Bytes of a JSON request: a batch of checks from a phone that was offline for days.
pub const JSON_BODY: usize = 2 * 1024 * 1024;

/// Bytes of one text field of a result's data.
pub const FIELD_TEXT: usize = 2_000;

/// Items of one list field (plates, roads, time windows).
pub const FIELD_ITEMS: usize = 64;

/// Results that one search shows: more than any vehicle has, too few to copy a register with.
pub const FOUND_RESULTS: usize = 50;

/// Checks in one request of an inspector's app.
pub const CHECKS_PER_REQUEST: usize = 1_000;

/// Bytes of one row of a list: every field of the largest type, written long, is a tenth of it. A quotation
/// mark that is never closed would swallow the rest of the file.
pub const LIST_ROW: usize = 256 * 1024;
