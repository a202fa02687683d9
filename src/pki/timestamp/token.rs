//! A token: who says when (RFC 3161 §2.4.2, RFC 5816).

use super::{Info, TST_INFO, TimeStampError};
use crate::clock::UnixTime;
use crate::limits;
use crate::pki::certificate::Certificate;
use crate::pki::chain::{self, Purpose, VerifiedChain};
use crate::pki::cms::{Binding, CmsError, CmsOutcome, SignedData};

/// A time stamp token that was read. Nobody vouched for it yet; see [`Self::check`].
#[derive(Clone, Debug)]
pub struct Token {
    der: Vec<u8>,
    signed: SignedData,
    info: Info,
}

/// A time stamp whose signature holds and whose authority is trusted. [`Token::check`] is the only way to
/// make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stamped {
    info: Info,
    path: VerifiedChain,
}

impl Stamped {
    /// What the authority said.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The way from the authority's certificate to a trusted root.
    #[must_use]
    pub fn path(&self) -> &VerifiedChain {
        &self.path
    }
}

impl Token {
    /// Reads a token; zeros behind it are the padding of a PDF's `/Contents`. Others than DER are read, too:
    /// who wrote into a document long ago cannot be asked again.
    ///
    /// # Errors
    /// [`TimeStampError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TimeStampError> {
        let signed = SignedData::parse(bytes).map_err(|error| match error {
            CmsError::TooLarge => TimeStampError::TooLarge,
            CmsError::Malformed => TimeStampError::Malformed,
            other => TimeStampError::Cms(other),
        })?;
        if signed.content_type() != TST_INFO {
            return Err(TimeStampError::ContentType(signed.content_type()));
        }
        let info = Info::parse(signed.content().ok_or(TimeStampError::Malformed)?)?;
        Ok(Self {
            der: bytes.to_vec(),
            signed,
            info,
        })
    }

    /// Reads a token that has just come: DER, no longer than needs be, with a signer that says who he is.
    pub(super) fn parse_fresh(bytes: &[u8]) -> Result<Self, TimeStampError> {
        if bytes.len() > limits::TIME_STAMP {
            return Err(TimeStampError::TooLarge);
        }
        Self::parse(bytes)
    }

    /// The bytes as they came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What it says.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The certificates inside.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        self.signed.certificates()
    }

    /// The certificate of its signer, if it is inside.
    #[must_use]
    pub fn signer(&self) -> Option<&Certificate> {
        self.signed.signer()
    }

    /// Checks signature, binding, name, purpose and path of the authority as of `at`. What was stamped is to
    /// be asked of [`Info::is_of`].
    ///
    /// `others` are certificates at hand beside those inside, none of them trusted.
    ///
    /// # Errors
    /// [`TimeStampError::Signature`], [`TimeStampError::Unbound`], [`TimeStampError::AuthorityName`],
    /// [`TimeStampError::Authority`].
    pub fn check(
        &self,
        others: &[Certificate],
        roots: &[Certificate],
        at: UnixTime,
    ) -> Result<Stamped, TimeStampError> {
        let content = self.signed.content().unwrap_or_default();
        let checked = self.signed.check_content(&[content]);
        if checked.outcome != CmsOutcome::Intact {
            return Err(TimeStampError::Signature(checked.outcome));
        }
        if checked.binding == Binding::None {
            return Err(TimeStampError::Unbound);
        }
        let signer = checked
            .signer
            .ok_or(TimeStampError::Signature(CmsOutcome::NoSignerCertificate))?;
        let named = self.info.authority.as_deref();
        if named.is_some_and(|name| name != signer.subject().raw()) {
            return Err(TimeStampError::AuthorityName);
        }
        let at_hand = [self.signed.certificates(), others].concat();
        let path = chain::build(&signer, &at_hand, roots, at, Purpose::TimeStamping)
            .map_err(TimeStampError::Authority)?;
        Ok(Stamped {
            info: self.info.clone(),
            path,
        })
    }
}
