//! What the signatures that a file brings along allow (ISO 32000-2, clauses 12.7.5.5 and 12.8.2).
//!
//! A further signature is welcome in a file that was signed before, as long as every earlier one still means
//! what it meant: its bytes are covered, nothing but signing came after it, and neither it nor the lock of its
//! field forbids what is about to be added.

use super::difference::{Changes, changes_after};
use super::error::PdfError;
use super::inspect::{Coverage, SignatureField, signatures};
use super::object::{Dict, ObjRef, Object};
use super::reader::Document;
use super::writer;

/// The signatures of a file that may get a further one.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// In the order in which they were made. Whether their cryptography holds is for others to say.
    pub signatures: Vec<SignatureField>,
    locks: Vec<Lock>,
}

/// Which fields nobody may change any more (table 259).
#[derive(Clone, Debug, Eq, PartialEq)]
enum Lock {
    All,
    Only(Vec<String>),
    AllBut(Vec<String>),
}

impl Earlier {
    /// Reads them.
    ///
    /// # Errors
    /// [`PdfError::SignatureBroken`], [`PdfError::ChangedAfterSigning`], [`PdfError::Certified`] for every
    /// certification: what it allows is to fill in what is there, and a visible field is new;
    /// [`PdfError::AlreadySigned`] for usage rights, which no change survives.
    pub fn read(document: &Document<'_>) -> Result<Self, PdfError> {
        let signatures = signatures(document)?;
        let mut locks = Vec::new();
        for signature in &signatures {
            if let Some(permission) = signature.certification {
                return Err(PdfError::Certified { permission });
            }
            match signature.coverage {
                Coverage::WholeFile => {}
                Coverage::Revision(number) => match changes_after(document, number)? {
                    Changes::Nothing | Changes::Signatures => {}
                    Changes::Other(object) => {
                        return Err(PdfError::ChangedAfterSigning { object });
                    }
                },
                Coverage::Broken(_) => return Err(PdfError::SignatureBroken),
            }
            locks.extend(lock_of(document, signature.value)?);
        }
        let permissions = document.lookup(&document.catalog()?, b"Perms")?;
        if !permissions.is_null() {
            return Err(PdfError::AlreadySigned);
        }
        Ok(Self { signatures, locks })
    }

    /// Whether a field of this name may be signed, or be added at all.
    ///
    /// # Errors
    /// [`PdfError::FieldLocked`].
    pub fn allows(&self, field: &str) -> Result<(), PdfError> {
        if self.locks.iter().any(|lock| lock.holds(field)) {
            Err(PdfError::FieldLocked)
        } else {
            Ok(())
        }
    }
}

impl Lock {
    fn holds(&self, field: &str) -> bool {
        // A name stands for the field and for all below it.
        let named = |names: &[String]| {
            names.iter().any(|name| {
                let below = field.strip_prefix(name.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        match self {
            Self::All => true,
            Self::Only(names) => named(names),
            Self::AllBut(names) => !named(names),
        }
    }
}

/// The lock that a signature dictionary puts on fields, if it has one.
fn lock_of(document: &Document<'_>, value: ObjRef) -> Result<Option<Lock>, PdfError> {
    let value = document.dict(&Object::Ref(value), "signature dictionary")?;
    let references = document.lookup(&value, b"Reference")?;
    for reference in references.as_array().unwrap_or_default() {
        let reference = document.dict(reference, "signature reference")?;
        if reference.is_name(b"TransformMethod", b"FieldMDP") {
            let parameters = reference.get(b"TransformParams").unwrap_or(&Object::Null);
            let parameters = document.dict(parameters, "FieldMDP parameters")?;
            return lock(document, &parameters).map(Some);
        }
    }
    Ok(None)
}

fn lock(document: &Document<'_>, parameters: &Dict) -> Result<Lock, PdfError> {
    let wrong = PdfError::Structure {
        what: "FieldMDP parameters",
    };
    let fields = document.lookup(parameters, b"Fields")?;
    let mut names = Vec::new();
    for name in fields.as_array().unwrap_or_default() {
        let name = document.resolve(name)?;
        names.push(writer::text(name.as_string().ok_or(wrong.clone())?));
    }
    match document.lookup(parameters, b"Action")?.as_name() {
        Some(b"All") => Ok(Lock::All),
        Some(b"Include") => Ok(Lock::Only(names)),
        Some(b"Exclude") => Ok(Lock::AllBut(names)),
        _ => Err(wrong),
    }
}

/// The `/Reference` of a signature in a field with this `/Lock`: what the field asks to be locked, the
/// signature locks (12.7.5.5). `None` if the field asks for nothing.
pub(super) fn references(
    document: &Document<'_>,
    field: &Dict,
) -> Result<Option<Vec<u8>>, PdfError> {
    let Object::Dict(asked) = document.lookup(field, b"Lock")? else {
        return Ok(None);
    };
    let (action, names) = match lock(document, &asked)? {
        Lock::All => ("All", None),
        Lock::Only(names) => ("Include", Some(names)),
        Lock::AllBut(names) => ("Exclude", Some(names)),
    };
    let root = document.root()?;
    let mut out =
        b"[<</Type/SigRef/TransformMethod/FieldMDP/TransformParams<</Type/TransformParams/V/1.2/Action/"
            .to_vec();
    out.extend_from_slice(action.as_bytes());
    if let Some(names) = names {
        out.extend_from_slice(b"/Fields[");
        for name in names {
            out.extend(writer::text_string(&name));
        }
        out.push(b']');
    }
    out.extend(format!(">>/Data {root}>>").into_bytes());
    if let Some(permission) = document.lookup(&asked, b"P")?.as_integer() {
        let permission = permission.clamp(1, 3);
        out.extend(
            format!(
                "<</Type/SigRef/TransformMethod/DocMDP/TransformParams\
                 <</Type/TransformParams/V/1.2/P {permission}>>>>"
            )
            .into_bytes(),
        );
    }
    out.push(b']');
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_holds_the_fields_it_names_and_those_below_them() {
        let names = || vec!["a".to_owned(), "b.c".to_owned()];
        let rows = [
            ("a", true),
            ("a.x", true),
            ("ab", false),
            ("b", false),
            ("b.c", true),
        ];
        for (field, named) in rows {
            assert!(Lock::All.holds(field), "{field}");
            assert_eq!(Lock::Only(names()).holds(field), named, "{field}");
            assert_eq!(Lock::AllBut(names()).holds(field), !named, "{field}");
        }
    }
}
