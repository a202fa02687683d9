//! Who is calling: an API key in `Authorization: Bearer …`.

use super::limit::Rates;
use super::problem::Problem;
use super::state::Service;
use crate::access::{Caller, Permission};
use crate::digest::Sha256;
use crate::verification::Viewer;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};

/// Finds out who calls, once per request. No header: nobody. A key that opens nothing is answered with
/// 401 and counts against the address, so keys cannot be guessed at speed.
pub(super) async fn identify(
    service: &Service,
    rates: &Rates,
    mut request: Request,
) -> Result<Request, Problem> {
    let Some(header) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(request);
    };
    let key = header
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "));
    let found = match key {
        Some(key) => caller(service, key).await?,
        None => None,
    };
    let Some(caller) = found else {
        rates.guess(&request)?;
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "auth/unknown-key"));
    };
    request.extensions_mut().insert(caller);
    Ok(request)
}

async fn caller(service: &Service, key: &str) -> Result<Option<Caller>, Problem> {
    let digest = Sha256::of(key.trim().as_bytes());
    let now = service.clock.now();
    Ok(service.reader.caller(digest, now).await?)
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "auth/missing"))
    }
}

/// The caller, if there is one.
pub(super) struct MaybeCaller(pub(super) Option<Caller>);

impl<S: Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<Caller>().cloned()))
    }
}

impl MaybeCaller {
    /// Inspectors see more of a result than the public does.
    pub(super) fn viewer(&self) -> Viewer {
        let inspector = |caller: &Caller| caller.role.may(Permission::Check);
        if self.0.as_ref().is_some_and(inspector) {
            Viewer::Inspector
        } else {
            Viewer::Public
        }
    }
}
