//! The public pages, as a browser gets them.

use crate::support::app::{Answer, Issued, TestApp, renew, sample};
use dauso::access::Role::Registrar;
use dauso::http::pages::csp;
use dauso::limits;
use dauso::qr::{Symbol, render};
use flate2::read::GzDecoder;
use std::io::Read as _;

/// What one response may weigh, compressed (look and words §7).
const BUDGET: usize = 14 * 1024;

const UNKNOWN: &str = "7K3M9QX2TB4C5D6E";

/// What holds for every page.
fn page(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.kind(), "text/html");
    assert_eq!(answer.header("content-security-policy"), csp());
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("vary").to_lowercase().contains("accept"));
    answer.text()
}

#[tokio::test]
async fn the_landing_page_speaks_both_languages() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let vi = page(&app.get(&format!("/{}", issued.id)).send().await, 200);
    assert!(vi.contains("<html lang=\"vi\">"));
    for word in [
        "Sở Xây dựng Mẫu",
        "Phù hiệu xe",
        "43B-000.00",
        "0000 000 000",
        "Hệ thống kết quả điện tử",
    ] {
        assert!(vi.contains(word), "{word}");
    }
    let en = page(
        &app.get(&format!("/{}?lang=en", issued.id)).send().await,
        200,
    );
    assert!(en.contains("<html lang=\"en\">"));
    assert!(en.contains("Vehicle badge") && en.contains("43B-000.00"));
    let strange = page(
        &app.get(&format!("/{}?lang=fr", issued.id)).send().await,
        200,
    );
    assert!(strange.contains("<html lang=\"vi\">"));
}

#[tokio::test]
async fn the_landing_page_is_one_small_response() {
    let app = TestApp::start().await;
    for name in [
        "vehicle-badge--a4-tagged",
        "restricted-road-permit--classic-xref-1.4",
        "oversize-permit--appendix-pages",
        "transport-business-licence--xref-stream",
        "practising-certificate--empty-signature-field",
    ] {
        let mut data = sample(name);
        renew(&mut data);
        let issued = Issued::of(&app.issue(&data).await);
        for path in [format!("/{}", issued.id), format!("/{}?lang=en", issued.id)] {
            let plain = app.get(&path).send().await;
            let small = app
                .get(&path)
                .header("accept-encoding", "gzip")
                .send_off_contract()
                .await;
            assert_eq!(small.header("content-encoding"), "gzip");
            assert!(
                small.body.len() <= BUDGET,
                "{path} {name}: {} bytes",
                small.body.len()
            );
            let mut text = String::new();
            GzDecoder::new(&small.body[..])
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, plain.text());
        }
    }
}

#[tokio::test]
async fn the_same_address_gives_the_report_to_programs() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let call = app.get(&format!("/{}", issued.id));
    let answer = call.header("accept", "application/json").send().await;
    assert_eq!(answer.kind(), "application/json");
    assert!(answer.header("vary").to_lowercase().contains("accept"));
    let report = answer.ok();
    assert_eq!(report["id"], issued.id);
    assert_eq!(report["signature"]["reason"], "skip/code-not-sent");
    assert_eq!(report["status"]["state"], "in_force");
    // The code itself was not seen, so nobody may call it valid.
    assert_eq!(report["verdict"], "undetermined");
}

#[tokio::test]
async fn names_are_masked_and_inspectors_fields_absent_for_the_public() {
    let app = TestApp::start().await;
    let mut data = sample("practising-certificate--empty-signature-field");
    renew(&mut data);
    let issued = Issued::of(&app.issue(&data).await);
    for accept in ["text/html", "application/json"] {
        let call = app.get(&format!("/{}", issued.id)).header("accept", accept);
        let text = call.send().await.text();
        assert!(text.contains("B. T. K. Mẫu"), "{accept}");
        for secret in ["Khánh", "000090000000", "01/01/1990", "260803-0601", "Kinh"] {
            assert!(!text.contains(secret), "{accept}: {secret}");
        }
    }
}

#[tokio::test]
async fn an_unknown_code_has_its_page_and_its_problem() {
    let app = TestApp::start().await;
    let text = page(&app.get(&format!("/{UNKNOWN}")).send().await, 404);
    assert!(text.contains("7K3M 9QX2 TB4C 5D6E"), "{text}");
    assert!(!text.contains("id=\"dauso\""), "there is nothing to check");
    let text = page(&app.get(&format!("/{UNKNOWN}?lang=en")).send().await, 404);
    assert!(text.contains("<html lang=\"en\">"));
    for code in [UNKNOWN, "7K3M9QX2TB4C5D6U", "favicon.ico", "KHÔNG"] {
        let call = app.get(&format!("/{}", code.replace('Ô', "%C3%94")));
        let answer = call.header("accept", "application/json").send().await;
        assert_eq!(answer.problem().1, "result/unknown", "{code}");
    }
    // No look-up code at all: not a page about a result.
    let text = page(&app.get("/robots.txt").send().await, 404);
    assert!(!text.contains("robots.txt"));
}

