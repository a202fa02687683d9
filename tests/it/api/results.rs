//! Issuing and reading results.

use crate::judges::{python, root};
use crate::large::scans;
use crate::support::app::{
    Issued, OURS, THEIRS, TestApp, Wanted, badge, printed, problem, renew, sample,
};
use dauso::access::Role::{Inspector, Registrar, Supervisor};
use dauso::digest::Sha256;
use dauso::store::documents::DocumentError;
use dauso::tlog;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

const RESULTS: &str = "/api/v1/results";

#[tokio::test]
async fn a_result_is_issued_from_json_alone_and_read_again() {
    let app = TestApp::start().await;
    let data = badge();
    let before = app.log_size().await;
    let issued = app.issue(&data).await;
    let one = Issued::of(&issued);
    assert_eq!(issued["number"], "HD4826000001");
    let dossier = data["dossier_code"].as_str().unwrap();
    assert_eq!(issued["result_code"], format!("{dossier}-KQ1"));
    assert_eq!(issued["pdf"], Value::Null);
    assert_eq!(issued["url"], one.path(""));
    let head = format!("HTTPS://QR.VIDU.TEST/{}#", one.id);
    assert!(one.qr_text.starts_with(&head), "{}", one.qr_text);

    // One leaf more, and it is the one that the answer names.
    assert_eq!(app.log_size().await, before + 1);
    assert_eq!(issued["log"]["index"], before);
    let mut tx = app.installation.store().read().await.unwrap();
    let leaf = tx.leaves(before..before + 1).await.unwrap().remove(0);
    assert_eq!(leaf.leaf.kind, tlog::Kind::Issued.name());
    assert_eq!(issued["log"]["leaf"], leaf.leaf.hash.hex());

    let read = app.get(&one.path("")).by(Registrar).send().await.ok();
    assert_eq!(read["status"], "valid");
    assert_eq!(read["type"], "vehicle-badge");
    assert_eq!(read["agency_code"], OURS);
    assert_eq!(read["issued_at"], "2026-11-21T09:42:00+07:00");
    assert_eq!(read["qr_text"], one.qr_text);
    assert_eq!(read["history"], json!([]));
    assert_eq!(read["data"]["badge_number"], "HD4826000001");
    // Who issues is known by the code of the agency.
    for (name, value) in data.iter().filter(|(name, _)| *name != "issuing_agency") {
        assert_eq!(&read["data"][name], value, "{name}");
    }
}

#[tokio::test]
async fn numbers_are_counted_by_agency_type_and_year() {
    let app = TestApp::start().await;
    for expected in ["HD4826000001", "HD4826000002"] {
        assert_eq!(app.issue(&badge()).await["number"], expected);
    }
    let mut last_year = badge();
    last_year.insert("issue_date".into(), "2025-12-30".into());
    assert_eq!(app.issue(&last_year).await["number"], "HD4825000001");
    let mut taxi = badge();
    taxi.insert("badge_type".into(), "XE TAXI".into());
    assert_eq!(app.issue(&taxi).await["number"], "TX4826000003");
    let mut certificate = sample("practising-certificate--empty-signature-field");
    certificate.remove("certificate_no");
    renew(&mut certificate);
    assert_eq!(app.issue(&certificate).await["number"], "VID-00000001");
    // A number that came with its data is kept, and the counter passes over it.
    let mut given = badge();
    given.insert("badge_number".into(), "HD4826000004".into());
    assert_eq!(app.issue(&given).await["number"], "HD4826000004");
    assert_eq!(app.issue(&badge()).await["number"], "HD4826000005");
}

