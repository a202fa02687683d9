//! What a verifier holds when it judges a credential.

use crate::clock::UnixTime;
use crate::status::token;
use crate::status::{StatusError, VerifiedStatusList};
use crate::trust::TrustBundle;

/// What is known at the moment of judging.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The trust bundle.
    pub trust: Trust<'a>,
    /// The status lists.
    pub lists: &'a Lists,
    /// The moment to judge for.
    pub at: UnixTime,
}

/// The trust bundle at hand.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// None.
    Missing,
    /// A file that is no bundle, or that another operator than the pinned one signed.
    Refused,
    /// One that opened.
    Held(&'a TrustBundle),
}

impl<'a> From<Option<&'a TrustBundle>> for Trust<'a> {
    fn from(bundle: Option<&'a TrustBundle>) -> Self {
        bundle.map_or(Self::Missing, Self::Held)
    }
}

/// The status lists at hand, each opened with the key that the trust bundle names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lists {
    held: Vec<(u32, VerifiedStatusList)>,
    refused: Vec<u32>,
    unplaced: bool,
}

/// What is at hand for one number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Held<'a> {
    /// The newest list.
    List(&'a VerifiedStatusList),
    /// Only one that cannot be trusted or read.
    Refused,
    /// None.
    Nothing,
}

impl Lists {
    /// No lists.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Opens tokens with the keys of `bundle`; of two for one list the newer one counts.
    #[must_use]
    pub fn open<T: AsRef<[u8]>>(bundle: &TrustBundle, tokens: impl IntoIterator<Item = T>) -> Self {
        let mut lists = Self::none();
        for token in tokens {
            // A token that is refused is remembered as such; the caller who wants to know why asks `add`.
            let _ = lists.add(bundle, token.as_ref());
        }
        lists
    }

    /// Adds one token, unless the list at hand is newer.
    ///
    /// # Errors
    /// [`StatusError`] why the token was refused.
    pub fn add(&mut self, bundle: &TrustBundle, token: &[u8]) -> Result<(), StatusError> {
        let location = token::stated_uri(token).and_then(|uri| bundle.list_at(&uri).cloned());
        let Some(location) = location else {
            self.unplaced = true;
            return Err(StatusError::Signature);
        };
        let number = location.number;
        let opened =
            token::open(token, &location.key).inspect_err(|_| self.refused.push(number))?;
        match self.held.iter_mut().find(|(known, _)| *known == number) {
            Some((_, held)) if !opened.supersedes(held) => {}
            Some((_, held)) => *held = opened,
            None => self.held.push((number, opened)),
        }
        Ok(())
    }

    /// The list with this number.
    #[must_use]
    pub fn list(&self, number: u32) -> Option<&VerifiedStatusList> {
        let found = self.held.iter().find(|(known, _)| *known == number);
        found.map(|(_, list)| list)
    }

    pub(super) fn held(&self, number: u32) -> Held<'_> {
        match self.list(number) {
            Some(list) => Held::List(list),
            None if self.unplaced || self.refused.contains(&number) => Held::Refused,
            None => Held::Nothing,
        }
    }
}
