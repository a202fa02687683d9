//! The service as others see it: status, problem code, body. Every answer is compared with
//! `openapi.yaml` on the way.

mod bucket;
mod checks;
mod door;
mod four_eyes;
mod headers;
mod life;
mod limits;
mod lists;
mod matrix;
pub(crate) mod operations;
mod pages;
mod results;
mod roles;
mod search;
mod status;
mod tokens;
mod verifications;