#[tokio::test]
async fn a_printed_result_comes_back_stamped_and_signed() {
    let app = TestApp::start().await;
    for (name, agency) in [
        ("vehicle-badge--a4-tagged", OURS),
        ("promotion-notice--ghostscript", THEIRS),
    ] {
        let data = sample(name);
        let pdf = printed(name);
        let body = serde_json::to_vec(&data).unwrap();
        let parts = [("data", None, &body[..]), ("pdf", Some("a.pdf"), &pdf[..])];
        let call = app.post(RESULTS).by_at(agency, Registrar).form(&parts);
        let answer = call.send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let issued = Issued::of(&answer.json());
        assert_eq!(answer.json()["pdf"], issued.path("/pdf"));
        let call = app.get(&issued.path("/pdf")).by_at(agency, Registrar);
        let file = call.send().await;
        assert_eq!(file.kind(), "application/pdf");
        let named = data["result_code"].as_str().unwrap();
        assert_eq!(
            file.header("content-disposition"),
            format!("attachment; filename=\"{named}.pdf\"")
        );
        assert_eq!(file.header("cache-control"), "private, no-store");
        assert!(
            file.body.starts_with(&pdf),
            "{name}: bytes of the agency's file have changed"
        );
        // The very file that the register keeps under its digest.
        let id = issued.id.parse_id();
        let mut tx = app.installation.store().read().await.unwrap();
        let digest = tx
            .result(&id)
            .await
            .unwrap()
            .unwrap()
            .issued
            .document
            .unwrap();
        let kept = app.installation.documents().get(digest).await.unwrap();
        assert_eq!(kept.as_deref(), Some(&file.body[..]));
    }
}

#[tokio::test]
async fn a_large_pdf_comes_back_whole_and_never_changed() {
    let app = TestApp::start().await;
    let path = app.path().join("scans.pdf");
    scans(&path, 3);
    let pdf = std::fs::read(&path).unwrap();
    let body = serde_json::to_vec(&badge()).unwrap();
    let parts = [("data", None, &body[..]), ("pdf", Some("a.pdf"), &pdf[..])];
    let call = app.post(RESULTS).by(Registrar).form(&parts);
    let issued = Issued::of(&call.send().await.json());
    let file = app.get(&issued.path("/pdf")).by(Registrar).send().await;
    assert_eq!(file.status, 200);
    assert_eq!(file.header("content-length"), file.body.len().to_string());
    assert!(file.body.starts_with(&pdf));
    let name = Sha256::of(&file.body);
    let documents = app.installation.documents();
    assert!(documents.is_whole(name).await.unwrap());

    let shelf = app.path().join("documents").join(&name.hex()[..2]);
    let mut changed = file.body.clone();
    changed[pdf.len() / 2] ^= 1;
    std::fs::write(shelf.join(name.hex()), changed).unwrap();
    let refused = documents.open(name).await;
    assert!(matches!(refused, Err(DocumentError::Changed(changed)) if changed == name));
}

#[tokio::test]
async fn the_symbol_is_read_by_another_reader() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let png = app.get(&issued.path("/qr.png")).by(Registrar).send().await;
    assert_eq!(png.kind(), "image/png");
    let file = app.path().join("qr.png");
    std::fs::write(&file, &png.body).unwrap();
    let read = python("qr_read.py", &[file.to_str().unwrap()]);
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read[0]["text"], issued.qr_text);
    assert_eq!(read[0]["level"], "M");

    let svg = app.get(&issued.path("/qr.svg")).by(Registrar).send().await;
    assert_eq!(svg.kind(), "image/svg+xml");
    let (vector, drawn) = (app.path().join("qr.svg"), app.path().join("svg.png"));
    std::fs::write(&vector, &svg.body).unwrap();
    draw(&vector, &drawn);
    let read = python("qr_read.py", &[drawn.to_str().unwrap()]);
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read[0]["text"], issued.qr_text);
}

