//! Reading PDFs byte-exactly and appending to them.
