//! Draft → signature → sealed credential.

use super::claims::Claims;
use super::{ClaimsError, DraftError, InvalidHost, numeric};
use crate::cose::CoseError;
use crate::cose::cbor;
use crate::cose::sign1::{Sealed, ToBeSigned};
use crate::id::ResultId;
use crate::key::PublicKey;
use crate::limits;

/// The first byte of a credential: the version of this format.
pub(super) const VERSION: u8 = 1;

/// Bytes of a sealed credential beside its payload: version byte, envelope, signature.
const AROUND_PAYLOAD: usize = 1 + 81;

/// Claims that keep every rule, bound to an id and a key, before the signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Draft {
    id: ResultId,
    to_be_signed: ToBeSigned,
}

impl Draft {
    /// Claims for the result `id`, to be signed by the key `kid` ([`PublicKey::kid`]).
    ///
    /// # Errors
    /// [`DraftError`] when the claims break a rule or are too large. Whether the symbol is small enough
    /// is for `qr` to say.
    pub fn new(claims: &Claims, id: ResultId, kid: [u8; 4]) -> Result<Self, DraftError> {
        let payload = claims.encode()?;
        let bytes = payload.len().saturating_add(AROUND_PAYLOAD);
        if bytes > limits::CREDENTIAL {
            return Err(DraftError::Oversize {
                bytes,
                limit: limits::CREDENTIAL,
                fields: field_sizes(claims),
            });
        }
        Ok(Self {
            id,
            to_be_signed: ToBeSigned::new(kid, None, payload, id.as_bytes()),
        })
    }

    /// The bytes to sign with ES256.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        self.to_be_signed.bytes()
    }

    /// The credential with its signature, raw `r ‖ s`. The low one of the two possible `s` is taken.
    #[must_use]
    pub fn seal(self, signature: [u8; 64]) -> SealedCredential {
        let mut bytes = vec![VERSION];
        bytes.extend(self.to_be_signed.seal(signature));
        SealedCredential { id: self.id, bytes }
    }
}

/// Bytes of each field with its number, largest first.
pub(super) fn field_sizes(claims: &Claims) -> Vec<(u32, usize)> {
    let size = |value| cbor::encode(value).len();
    let number = |number: u32| if number < 24 { 1 } else { 2_usize };
    let mut sizes: Vec<_> = claims
        .fields
        .iter()
        .map(|(n, value)| (*n, size(value).saturating_add(number(*n))))
        .collect();
    sizes.sort_by_key(|(number, bytes)| (std::cmp::Reverse(*bytes), *number));
    sizes
}

/// A signed credential. Its claims are out of reach: [`super::judge()`] checks and hands them out,
/// [`Self::peek`] shows what they say without anybody's word for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SealedCredential {
    id: ResultId,
    bytes: Vec<u8>,
}

impl SealedCredential {
    /// A credential that was read from a code or from the register, with the id it came with.
    ///
    /// # Errors
    /// [`MalformedCredential`] when it has another form than [`Draft::seal`] makes.
    pub fn from_bytes(id: ResultId, bytes: Vec<u8>) -> Result<Self, MalformedCredential> {
        let credential = Self { id, bytes };
        credential.opened()?;
        Ok(credential)
    }

    /// The look-up code that the signature is bound to.
    #[must_use]
    pub fn id(&self) -> ResultId {
        self.id
    }

    /// Version byte and tagged COSE_Sign1.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text of the QR. `host` is upper-cased.
    ///
    /// # Errors
    /// [`InvalidHost`] when `host` has characters that the alphanumeric mode of a QR lacks.
    pub fn qr_text(&self, host: &str) -> Result<String, InvalidHost> {
        let host = host.to_ascii_uppercase();
        if !super::scan::is_host(&host) {
            return Err(InvalidHost);
        }
        let digits = numeric::encode(&self.bytes);
        Ok(format!("HTTPS://{host}/{}#{digits}", self.id))
    }

    /// What the credential says, with nobody's word for it: for the screen that shows a foreign or broken
    /// code.
    #[must_use]
    pub fn peek(&self) -> Option<UnverifiedClaims> {
        self.opened()
            .ok()
            .map(|(_, claims)| UnverifiedClaims(claims))
    }

    /// The envelope and what it says.
    pub(super) fn opened(&self) -> Result<(Sealed, Claims), MalformedCredential> {
        let Some((&VERSION, cose)) = self.bytes.split_first() else {
            return Err(MalformedCredential::Version);
        };
        if self.bytes.len() > limits::CREDENTIAL {
            return Err(MalformedCredential::Oversize(self.bytes.len()));
        }
        let sealed = Sealed::parse(cose, None)?;
        let claims = Claims::decode(sealed.payload())?;
        Ok((sealed, claims))
    }

    /// Whether `key` signed this credential for this id.
    pub(super) fn is_signed_by(&self, sealed: &Sealed, key: &PublicKey) -> bool {
        sealed.verify(key, self.id.as_bytes())
    }
}

/// Why bytes are not a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MalformedCredential {
    /// A version that this program does not know.
    #[error("a version that this program does not know")]
    Version,
    /// Larger than a credential may be.
    #[error("{0} bytes are more than a credential has")]
    Oversize(usize),
    /// The envelope is not ours.
    #[error(transparent)]
    Cose(#[from] CoseError),
    /// The claims are not ours.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
}

/// Claims that nobody vouches for. They convert into nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnverifiedClaims(Claims);

impl UnverifiedClaims {
    /// What the code says about itself.
    #[must_use]
    pub fn as_stated(&self) -> &Claims {
        &self.0
    }
}
