//! What several tests stand on.

pub(crate) mod app;
pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod contract;
pub(crate) mod installation;
pub(crate) mod running;
pub(crate) mod s3;
pub(crate) mod serving;
pub(crate) mod stores;
pub(crate) mod tokens;
