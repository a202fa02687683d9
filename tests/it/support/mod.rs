//! What several tests stand on.

pub(crate) mod installation;
pub(crate) mod running;
pub(crate) mod stores;
