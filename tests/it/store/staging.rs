//! Documents in a folder, between the writing and the record.

use dauso::store::documents::{DocumentError, Documents};
use std::fs;
use std::path::{Path, PathBuf};

/// What stands below `new/`, without the locks.
fn staged(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for folder in fs::read_dir(directory.join("new")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            names.extend((name != "lock").then_some(name));
        }
    }
    names
}

#[tokio::test]
async fn a_staged_document_can_be_read_and_stands_on_no_shelf() {
    let directory = tempfile::tempdir().unwrap();
    let documents = Documents::on_disk(directory.path()).await.unwrap();
    let held = documents.stage(b"%PDF-1.7".to_vec()).await.unwrap();
    let name = held.name();
    assert_eq!(staged(directory.path()), [name.hex()]);
    assert!(!documents.exists(name).await.unwrap());
    let other_process = Documents::on_disk(directory.path()).await.unwrap();
    let bytes = other_process.get(name).await.unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"%PDF-1.7"[..]));
    documents.keep(held).await.unwrap();
    assert!(other_process.exists(name).await.unwrap());
    assert_eq!(staged(directory.path()), [] as [String; 0]);
}

#[tokio::test]
async fn what_a_living_process_has_staged_is_its_own_and_what_a_dead_one_left_is_settled_once() {
    let directory = tempfile::tempdir().unwrap();
    let open = async || Documents::on_disk(directory.path()).await.unwrap();
    let (dead, living) = (open().await, open().await);
    let with_record = dead.stage(b"with record".to_vec()).await.unwrap();
    let without = dead.stage(b"without".to_vec()).await.unwrap();
    let under_way = living.stage(b"under way".to_vec()).await.unwrap();
    let recorded = with_record.name();
    let other = open().await;
    assert_eq!(other.unsettled().await.unwrap().len(), 0, "both live");

    // Dropped in this order the lock goes as it does with a killed process: the files stay.
    drop((dead, with_record, without));
    fs::write(
        unlocked_folder(directory.path()).join(".tmpAbCdEf"),
        b"half",
    )
    .unwrap();
    let left = other.unsettled().await.unwrap();
    assert_eq!(left.iter().map(|one| one.names().len()).sum::<usize>(), 2);
    assert_eq!(living.unsettled().await.unwrap().len(), 0, "one at a time");
    let counts = other.settle(left, move |name| *name == recorded).await;
    assert_eq!(counts.unwrap(), (1, 1));
    assert!(other.exists(recorded).await.unwrap());
    assert_eq!(staged(directory.path()), [under_way.name().hex()]);
    assert_eq!(other.unsettled().await.unwrap().len(), 0);
    living.keep(under_way).await.unwrap();
}

/// The folder of `new/` whose lock nobody has.
fn unlocked_folder(directory: &Path) -> PathBuf {
    let folders = fs::read_dir(directory.join("new")).unwrap();
    let mut folders = folders.map(|entry| entry.unwrap().path());
    let free = |folder: &PathBuf| {
        let lock = fs::File::open(folder.join("lock")).unwrap();
        lock.try_lock().is_ok()
    };
    folders.find(free).unwrap()
}

#[tokio::test]
async fn work_that_was_given_up_is_settled_by_its_own_process() {
    let directory = tempfile::tempdir().unwrap();
    let documents = Documents::on_disk(directory.path()).await.unwrap();
    let held = documents.stage(b"a".to_vec()).await.unwrap();
    assert_eq!(documents.unsettled().await.unwrap().len(), 0);
    drop(held);
    let left = documents.unsettled().await.unwrap();
    assert_eq!(left.iter().map(|one| one.names().len()).sum::<usize>(), 1);
    assert_eq!(documents.settle(left, |_| false).await.unwrap(), (0, 1));
    assert_eq!(staged(directory.path()), [] as [String; 0]);
    assert_eq!(documents.unsettled().await.unwrap().len(), 0);
}

/// A volume that is not mounted must not be replaced by a folder on the disk below it.
#[tokio::test]
async fn a_directory_that_is_gone_is_not_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("documents");
    fs::create_dir(&path).unwrap();
    let documents = Documents::on_disk(&path).await.unwrap();
    let name = documents.put(b"a".to_vec()).await.unwrap();
    fs::rename(&path, directory.path().join("elsewhere")).unwrap();
    let refused = documents.put(b"b".to_vec()).await;
    assert!(
        matches!(refused, Err(DocumentError::Disk(_))),
        "{refused:?}"
    );
    let missing = documents.get(name).await;
    assert!(
        matches!(missing, Err(DocumentError::Disk(_))),
        "{missing:?}"
    );
    assert!(
        documents
            .probe()
            .await
            .is_err_and(|error| matches!(error, DocumentError::Disk(_)))
    );
    assert!(!path.exists());
    fs::rename(directory.path().join("elsewhere"), &path).unwrap();
    documents.probe().await.unwrap();
    documents.put(b"b".to_vec()).await.unwrap();
    assert!(documents.get(name).await.unwrap().is_some());
}
