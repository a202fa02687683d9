//! Tests of pdf.
