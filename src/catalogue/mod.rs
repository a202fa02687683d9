//! What may be issued: result types as data.

mod value;

pub use value::{FieldKind, TimeWindow, Value};
