//! Secrets and personal data that cannot be printed by accident.

use std::fmt;
use zeroize::Zeroize;

/// A PIN, password, token or name: `Debug` shows nothing of it, there is no `Display`, and its memory is
/// cleared when it is dropped.
#[derive(Clone, Eq, PartialEq)]
pub struct Private<T: Zeroize>(T);

impl<T: Zeroize> Private<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Search for this name to find every place that looks.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

impl<T: Zeroize> Drop for Private<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_private_value_shows_nothing_of_it() {
        assert_eq!(
            format!("{:?}", Private::new(String::from("000012345678"))),
            "[private]"
        );
    }
}
