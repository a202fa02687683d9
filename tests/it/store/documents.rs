//! Documents, in a folder and in the bucket of an S3 service.

use crate::support::s3::Peer;
use dauso::digest::Sha256;
use dauso::limits;
use dauso::store::documents::{Bucket, DocumentError, Documents};
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Documents, and a way to them behind their back.
struct Kept {
    documents: Documents,
    home: Home,
}

enum Home {
    Folder(tempfile::TempDir),
    Bucket(Peer),
}

impl Kept {
    /// Overwrites what lies under a name.
    fn overwrite(&self, name: Sha256, bytes: &[u8]) {
        let name = name.hex();
        let path = format!("documents/{}/{name}", &name[..2]);
        match &self.home {
            Home::Folder(directory) => fs::write(directory.path().join(path), bytes).unwrap(),
            Home::Bucket(peer) => assert_eq!(peer.ask("PUT", &path, bytes).0, 200),
        }
    }

    /// Every file, below the documents.
    fn files(&self) -> Vec<String> {
        match &self.home {
            Home::Folder(directory) => {
                let mut files = Vec::new();
                let mut folders = vec![directory.path().join("documents")];
                while let Some(folder) = folders.pop() {
                    for entry in fs::read_dir(folder).unwrap() {
                        let path: PathBuf = entry.unwrap().path();
                        if path.is_dir() {
                            folders.push(path);
                        } else if !path.ends_with("lock") {
                            let path = path.strip_prefix(directory.path()).unwrap();
                            files.push(path.to_str().unwrap().to_owned());
                        }
                    }
                }
                files
            }
            Home::Bucket(peer) => peer.keys(),
        }
    }
}

/// Runs `body` on a folder and on a bucket.
async fn both(body: impl AsyncFn(Kept)) {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("documents")).unwrap();
    let documents = Documents::on_disk(directory.path().join("documents"));
    body(Kept {
        documents: documents.await.unwrap(),
        home: Home::Folder(directory),
    })
    .await;
    let peer = Peer::start();
    body(Kept {
        documents: Documents::in_bucket(&peer.bucket()).unwrap(),
        home: Home::Bucket(peer),
    })
    .await;
}

#[tokio::test]
async fn a_document_comes_back_by_its_digest() {
    both(async |kept| {
        let documents = &kept.documents;
        let name = documents.put(b"%PDF-1.7".to_vec()).await.unwrap();
        assert_eq!(name, Sha256::of(b"%PDF-1.7"));
        assert_eq!(documents.put(b"%PDF-1.7".to_vec()).await.unwrap(), name);
        assert_eq!(
            documents.get(name).await.unwrap().as_deref(),
            Some(&b"%PDF-1.7"[..])
        );
        assert!(documents.exists(name).await.unwrap());
        let unknown = Sha256::of(b"unknown");
        assert_eq!(documents.get(unknown).await.unwrap(), None);
        assert!(!documents.exists(unknown).await.unwrap());
        let hex = name.hex();
        assert_eq!(
            kept.files(),
            [format!("documents/{}/{hex}", &hex[..2])],
            "nothing but the document"
        );
    })
    .await;
}

#[tokio::test]
async fn documents_kept_at_once_are_all_whole() {
    both(async |kept| {
        let tasks: Vec<_> = (0..16_u8)
            .map(|number| {
                let documents = kept.documents.clone();
                // Each content twice: two requests may bring the same file.
                tokio::spawn(async move { documents.put(vec![number / 2; 300_000]).await })
            })
            .collect();
        for (number, task) in (0..16_u8).zip(tasks) {
            let name = task.await.unwrap().unwrap();
            let held = kept.documents.get(name).await.unwrap().unwrap();
            assert_eq!(held, vec![number / 2; 300_000]);
        }
        assert_eq!(kept.files().len(), 8);
    })
    .await;
}

#[tokio::test]
async fn a_document_that_was_changed_where_it_is_kept_is_not_handed_out() {
    both(async |kept| {
        let name = kept.documents.put(b"%PDF-1.7".to_vec()).await.unwrap();
        kept.overwrite(name, b"%PDF-1.4");
        match kept.documents.get(name).await {
            Err(DocumentError::Changed(changed)) => assert_eq!(changed, name),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_is_neither_kept_nor_read() {
    both(async |kept| {
        let large = usize::try_from(limits::DOCUMENT).unwrap() + 1;
        let refused = kept.documents.put(vec![0; large]).await;
        assert!(
            matches!(refused, Err(DocumentError::TooLarge(bytes)) if bytes == large as u64),
            "{refused:?}"
        );
        assert!(kept.files().is_empty());
        let name = kept.documents.put(b"%PDF-1.7".to_vec()).await.unwrap();
        kept.overwrite(name, &vec![0; large]);
        let refused = kept.documents.get(name).await;
        assert!(
            matches!(refused, Err(DocumentError::TooLarge(bytes)) if bytes == large as u64),
            "{:?}",
            refused.map(|found| found.map(|bytes| bytes.len()))
        );
    })
    .await;
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"").unwrap();
    let refused = Documents::on_disk(file.join("documents")).await;
    assert!(
        matches!(refused, Err(DocumentError::Disk(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_service_that_is_away_is_told_from_one_without_the_bucket() {
    let mut peer = Peer::start();
    let name = Sha256::of(b"%PDF-1.7");
    let no_bucket = Documents::in_bucket(&Bucket {
        name: "no-such-bucket".to_owned(),
        ..peer.bucket()
    })
    .unwrap();
    let refused = [
        no_bucket.put(b"%PDF-1.7".to_vec()).await.map(drop),
        no_bucket.get(name).await.map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, DocumentError::Refused(_)), "{error:?}");
    }
    let documents = Documents::in_bucket(&peer.bucket()).unwrap();
    documents.put(b"%PDF-1.7".to_vec()).await.unwrap();
    peer.stop();
    for away in [
        documents.put(b"%PDF-1.7".to_vec()).await.map(drop),
        documents.get(name).await.map(drop),
        documents.exists(name).await.map(drop),
    ] {
        let error = away.unwrap_err();
        assert!(matches!(error, DocumentError::Unreachable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let documents = Documents::in_bucket(&Bucket {
        endpoint: format!("http://{address}"),
        region: "vidu".to_owned(),
        name: "dauso".to_owned(),
        access_key: "dauso".to_owned(),
        secret: dauso::private::Private::new("a secret".to_owned()),
        authorities: None,
        patience: Duration::from_millis(500),
    })
    .unwrap();
    let begun = Instant::now();
    let given_up = documents.put(b"%PDF-1.7".to_vec()).await.unwrap_err();
    assert!(
        matches!(given_up, DocumentError::Unreachable(_)),
        "{given_up:?}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_refused_and_no_error_shows_the_secret() {
    let peer = Peer::start();
    for (endpoint, authorities) in [
        ("s3.vidu.test", None),
        ("ftp://s3.vidu.test", None),
        (
            "https://s3.vidu.test",
            Some(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_vec()),
        ),
    ] {
        let refused = Documents::in_bucket(&Bucket {
            endpoint: endpoint.to_owned(),
            authorities,
            ..peer.bucket()
        });
        let error = refused.unwrap_err();
        assert!(matches!(error, DocumentError::Settings(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("a secret"), "{error:?}");
    }
    let opened = Documents::in_bucket(&peer.bucket()).unwrap();
    assert!(!format!("{opened:?}").contains("a secret"));
}
