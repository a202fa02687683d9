//! Stamping without signing and without issuing: what `dauso bench` measures.

use super::document::{Preparation, Turn, prepare};
use super::{IssueError, Issuer};
use crate::pdf::Document;
use crate::pki::cms;
use crate::store::Purpose;
use serde_json::{Map, Value as Json};

/// A document and everything that is stamped on it.
pub struct Rehearsal {
    wanted: Preparation,
    document: Vec<u8>,
}

impl Issuer {
    /// Everything up to the stamp. Nothing of it is written down, though a number may be skipped.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub async fn rehearsal(
        &self,
        data: &Map<String, Json>,
        pdf: &[u8],
    ) -> Result<Rehearsal, IssueError> {
        let reserved = self.reserve(self.read(data)?, true).await?;
        let sealed = self.seal(&reserved).await?;
        let key = reserved.document_key.as_ref();
        let identity = self
            .identity(key.ok_or(IssueError::NoKey(Purpose::Document))?)
            .await?;
        let space = cms::size_bound(identity.chain(), identity.algorithm());
        let space = space.map_err(|_| IssueError::Certificates)?;
        let preparation = self.preparation(&reserved, &sealed, space).await?;
        Ok(Rehearsal {
            wanted: preparation,
            document: pdf.to_vec(),
        })
    }
}

impl Rehearsal {
    /// The document as it was given.
    #[must_use]
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// The whole stamped document with its digest computed, and zeros where the signature would stand.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn stamp(&self) -> Result<Vec<u8>, IssueError> {
        let prepared = prepare(&self.wanted, &Document::open(&self.document)?, Turn::First)?;
        let (prepared, _) = prepared.ok_or(IssueError::SelfCheck)?;
        let tail = prepared.fill(&[])?;
        Ok([self.document(), &tail].concat())
    }
}
