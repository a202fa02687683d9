//! Why something is decided, and by whom.

use super::LifecycleError;

/// Why it is decided, and by whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grounds {
    /// In words that the public page shows.
    pub reason: String,
    /// Number of the decision.
    pub decision: String,
    /// Who decided.
    pub authority: String,
}

impl Grounds {
    /// Grounds with every part in NFC, none empty, none longer than a page can show.
    ///
    /// # Errors
    /// [`LifecycleError::Grounds`] names the part.
    pub fn new(reason: &str, decision: &str, authority: &str) -> Result<Self, LifecycleError> {
        Ok(Self {
            reason: part("reason", reason, 500)?,
            decision: part("decision", decision, 100)?,
            authority: part("authority", authority, 200)?,
        })
    }
}

/// Words of a person in NFC: not empty, at most `max` characters, no control characters but line feeds.
pub(super) fn part(name: &'static str, text: &str, max: usize) -> Result<String, LifecycleError> {
    use unicode_normalization::UnicodeNormalization as _;
    let text: String = text.trim().nfc().collect();
    let fits = (1..=max).contains(&text.chars().count());
    if fits && !text.chars().any(|c| c.is_control() && c != '\n') {
        Ok(text)
    } else {
        Err(LifecycleError::Grounds(name))
    }
}
