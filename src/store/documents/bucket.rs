//! Documents in a bucket of an S3 service. The name is the content, so an object is written once
//! (`If-None-Match: *`) and what is there already is what would be written.
//!
//! The digest of the body is part of the signed request, so the service itself refuses bytes that were
//! changed on the way.

use super::{DocumentError, shelf_and_name, within_limit};
use crate::digest::Sha256;
use crate::limits;
use crate::private::Private;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::client::{Certificate, ClientOptions};
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload, RetryConfig,
};
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// Further tries after a failure that may pass.
const RETRIES: usize = 2;

/// A bucket, and who we are there.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// `https://` and the host of the service; `http://` for a service on the same machine.
    pub endpoint: String,
    /// Its region; services of one region take any word.
    pub region: String,
    /// The bucket.
    pub name: String,
    /// Name of the access key.
    pub access_key: String,
    /// The access key.
    pub secret: Private<String>,
    /// Certificates (PEM) that are trusted for the service, beside those of the system.
    pub authorities: Option<Vec<u8>>,
    /// How long a document may take, with all tries.
    pub patience: Duration,
}

/// The opened bucket.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    client: Arc<AmazonS3>,
    patience: Duration,
}

impl Objects {
    pub(super) fn open(bucket: &Bucket) -> Result<Self, DocumentError> {
        let plain = bucket.endpoint.starts_with("http://");
        if !plain && !bucket.endpoint.starts_with("https://") {
            return Err(DocumentError::Settings(
                "the endpoint begins with https:// or http://".to_owned(),
            ));
        }
        let mut options = ClientOptions::new()
            .with_allow_http(plain)
            .with_connect_timeout(CONNECT)
            .with_timeout(bucket.patience);
        if let Some(pem) = &bucket.authorities {
            let authorities =
                Certificate::from_pem_bundle(pem).map_err(|error| settings(&error))?;
            for authority in authorities {
                options = options.with_root_certificate(authority);
            }
        }
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(1),
                base: 2.0,
            },
            max_retries: RETRIES,
            retry_timeout: bucket.patience,
        };
        let opened = AmazonS3Builder::new()
            .with_endpoint(bucket.endpoint.trim_end_matches('/'))
            .with_region(&bucket.region)
            .with_bucket_name(&bucket.name)
            .with_access_key_id(&bucket.access_key)
            .with_secret_access_key(bucket.secret.expose())
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(options)
            .with_retry(retry)
            .build()
            .map_err(|error| settings(&error))?;
        Ok(Self {
            client: Arc::new(opened),
            patience: bucket.patience,
        })
    }

    pub(super) async fn put(&self, name: Sha256, bytes: Vec<u8>) -> Result<(), DocumentError> {
        let path = path(name);
        let put = self
            .client
            .put_opts(&path, PutPayload::from(bytes), PutMode::Create.into());
        match self.in_time(put).await {
            // Written before: under the name of its digest lies what we would write.
            Ok(_) | Err(Fault::Known) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(super) async fn get(&self, name: Sha256) -> Result<Option<Vec<u8>>, DocumentError> {
        let path = path(name);
        let whole = async {
            let found = self.client.get(&path).await.map_err(Fault::from)?;
            // The body ends where this says.
            within_limit(found.meta.size, limits::DOCUMENT).map_err(Fault::Of)?;
            Ok::<_, Fault>(found.bytes().await?)
        };
        match self.in_time(whole).await {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(Fault::Unknown) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(super) async fn exists(&self, name: Sha256) -> Result<bool, DocumentError> {
        let path = path(name);
        match self.in_time(self.client.head(&path)).await {
            Ok(_) => Ok(true),
            Err(Fault::Unknown) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    async fn in_time<T, E>(&self, asked: impl Future<Output = Result<T, E>>) -> Result<T, Fault>
    where
        Fault: From<E>,
    {
        match tokio::time::timeout(self.patience, asked).await {
            Ok(answered) => Ok(answered?),
            Err(late) => Err(Fault::Of(DocumentError::Unreachable(Box::new(late)))),
        }
    }
}

/// What the service said that is not what was asked for.
#[derive(Debug)]
enum Fault {
    /// There is no such object.
    Unknown,
    /// There is such an object already.
    Known,
    /// Anything else.
    Of(DocumentError),
}

impl From<Fault> for DocumentError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unknown => Self::Refused("no such object".into()),
            Fault::Known => Self::Refused("the object is there already".into()),
            Fault::Of(error) => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::AlreadyExists { .. } | Error::Precondition { .. } => Self::Known,
            // A missing bucket is a missing object to the client; the service's own words tell them apart.
            Error::NotFound { source, .. } if source.to_string().contains("NoSuchBucket") => {
                Self::Of(DocumentError::Refused(source))
            }
            Error::NotFound { .. } => Self::Unknown,
            error @ (Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::InvalidPath { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::UnknownConfigurationKey { .. }) => {
                Self::Of(DocumentError::Refused(Box::new(error)))
            }
            error => Self::Of(DocumentError::Unreachable(Box::new(error))),
        }
    }
}

fn settings(error: &Error) -> DocumentError {
    DocumentError::Settings(error.to_string())
}

fn path(name: Sha256) -> Path {
    let (shelf, name) = shelf_and_name(name);
    Path::from_iter(["documents", shelf.as_str(), name.as_str()])
}
