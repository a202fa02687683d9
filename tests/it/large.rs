//! PDFs that are larger than what they may take in memory, through the whole program.

use crate::judges::{python, run};
use crate::support::installation::{Installed, in_force, pdf, program};
use crate::support::s3::Peer;
use dauso::app::Installation;
use dauso::clock::SystemClock;
use dauso::digest::Sha256;
use dauso::limits;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

const BADGE: &str = "vehicle-badge--a4-tagged";

/// Memory that a large PDF may take more than a small one.
const MIB: f64 = 16.0;

/// Pages with a line of text and a scan that nobody can pack, of a megabyte each.
pub(crate) fn scans(path: &Path, pages: usize) {
    const WIDTH: usize = 1_024;
    const HEIGHT: usize = 1_000;
    let mut file = Counted(BufWriter::new(File::create(path).unwrap()), 0);
    let mut places = Vec::new();
    let mut noise = 1_u64;
    let mut object = |file: &mut Counted, body: &[&[u8]]| {
        places.push(file.1);
        let head = format!("{} 0 obj\n", places.len());
        file.write_all(head.as_bytes()).unwrap();
        for part in body {
            file.write_all(part).unwrap();
        }
        file.write_all(b"\nendobj\n").unwrap();
    };
    file.write_all(b"%PDF-1.7\n").unwrap();
    let kids: Vec<String> = (0..pages)
        .map(|page| format!("{} 0 R", 4 + 3 * page))
        .collect();
    let kids = kids.join(" ");
    object(&mut file, &[b"<</Type/Catalog/Pages 2 0 R>>"]);
    let tree = format!("<</Type/Pages/Count {pages}/Kids[{kids}]>>");
    object(&mut file, &[tree.as_bytes()]);
    object(
        &mut file,
        &[b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"],
    );
    for page in 0..pages {
        let (text, picture) = (5 + 3 * page, 6 + 3 * page);
        let dict = format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {text} 0 R\
             /Resources<</Font<</F 3 0 R>>/XObject<</Im {picture} 0 R>>>>>>"
        );
        object(&mut file, &[dict.as_bytes()]);
        let shown = "BT /F 11 Tf 200 620 Td (A scan) Tj ET q 300 0 0 300 150 250 cm /Im Do Q";
        let dict = format!("<</Length {}>>stream\n", shown.len());
        object(
            &mut file,
            &[dict.as_bytes(), shown.as_bytes(), b"\nendstream"],
        );
        let dict = format!(
            "<</Type/XObject/Subtype/Image/Width {WIDTH}/Height {HEIGHT}/BitsPerComponent 8\
             /ColorSpace/DeviceGray/Length {}>>stream\n",
            WIDTH * HEIGHT
        );
        let mut pixels = Vec::with_capacity(WIDTH * HEIGHT);
        while pixels.len() < WIDTH * HEIGHT {
            // xorshift64, Marsaglia 2003
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            pixels.extend(noise.to_le_bytes());
        }
        object(&mut file, &[dict.as_bytes(), &pixels, b"\nendstream"]);
    }
    let (start, size) = (file.1, places.len() + 1);
    write!(file, "xref\n0 {size}\n0000000000 65535 f \n").unwrap();
    for place in &places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    let trailer = format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n");
    file.write_all(trailer.as_bytes()).unwrap();
    file.flush().unwrap();
}

