//! A changed byte of a signed PDF, a changed character of a QR: never valid, never a panic.

use crate::support::installation::Installed;
use dauso::app::Installation;
use dauso::clock::{Clock as _, SystemClock};
use dauso::report::Verdict;
use dauso::verification::{Folder, Question, Verifier, Viewer};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// The smallest of the files that agencies send.
const SMALLEST: &str = "construction-permit--a3-landscape";

/// Among the bytes of pictures and fonts, which only the digest covers, every so manieth is changed.
const STRIDE: usize = 211;

/// The register is asked about every so manieth of the changes: it looks at the same signature.
const WITH_REGISTER: usize = 9;

/// Bytes of structure around the signature: its dictionary, the form, the page that was changed.
const STRUCTURE: usize = 3_000;

fn now() -> Question {
    Question {
        at: SystemClock.now(),
        viewer: Viewer::Public,
    }
}

/// What the server publishes, as somebody without a register holds it.
fn folder(installed: &Installed) -> Folder {
    let mut files = Vec::new();
    read_all(&installed.trust(), &mut files);
    Folder::of(&files, Vec::new()).unwrap()
}

fn read_all(folder: &Path, files: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, files);
        } else {
            files.push(fs::read(path).unwrap());
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    sqlx::any::install_default_drivers();
    tokio::runtime::Runtime::new().unwrap()
}

async fn verifier(installed: &Installed) -> Verifier {
    let opened = Installation::open(&installed.dir(), None, Arc::new(SystemClock)).await;
    opened.unwrap().verifier(Vec::new()).await.unwrap()
}

/// Every change of one byte that is tried: where, and what it becomes.
fn changes(signed: &[u8]) -> Vec<(usize, u8)> {
    let find = |needle: &[u8]| {
        let found = signed
            .windows(needle.len())
            .rposition(|window| window == needle);
        found.unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(needle)))
    };
    // The tail from the signature dictionary on, and the head, byte by byte.
    let close = find(b"/ByteRange") - STRUCTURE;
    let mut changes = Vec::new();
    for (at, byte) in signed.iter().enumerate() {
        if at < 64 || at >= close || at % STRIDE == 0 {
            changes.push((at, byte ^ 1));
        }
    }
    // The hexadecimal digits are outside what is signed: another spelling of the same number counts too.
    let contents = find(b"/Contents <");
    for (at, byte) in signed.iter().enumerate().skip(contents).take(12_000) {
        if byte.is_ascii_lowercase() {
            changes.push((at, byte.to_ascii_uppercase()));
        }
    }
    changes
}

#[test]
fn a_signed_pdf_with_one_byte_changed_is_never_valid() {
    let installed = Installed::new();
    let (_, path) = installed.issue_pdf(SMALLEST);
    let signed = fs::read(path).unwrap();
    let (folder, question) = (folder(&installed), now());
    let untouched = folder.file(&signed, question).unwrap();
    assert_eq!(untouched.verdict, Verdict::Valid);

    let changes = changes(&signed);
    assert!(changes.len() > 10_000, "{}", changes.len());
    // Offline, each of them; there is no exception.
    let exceptions: Vec<usize> = thread::scope(|scope| {
        let halves = changes.chunks(changes.len().div_ceil(2));
        let threads: Vec<_> = halves
            .map(|half| {
                let mut bytes = signed.clone();
                let folder = &folder;
                scope.spawn(move || {
                    let still_valid = half.iter().filter(|(at, changed)| {
                        let before = std::mem::replace(&mut bytes[*at], *changed);
                        let answered = folder.file(&bytes, question);
                        bytes[*at] = before;
                        answered.is_ok_and(|answered| answered.verdict == Verdict::Valid)
                    });
                    still_valid.map(|(at, _)| *at).collect::<Vec<_>>()
                })
            })
            .collect();
        let found = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        found.collect()
    });
    assert_eq!(exceptions, [] as [usize; 0]);

    runtime().block_on(async {
        let verifier = verifier(&installed).await;
        let untouched = verifier.file(signed.clone(), question).await.unwrap();
        assert_eq!(untouched.verdict, Verdict::Valid);
        for (at, changed) in changes.iter().step_by(WITH_REGISTER) {
            let mut bytes = signed.clone();
            bytes[*at] = *changed;
            let answered = verifier.file(bytes, question).await;
            let valid = answered.is_ok_and(|answered| answered.verdict == Verdict::Valid);
            assert!(!valid, "byte {at}");
        }
    });
}

