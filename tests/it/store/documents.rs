//! Documents on disk.

use dauso::digest::Sha256;
use dauso::store::documents::{DocumentError, Documents};
use std::fs;

#[tokio::test]
async fn a_document_comes_back_by_its_digest() {
    let directory = tempfile::tempdir().unwrap();
    let documents = Documents::on_disk(directory.path().join("documents"))
        .await
        .unwrap();
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
    let unfinished = fs::read_dir(directory.path().join("documents/new")).unwrap();
    assert_eq!(unfinished.count(), 0);
}

#[tokio::test]
async fn a_document_that_was_changed_on_the_disk_is_not_handed_out() {
    let directory = tempfile::tempdir().unwrap();
    let documents = Documents::on_disk(directory.path()).await.unwrap();
    let name = documents.put(b"%PDF-1.7".to_vec()).await.unwrap();
    let hex = name.hex();
    fs::write(directory.path().join(&hex[..2]).join(&hex), b"%PDF-1.4").unwrap();
    match documents.get(name).await {
        Err(DocumentError::Changed(changed)) => assert_eq!(changed, name),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"").unwrap();
    let refused = Documents::on_disk(file.join("documents")).await;
    assert!(
        matches!(refused, Err(DocumentError::Disk(_))),
        "{refused:?}"
    );
}