#[tokio::test]
async fn a_typed_code_leads_to_its_page() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let typed = issued.id.to_lowercase();
    let grouped = format!("{}-{}", &typed[..4], &typed[4..]);
    for (path, to) in [
        (format!("/{typed}"), format!("/{}", issued.id)),
        (format!("/{grouped}"), format!("/{}", issued.id)),
        (
            format!("/{typed}?lang=en"),
            format!("/{}?lang=en", issued.id),
        ),
        (format!("/?ma={grouped}"), format!("/{}", issued.id)),
        (
            format!("/?ma=+{typed}+&lang=en"),
            format!("/{}?lang=en", issued.id),
        ),
    ] {
        let answer = app.get(&path).send().await;
        assert_eq!(answer.status, 303, "{path}");
        assert_eq!(answer.header("location"), to, "{path}");
    }
    let text = page(&app.get("/?ma=%3Cscript%3E7K3M").send().await, 200);
    assert!(text.contains("role=\"alert\""));
    assert!(
        text.contains("&lt;script&gt;7K3M") || text.contains("&#60;script&#62;7K3M"),
        "{text}"
    );
    assert!(!text.contains("<script>7K3M"));
}

#[tokio::test]
async fn the_home_page_takes_a_code_and_a_file() {
    let app = TestApp::start().await;
    let vi = page(&app.get("/").send().await, 200);
    assert!(vi.contains("name=\"ma\"") && vi.contains("name=\"tep\""));
    let en = page(&app.get("/?lang=en").send().await, 200);
    assert!(en.contains("<html lang=\"en\">"));
}

async fn upload(app: &TestApp, file: &[u8]) -> Answer {
    app.post("/")
        .form(&[("tep", Some("tep.bin"), file)])
        .send()
        .await
}

#[tokio::test]
async fn an_uploaded_document_or_picture_is_answered_by_a_page() {
    let app = TestApp::start().await;
    let issued = app.printed_badge().await;
    let signed = app
        .get(&issued.path("/pdf"))
        .by(Registrar)
        .send()
        .await
        .body;
    let text = page(&upload(&app, &signed).await, 200);
    assert!(
        text.contains("43B-000.00") && text.contains("t-ok"),
        "{text}"
    );
    assert!(text.contains(&format!("href=\"/{}\"", issued.id)));

    let png = render::png(&Symbol::for_issue(&issued.qr_text).unwrap(), 4);
    let text = page(&upload(&app, &png).await, 200);
    assert!(text.contains("43B-000.00"));
    let foreign = render::png(&Symbol::encode("HTTPS://EXAMPLE.COM/").unwrap(), 4);
    let text = page(&upload(&app, &foreign).await, 200);
    assert!(!text.contains("43B-000.00"));

    // The language that the English form sends along is kept.
    let parts = [("lang", None, &b"en"[..]), ("tep", Some("a.png"), &png[..])];
    let text = page(&app.post("/?lang=en").form(&parts).send().await, 200);
    assert!(text.contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn an_upload_that_cannot_be_read_is_answered_by_a_page_too() {
    let app = TestApp::start().await;
    for garbage in [
        &b"GIF89a"[..],
        b"%PDF-1.7\n%%EOF",
        b"\x89PNG\r\n",
        b"\xff\xd8\xff",
    ] {
        page(&upload(&app, garbage).await, 422);
    }
    let text = page(&upload(&app, b"").await, 422);
    assert!(text.contains("role=\"alert\""));
    let text = page(
        &app.post("/").form(&[("other", None, b"x")]).send().await,
        422,
    );
    assert!(text.contains("role=\"alert\""));
    let no_form = app.post("/").body("text/plain", "x").send().await;
    page(&no_form, 400);
    let large = vec![b'%'; limits::PDF_FILE + limits::JSON_BODY + 1];
    let text = page(&upload(&app, &large).await, 413);
    assert!(text.contains("64 MB"), "{text}");
}

#[tokio::test]
async fn the_documentation_is_served_from_the_program() {
    let app = TestApp::start().await;
    let contract = app.get("/openapi.yaml").send().await;
    assert_eq!(
        contract.text(),
        std::fs::read_to_string(crate::judges::root("openapi.yaml")).unwrap()
    );
    let docs = app.get("/docs").send_off_contract().await;
    assert_eq!(docs.header("location"), "/docs/");
    let page = app.get("/docs/").send_off_contract().await;
    assert_eq!((page.status.as_u16(), page.kind()), (200, "text/html"));
    assert_eq!(
        page.header("content-security-policy"),
        dauso::http::docs::CSP
    );
}
