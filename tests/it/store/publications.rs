//! Publications never go back.

use super::samples::now;
use crate::support::stores::both;
use dauso::store::{Conflict, Publication, StoreError};

fn bundle(version: u64, content: &[u8]) -> Publication {
    Publication {
        name: "trust".into(),
        version,
        content: content.to_vec(),
        signed_at: now(),
    }
}

#[test]
fn an_older_version_never_replaces_a_newer_one() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        assert_eq!(tx.published_version("trust").await.unwrap(), 0);
        for publication in [bundle(2, b"two"), bundle(2, b"two"), bundle(3, b"three")] {
            tx.publish(&publication).await.unwrap();
        }
        for refused in [bundle(2, b"two"), bundle(3, b"other")] {
            let refused = tx.publish(&refused).await;
            assert!(
                matches!(refused, Err(StoreError::Conflict(Conflict::Version))),
                "{refused:?}"
            );
        }
        assert_eq!(
            tx.publication("trust").await.unwrap(),
            Some(bundle(3, b"three"))
        );
        assert_eq!(tx.publication("status/1").await.unwrap(), None);
        assert_eq!(tx.published_version("trust").await.unwrap(), 3);
        let signed = tx.publications_signed().await.unwrap();
        let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["trust"]);
    });
}