/// What is written, and how many bytes of it there are.
struct Counted(BufWriter<File>, usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1 += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The arguments that issue the badge of a dossier with a PDF.
fn arguments(installed: &Installed, dossier: usize, pdf: &Path, out: &Path) -> Vec<String> {
    let mut data = in_force(BADGE);
    data.remove("result_code");
    data.remove("badge_number");
    let code = format!("000.00.16.H99-261116-8{dossier:03}");
    data.insert("dossier_code".to_owned(), json!(code));
    let data = Value::Object(data).to_string();
    let data = installed.write(&format!("{dossier}.json"), data);
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let mut all = vec!["issue".to_owned(), "--json".to_owned()];
    for (name, value) in [
        ("--dir", path(&installed.dir())),
        ("--type", "vehicle-badge".to_owned()),
        ("--data", path(&data)),
        ("--pdf", path(pdf)),
        ("--out", path(out)),
    ] {
        all.extend([name.to_owned(), value]);
    }
    all
}

/// Issues within one GiB of addresses; what it took and said.
fn bounded(arguments: &[String]) -> Value {
    let mut all = vec![env!("CARGO_BIN_EXE_dauso")];
    all.extend(arguments.iter().map(String::as_str));
    serde_json::from_str(&python("bounded.py", &all)).unwrap()
}

/// The digest of a file's first bytes, which are not held in memory.
fn digest_of(path: &Path, length: u64) -> Sha256 {
    let output = run(
        "sh",
        &[
            "-c",
            &format!("head -c {length} '{}' | sha256sum", path.display()),
        ],
    );
    let said = String::from_utf8(output.stdout).unwrap();
    Sha256::parse_hex(said.split(' ').next().unwrap()).unwrap()
}

/// Everything that lies among the documents, but for locks.
fn documents(installed: &Installed) -> Vec<PathBuf> {
    let mut folders = vec![installed.dir().join("documents")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("lock") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_hundred_megabytes_are_signed_in_little_memory_and_hold_for_other_programs() {
    let installed = Installed::new();
    let (small, large) = (installed.file("small.pdf"), installed.file("large.pdf"));
    fs::copy(pdf(BADGE), &small).unwrap();
    scans(&large, 100);
    let length = fs::metadata(&large).unwrap().len();
    assert!(length > 100_000_000, "{length}");
    let before = digest_of(&large, length);
    let out = installed.file("signed.pdf");
    let little = bounded(&arguments(&installed, 1, &small, &installed.file("s.pdf")));
    assert_eq!(little["code"], 0, "{little}");
    let much = bounded(&arguments(&installed, 2, &large, &out));
    assert_eq!(much["code"], 0, "{much}");
    let mib = |took: &Value| took["mib"].as_f64().unwrap();
    assert!(mib(&much) - mib(&little) <= MIB, "{little} {much}");

    // What came in is the beginning of what goes out, and stays what it was.
    assert_eq!(digest_of(&large, length), before);
    assert_eq!(digest_of(&out, length), before);
    let path = out.to_str().unwrap();
    let checked = run("qpdf", &["--check", path]);
    let said = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert!(checked.status.success(), "{said}");
    assert!(said.contains("No syntax or stream encoding errors found"));
    let output = run("pdfsig", &["-nocert", path]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("Signature Validation: Signature is Valid."));
    assert!(said.contains("Total document signed"), "{said}");
    let told: Value = serde_json::from_str(&python("pdf_signatures.py", &[path])).unwrap();
    assert_eq!(told[0]["intact"], true, "{told}");
    assert_eq!(told[0]["coverage"], "ENTIRE_FILE", "{told}");

    // It is kept under the digest of its bytes, once.
    let whole = digest_of(&out, fs::metadata(&out).unwrap().len()).hex();
    let kept = installed.dir().join("documents").join(&whole[..2]);
    assert!(documents(&installed).contains(&kept.join(&whole)));
    assert_eq!(documents(&installed).len(), 2 + seals(&installed));
}

/// Pictures of seals lie among the documents too.
fn seals(installed: &Installed) -> usize {
    let documents = documents(installed).into_iter();
    documents
        .filter(|path| fs::read(path).unwrap().starts_with(b"\x89PNG"))
        .count()
}

#[test]
fn a_large_pdf_that_was_issued_already_is_known_by_its_signature() {
    let installed = Installed::new();
    let large = installed.file("large.pdf");
    scans(&large, 3);
    let first = installed.file("first.pdf");
    let once = bounded(&arguments(&installed, 1, &large, &first));
    assert_eq!(once["code"], 0, "{once}");
    let again = bounded(&arguments(&installed, 2, &first, &installed.file("2.pdf")));
    assert_eq!(again["code"], 65, "{again}");
    let said = again["stderr"].as_str().unwrap();
    assert!(said.contains("(issue/already-issued)"), "{said}");
}

#[test]
fn more_than_the_limit_is_refused_by_name_at_once_and_leaves_nothing() {
    let installed = Installed::new();
    let before = documents(&installed);
    let huge = installed.file("huge.pdf");
    let file = File::create(&huge).unwrap();
    file.set_len(limits::PDF_IN_FILE as u64 + 1).unwrap();
    let out = installed.file("out.pdf");
    let refused = bounded(&arguments(&installed, 1, &huge, &out));
    assert_eq!(refused["code"], 65, "{refused}");
    let said = refused["stderr"].as_str().unwrap();
    assert!(said.contains("(pdf/too-large)"), "{said}");
    assert!(refused["seconds"].as_f64().unwrap() < 5.0, "{refused}");
    assert!(!out.exists());
    assert_eq!(documents(&installed), before);

    // As large as may be, and not a PDF.
    file.set_len(limits::PDF_IN_FILE as u64).unwrap();
    let refused = bounded(&arguments(&installed, 2, &huge, &out));
    let said = refused["stderr"].as_str().unwrap();
    assert!(said.contains("(pdf/not-a-pdf)"), "{said}");
    assert!(refused["seconds"].as_f64().unwrap() < 5.0, "{refused}");
    assert!(!out.exists());
    assert_eq!(documents(&installed), before);
}

#[tokio::test]
async fn a_process_that_is_killed_while_it_copies_and_signs_leaves_nothing_half_written() {
    let installed = Installed::new();
    let large = installed.file("large.pdf");
    scans(&large, 30);
    for (at, milliseconds) in [20, 60, 100, 150, 200, 300, 400, 600]
        .into_iter()
        .enumerate()
    {
        let out = installed.file(&format!("{at}.pdf"));
        let mut killed = program()
            .args(arguments(&installed, at, &large, &out))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
        // The name of the caller's file is that of a whole one, or nobody's.
        if out.exists() {
            let told = python("pdf_signatures.py", &[out.to_str().unwrap()]);
            let told: Value = serde_json::from_str(&told).unwrap();
            assert_eq!(told[0]["intact"], true, "{told}");
        }
    }
    let dir = installed.dir();
    let opened = Installation::open(&dir, None, Arc::new(SystemClock));
    let opened = opened.await.unwrap();
    opened.issuer().unwrap().settle().await.unwrap();
    for path in documents(&installed) {
        assert!(!path.to_str().unwrap().contains("/new/"), "{path:?}");
        let name = path.file_name().unwrap().to_str().unwrap();
        let name = Sha256::parse_hex(name).unwrap();
        assert!(opened.documents().is_whole(name).await.unwrap());
        if !fs::read(&path).unwrap().starts_with(b"\x89PNG") {
            let mut tx = opened.store().read().await.unwrap();
            assert!(tx.is_document_of_result(&name).await.unwrap(), "{path:?}");
        }
    }
}

#[test]
fn a_bucket_takes_what_fits_into_memory_and_refuses_more_by_name() {
    let peer = Peer::start();
    let installed = Installed::new();
    let settings = installed.dir().join("dauso.toml");
    let s3 = peer.config();
    let secret = &s3.secret_access_key_file;
    let mut config = fs::read_to_string(&settings).unwrap();
    let (endpoint, region) = (&s3.endpoint, &s3.region);
    let (bucket, key) = (&s3.bucket, &s3.access_key_id);
    let _ = write!(
        config,
        "\n[s3]\nendpoint = {endpoint:?}\nregion = {region:?}\nbucket = {bucket:?}\n\
         access_key_id = {key:?}\nsecret_access_key_file = {secret:?}\n"
    );
    fs::write(&settings, config).unwrap();
    let large = installed.file("large.pdf");
    File::create(&large)
        .unwrap()
        .set_len(limits::PDF_FILE as u64 + 1)
        .unwrap();
    let refused = bounded(&arguments(
        &installed,
        1,
        &large,
        &installed.file("out.pdf"),
    ));
    let said = refused["stderr"].as_str().unwrap();
    assert!(said.contains("(pdf/too-large)"), "{said}");
}
