//! What happens to a result after it was issued.