#[test]
fn a_signed_pdf_that_is_cut_or_lengthened_is_never_valid() {
    let installed = Installed::new();
    let (_, path) = installed.issue_pdf(SMALLEST);
    let signed = fs::read(path).unwrap();
    let folder = folder(&installed);
    let verdict = |bytes: &[u8]| folder.file(bytes, now()).map(|answered| answered.verdict);
    let cuts = (1..400).chain((400..signed.len()).step_by(997));
    for cut in cuts {
        let cut = verdict(&signed[..signed.len() - cut]);
        assert_ne!(cut.ok(), Some(Verdict::Valid));
    }
    let second = fs::read(installed.issue_pdf("restricted-road-permit--rotate-90").1).unwrap();
    let endings: [&[u8]; 6] = [
        b"\n",
        b" ",
        b"\0",
        b"%%EOF\n",
        b"% a comment\n%%EOF\n",
        &second,
    ];
    for more in endings {
        let longer = verdict(&[&signed, more].concat());
        assert_ne!(longer.ok(), Some(Verdict::Valid), "{:?}", more.get(..10));
    }
}

#[test]
fn a_qr_text_with_one_character_changed_is_never_valid_except_in_its_host() {
    let installed = Installed::new();
    let (receipt, _) = installed.issue_pdf(SMALLEST);
    let text = receipt["qr_text"].as_str().unwrap();
    let (folder, question) = (folder(&installed), now());
    assert_eq!(folder.code(text, question).verdict, Verdict::Valid);
    let host = text.find("QR.VIDU.TEST").unwrap();
    let host = host..host + "QR.VIDU.TEST".len();
    let alphabet: Vec<char> = "0123456789ABCDEFGHJKMNPQRSTVWXYZ#/:.-a é".chars().collect();
    let mut changed = Vec::new();
    for (at, before) in text.char_indices() {
        let others = alphabet.iter().filter(|other| **other != before);
        // Digits may become any character; the rest of the text has three tries a place.
        let tries = if at < 60 { 40 } else { 3 };
        let from = at % alphabet.len();
        for other in others.cycle().skip(from).take(tries) {
            changed.push((at, format!("{}{other}{}", &text[..at], &text[at + 1..])));
        }
        changed.push((at, format!("{}{}", &text[..at], &text[at + 1..])));
        changed.push((at, format!("{}{before}{}", &text[..at], &text[at..])));
    }
    changed.push((text.len(), format!("{text}0")));
    changed.push((text.len(), format!("{text} ")));
    for (at, changed) in &changed {
        if changed == text {
            continue;
        }
        let verdict = folder.code(changed, question).verdict;
        // Verifiers do not look at the host (docs/formats/numeric-url.md §1): cameras need it, nothing else.
        if !host.contains(at) {
            assert_ne!(verdict, Verdict::Valid, "{changed}");
        }
    }
    let elsewhere = text.replace("QR.VIDU.TEST", "QR.KHAC.TEST");
    assert_eq!(folder.code(&elsewhere, question).verdict, Verdict::Valid);

    runtime().block_on(async {
        let verifier = verifier(&installed).await;
        assert_eq!(
            verifier.code(text, question).await.unwrap().verdict,
            Verdict::Valid
        );
        for (at, changed) in changed.iter().step_by(7) {
            if !host.contains(at) && changed != text {
                let answered = verifier.code(changed, question).await.unwrap();
                assert_ne!(answered.verdict, Verdict::Valid, "{changed}");
                assert_eq!(
                    answered.shown, None,
                    "a forged code shows nothing as true: {changed}"
                );
            }
        }
    });
}
