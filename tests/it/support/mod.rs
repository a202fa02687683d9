//! What several tests stand on.

pub(crate) mod app;
pub(crate) mod certificates;
pub(crate) mod contract;
pub(crate) mod installation;
pub(crate) mod running;
pub(crate) mod s3;
pub(crate) mod stores;