/// Chromium draws an SVG.
fn draw(svg: &std::path::Path, png: &std::path::Path) {
    let output = crate::judges::run(
        "chromium",
        &[
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=800,800",
            &format!(
                "--user-data-dir={}",
                svg.with_extension("profile").display()
            ),
            &format!("--screenshot={}", png.display()),
            &format!("file://{}", svg.display()),
        ],
    );
    assert!(png.exists(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_byte_for_byte() {
    let app = TestApp::start().await;
    let data = badge();
    let send = |key: &str, data: &serde_json::Map<String, Value>| {
        let call = app.post(RESULTS).by(Registrar).json(data);
        call.header("idempotency-key", key).send()
    };
    let first = send("don-1", &data).await;
    assert_eq!(first.status, 201);
    let size = app.log_size().await;
    app.clock.forward(3_600);
    let again = send("don-1", &data).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!(app.log_size().await, size, "something was issued again");

    // Another request under the same key, and the same request under another key.
    let mut other = data.clone();
    other.insert("seats".into(), 45.into());
    let refused = send("don-1", &other).await.problem();
    assert_eq!(refused, problem(422, "request/idempotency-key-reused"));
    let refused = send("don-2", &data).await.problem();
    assert_eq!(refused, problem(409, "issue/duplicate-result-code"));
    for key in ["", "có dấu", &"k".repeat(65)] {
        let call = app.post(RESULTS).by(Registrar).json(&badge());
        let call = call.header("idempotency-key", key);
        let refused = call.send().await.problem();
        assert_eq!(refused, problem(400, "request/idempotency-key"), "{key:?}");
    }
}

#[tokio::test]
async fn a_key_of_one_account_does_not_answer_another() {
    let app = TestApp::start().await;
    let data = badge();
    let call = app.post(RESULTS).by(Registrar).json(&data);
    let first = call.header("idempotency-key", "don-1").send().await;
    assert_eq!(first.status, 201);
    let call = app.post(RESULTS).by_at(THEIRS, Registrar).json(&data);
    let other = call.header("idempotency-key", "don-1").send().await;
    assert_eq!(other.problem(), problem(403, "auth/forbidden"));
}

#[tokio::test]
async fn the_same_request_sent_many_times_at_once_issues_one_result() {
    let app = TestApp::start().await;
    let data = badge();
    let size = app.log_size().await;
    let calls = (0..8).map(|_| {
        let call = app.post(RESULTS).by(Registrar).json(&data);
        call.header("idempotency-key", "don-1").send()
    });
    let answers = all(calls).await;
    for answer in &answers {
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(app.log_size().await, size + 1);
}

#[tokio::test]
async fn numbers_and_result_codes_are_given_once() {
    let app = TestApp::start().await;
    let first = sample("vehicle-badge--a4-tagged");
    app.issue(&first).await;
    let refused =
        |data: &serde_json::Map<String, Value>| app.post(RESULTS).by(Registrar).json(data).send();
    let mut same_number = first.clone();
    renew(&mut same_number);
    let answer = refused(&same_number).await;
    assert_eq!(answer.problem(), problem(409, "issue/duplicate-number"));
    let mut same_code = first.clone();
    same_code.insert("badge_number".into(), "HD4826900099".into());
    let answer = refused(&same_code).await;
    assert_eq!(
        answer.problem(),
        problem(409, "issue/duplicate-result-code")
    );
    assert_eq!(app.issue(&badge()).await["number"], "HD4826000001");
}

#[tokio::test]
async fn what_is_wrong_with_the_data_is_named_field_by_field() {
    let app = TestApp::start().await;
    let mut data = badge();
    data.remove("operator_name");
    data.insert("colour".into(), "đỏ".into());
    data.insert("plate".into(), "xe của Mẫu".into());
    data.insert("seats".into(), "hai mươi chín".into());
    data.insert("valid_to".into(), "2026-08-31".into());
    let answer = app.post(RESULTS).by(Registrar).json(&data).send().await;
    assert_eq!(answer.problem(), problem(422, "issue/data"));
    let mut fields = answer.fields();
    fields.sort();
    let expected = [
        ("colour", "field/unknown"),
        ("operator_name", "field/missing"),
        ("plate", "field/not-a-plate"),
        ("seats", "field/not-a-count"),
        ("valid_to", "field/ends-before-it-begins"),
    ];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(fields, expected);
    // What was sent is not said again.
    assert!(!answer.text().contains("của Mẫu"), "{}", answer.text());
}

#[tokio::test]
async fn what_cannot_be_issued_at_all_has_its_own_code() {
    let app = TestApp::start().await;
    let refused = async |name: &str, value: Value| {
        let mut data = badge();
        data.insert(name.to_owned(), value);
        let answer = app.post(RESULTS).by(Registrar).json(&data).send().await;
        answer.problem()
    };
    let unknown = refused("type", "giay-khai-sinh".into()).await;
    assert_eq!(unknown, problem(422, "issue/unknown-type"));
    let unknown = refused("type", json!(7)).await;
    assert_eq!(unknown, problem(422, "issue/unknown-type"));
    let other = refused("agency_code", THEIRS.into()).await;
    assert_eq!(other, problem(403, "auth/forbidden"));
    // Whether an agency exists is not told to somebody who may not issue for it.
    let other = refused("agency_code", "000.00.99.H99".into()).await;
    assert_eq!(other, problem(403, "auth/forbidden"));
    let direction = refused("operator_name", "Công ty \u{202e}ữD íV".into()).await;
    assert_eq!(direction, problem(422, "issue/data"));
}

#[tokio::test]
async fn a_request_that_is_no_request_has_its_own_code() {
    let app = TestApp::start().await;
    let call = || app.post(RESULTS).by(Registrar);
    let cases = [
        (
            call().body("application/json", "{"),
            400,
            "request/not-json",
        ),
        (call().body("application/json", "[1]"), 422, "request/shape"),
        (call().body("application/json", ""), 400, "request/not-json"),
        (call().body("text/plain", "{}"), 415, "request/media-type"),
        (
            call().body("application/json", b"\xff\xfe"),
            400,
            "request/not-json",
        ),
        (
            call().body("multipart/form-data", ""),
            400,
            "request/multipart",
        ),
        (
            call().body("multipart/form-data; boundary=x", "x"),
            400,
            "request/multipart",
        ),
        (
            call().form(&[("pdf", Some("a.pdf"), b"%PDF-")]),
            422,
            "request/shape",
        ),
        (
            call().form(&[("data", None, b"{")]),
            400,
            "request/not-json",
        ),
        (
            call().form(&[("data", None, b"{}"), ("data", None, b"{}")]),
            400,
            "request/multipart",
        ),
        (
            call().form(&[("data", None, b"{}"), ("pdf", Some("a"), b"GIF89a")]),
            422,
            "issue/unknown-type",
        ),
    ];
    for (at, (call, status, code)) in cases.into_iter().enumerate() {
        assert_eq!(
            call.send().await.problem(),
            problem(status, code),
            "case {at}"
        );
    }
    let body = serde_json::to_vec(&badge()).unwrap();
    for (pdf, code) in [
        (
            std::fs::read(root("fixtures/bad/not-a-pdf.pdf")).unwrap(),
            "pdf/not-a-pdf",
        ),
        (
            std::fs::read(root("fixtures/bad/empty.pdf")).unwrap(),
            "pdf/empty",
        ),
        (
            printed("transport-business-licence--encrypted-with-password"),
            "pdf/encrypted",
        ),
    ] {
        let parts = [("data", None, &body[..]), ("pdf", Some("a.pdf"), &pdf[..])];
        let answer = call().form(&parts).send().await;
        assert_eq!(answer.problem(), problem(422, code));
    }
    assert_eq!(app.log_size().await, 1, "something was issued");
}

#[tokio::test]
async fn a_body_beyond_its_limit_is_refused() {
    let app = TestApp::start().await;
    let long = vec![b' '; dauso::limits::PDF_FILE + dauso::limits::JSON_BODY + 1];
    let call = app
        .post(RESULTS)
        .by(Registrar)
        .body("application/json", long);
    assert_eq!(
        call.send().await.problem(),
        problem(413, "request/too-large")
    );
}

#[tokio::test]
async fn decomposed_text_is_stored_and_signed_composed() {
    let app = TestApp::start().await;
    let mut data = badge();
    let composed = "Hợp tác xã Vận tải Ưỡng Ậ Ễ";
    let decomposed: String = composed.nfd().collect();
    assert_ne!(decomposed, composed);
    data.insert("operator_name".into(), decomposed.into());
    let issued = Issued::of(&app.issue(&data).await);
    let read = app.get(&issued.path("")).by(Registrar).send().await.ok();
    assert_eq!(read["data"]["operator_name"], composed);
    let call = app.post("/api/v1/verifications");
    let answer = call
        .json(&json!({"code": issued.qr_text}))
        .send()
        .await
        .ok();
    assert_eq!(answer["verdict"], "valid");
    assert_eq!(shown(&answer, "operator_name"), Some(composed));
}

#[tokio::test]
async fn what_is_too_large_for_the_symbol_is_refused_with_the_sizes_of_its_fields() {
    let app = TestApp::start().await;
    let mut data = sample("restricted-road-permit--classic-xref-1.4");
    data.remove("permit_no");
    renew(&mut data);
    let window = |hour: u32| {
        let (from, to) = (format!("{hour:02}:15"), format!("{hour:02}:45"));
        json!({"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": from, "to": to})
    };
    data.insert(
        "time_windows".into(),
        (0..64).map(|at| window(at % 24)).collect(),
    );
    let answer = app.post(RESULTS).by(Registrar).json(&data).send().await;
    assert_eq!(answer.problem(), problem(422, "issue/too-large-for-qr"));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    let sizes = detail.split_once("bytes by field: ").unwrap().1;
    let mut named = sizes.split(", ").map(|one| one.split_once(' ').unwrap());
    let (largest, bytes) = named.next().unwrap();
    assert_eq!(largest, "time_windows", "{detail}");
    assert!(bytes.parse::<usize>().unwrap() > 400, "{detail}");
    assert!(named.any(|(name, _)| name == "plates"), "{detail}");
    assert_eq!(app.log_size().await, 1, "something was issued");
}

#[tokio::test]
async fn a_ninth_type_needs_a_file_and_no_code() {
    let file = root("fixtures/catalogue/street-vending-permit.toml");
    let app = TestApp::start_with(Wanted {
        catalogue: Some(&file),
        ..Wanted::default()
    })
    .await;
    let data = json!({
        "type": "street-vending-permit",
        "procedure_code": "9.999009",
        "dossier_code": "000.00.16.H99-261120-0900",
        "agency_code": OURS,
        "vendor_name": "Lò Thị Thử Nghiệm",
        "pitch": "Ô 12, phố Mẫu",
        "goods": ["hoa tươi", "trái cây"],
        "hours": [{"days": ["sat", "sun"], "from": "05:00", "to": "11:30"}],
        "fee_vnd": 150_000,
        "valid_from": "2026-11-20",
        "valid_to": "2027-11-19",
    });
    let issued = app.issue(data.as_object().unwrap()).await;
    assert_eq!(issued["number"], "0001/2026/GP-SXD");
    let one = Issued::of(&issued);
    let call = app.post("/api/v1/verifications");
    let answer = call.json(&json!({"code": one.qr_text})).send().await.ok();
    assert_eq!(answer["verdict"], "valid", "{answer:#}");
    assert_eq!(answer["result"]["label"]["vi"], "Giấy phép bán hàng rong");
    assert_eq!(shown(&answer, "vendor_name"), Some("L. T. T. Nghiệm"));
    assert_eq!(shown(&answer, "fee_vnd"), None);
    let call = app.get(&one.path("")).by(Supervisor);
    assert_eq!(call.send().await.ok()["data"]["fee_vnd"], 150_000);
    // An inspector at noon: in force, and outside its hours.
    app.clock.set("2026-11-21T12:00:00+07:00");
    let call = app.post("/api/v1/verifications").by(Inspector);
    let answer = call.json(&json!({"code": one.qr_text})).send().await.ok();
    assert_eq!(answer["status"]["reason"], "hours/outside");
    assert_eq!(shown(&answer, "vendor_name"), Some("Lò Thị Thử Nghiệm"));
    assert_eq!(shown(&answer, "fee_vnd"), Some("150.000 đồng"));
    let page = app.get(&format!("/{}", one.id)).send().await;
    assert!(page.text().contains("Giấy phép bán hàng rong"));
}

/// The Vietnamese text of a field in an answer.
pub(super) fn shown<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    let fields = answer["result"]["fields"].as_array()?;
    let field = fields.iter().find(|field| field["name"] == name)?;
    field["value"]["vi"].as_str()
}

/// Runs futures side by side, in the order they come.
pub(super) async fn all<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = calls.into_iter().map(Box::pin).map(Some).collect();
    let mut answers: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (call, answer) in waiting.iter_mut().zip(&mut answers) {
            if let Some(running) = call
                && let std::task::Poll::Ready(output) = running.as_mut().poll(context)
            {
                *answer = Some(output);
                *call = None;
            }
        }
        if waiting.iter().all(Option::is_none) {
            std::task::Poll::Ready(answers.drain(..).flatten().collect())
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}

trait ParseId {
    fn parse_id(&self) -> dauso::id::ResultId;
}

impl ParseId for String {
    fn parse_id(&self) -> dauso::id::ResultId {
        dauso::id::ResultId::parse(self).unwrap()
    }
}
