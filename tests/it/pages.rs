//! The public pages: rendered in every variant, measured, and driven in Chromium.

#![expect(
    clippy::unwrap_used,
    reason = "samples and files of a test: without them it fails"
)]

mod samples;

use crate::judges::root;
use dauso::catalogue::Language;
use dauso::http::docs;
use dauso::http::pages::{Shown, csp};
use dauso::report::{CheckKind, Outcome, Reason, Report, State};
use flate2::Compression;
use flate2::write::GzEncoder;
use samples::{all_pages, checked_forged, fragments, hostile_landing, landing, visit};
use std::fs;
use std::io::Write as _;
use std::process::Command;

/// What one response may weigh, compressed (look and words §7).
const BUDGET: usize = 14 * 1024;

#[test]
fn every_page_with_its_script_fits_into_the_first_round_trip() {
    for (name, page) in all_pages() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::new(6));
        gzip.write_all(page.as_bytes()).unwrap();
        let size = gzip.finish().unwrap().len();
        assert!(size <= BUDGET, "{name}: {size} bytes");
    }
}

#[test]
fn a_page_needs_nothing_but_itself() {
    // The hostile page has such words too, as text.
    for (name, page) in all_pages()
        .into_iter()
        .filter(|(name, _)| !name.contains("hostile"))
    {
        for word in [
            " src=",
            "@import",
            "url(",
            " style=",
            " onload=",
            " onclick=",
            " action=\"http",
        ] {
            assert!(!page.contains(word), "{name}: {word}");
        }
        assert_eq!(page.matches("<link").count(), 1, "{name}");
        assert!(
            page.contains("<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg"),
            "{name}"
        );
        assert_eq!(page.matches("<style>").count(), 1, "{name}");
    }
}

#[test]
fn hostile_text_is_shown_as_text_and_cannot_turn_the_line_around() {
    let page = hostile_landing().render(visit(Language::Vi));
    let (before_script, _) = page.split_once("<template").unwrap();
    assert!(!before_script.contains("<script"));
    assert!(before_script.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    assert!(!page.contains("</script><img"));
    for bidi in [
        '\u{202e}', '\u{202d}', '\u{2066}', '\u{2069}', '\u{200f}', '\u{0}', '\u{1b}',
    ] {
        assert!(!page.contains(bidi), "{bidi:?}");
    }
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
}

#[test]
fn every_page_says_its_language_and_marks_the_words_of_the_other() {
    for (name, page) in all_pages() {
        let lang = if name.ends_with("-en") { "en" } else { "vi" };
        assert!(page.contains(&format!("<html lang=\"{lang}\">")), "{name}");
        let rows = page.matches("<li class=\"answer").count();
        let other = if lang == "en" { "vi" } else { "en" };
        let lines = page
            .matches(&format!("<p class=\"line\" lang=\"{other}\">"))
            .count();
        let home = usize::from(name.starts_with("home"));
        assert_eq!(lines, rows + home, "{name}");
    }
}

#[test]
fn the_english_page_marks_what_exists_in_vietnamese_only() {
    let page = landing(State::InForce, Language::En).render(visit(Language::En));
    assert!(page.contains("<dd lang=\"vi\">Hợp tác xã Vận tải Mẫu Số Một</dd>"));
    assert!(page.contains("<dd class=\"num\">16 seats</dd>"));
    assert!(page.contains("<h1>Contract vehicle badge</h1>"));
}

#[test]
fn a_cancelled_result_shows_neither_its_content_nor_the_reason() {
    let page = landing(State::Cancelled, Language::Vi).render(visit(Language::Vi));
    assert!(page.contains("Đã hủy hiệu lực"));
    assert!(page.contains("7K3M 9QX2 TB4C 5D6E"));
    for detail in ["43C-000.00", "Hợp tác xã", "đơn vị trả lại phù hiệu"] {
        assert!(!page.contains(detail), "{detail}");
    }
}

#[test]
fn a_revoked_result_says_since_when_by_whom_and_why() {
    let page = landing(State::Revoked, Language::Vi).render(visit(Language::Vi));
    for sentence in [
        "Từ ngày 10/11/2026, theo Quyết định số 0213/QĐ-SXD của Sở Xây dựng Mẫu.",
        "Lý do: đơn vị trả lại phù hiệu không đúng hạn.",
        "Theo sổ đăng ký lúc 09:42, 21/11/2026.",
        "Status: revoked on 10 November 2026.",
    ] {
        assert!(page.contains(sentence), "{sentence}");
    }
}

#[test]
fn claims_that_nobody_vouches_for_stand_only_in_the_frame_that_says_so() {
    let page = checked_forged(Language::Vi).render(visit(Language::Vi));
    let (before, framed) = page.split_once("<section class=\"claimed\">").unwrap();
    let (framed, after) = framed.split_once("</section>").unwrap();
    assert!(framed.starts_with("<h2>Nội dung mã tự khai, không ai xác nhận</h2>"));
    for claim in ["HD4826900001", "Hợp tác xã Vận tải Mẫu Số Một"] {
        assert!(framed.contains(claim));
        assert!(!before.contains(claim) && !after.contains(claim), "{claim}");
    }
    for signed in ["43C-000.00", "Phù hiệu xe hợp đồng", "Sở Xây dựng Mẫu"] {
        assert!(!page.contains(signed), "{signed}");
    }
}

#[test]
fn a_code_that_nobody_can_read_is_told_apart_from_one_that_is_too_new() {
    let page = |reason, outcome: fn(Reason) -> Outcome| {
        let mut checked = checked_forged(Language::Vi);
        checked.report = Report::new();
        checked.report.record(CheckKind::Code, outcome(reason));
        checked.render(visit(Language::Vi))
    };
    let answer_1 = |page: String| {
        let (_, rest) = page.split_once("<li class=\"answer t-").unwrap();
        let (tone, rest) = rest.split_once('"').unwrap();
        let (_, rest) = rest.split_once("<p class=\"a\">").unwrap();
        format!("{tone}: {}", rest.split_once('<').unwrap().0)
    };
    let cases = [
        (
            page(Reason::CodeTailLength, Outcome::Fail),
            "stop: Không đọc được mã",
        ),
        (
            page(Reason::CodeForeign, Outcome::Undetermined),
            "open: Không đọc được mã",
        ),
        (
            page(Reason::CodeUnknownVersion, Outcome::Undetermined),
            "open: Chưa kết luận được",
        ),
        (
            page(Reason::IssuerUnknown, Outcome::Undetermined),
            "open: Chưa kết luận được",
        ),
        (
            page(Reason::SignatureInvalid, Outcome::Fail),
            "stop: Không hợp lệ",
        ),
    ];
    for (page, said) in cases {
        assert_eq!(answer_1(page), said);
    }
}

#[test]
fn a_text_of_nothing_but_deceiving_characters_leaves_no_line() {
    assert!(Shown::new("\u{202e}\u{200b} \u{fe0f}").is_empty());
}

#[test]
fn the_pages_stand_in_chromium_without_a_finding() {
    write_pages();
    node("tests/browser/pages.test.mjs", &[]);
}

#[test]
fn the_script_of_the_landing_page_agrees_with_the_vectors() {
    node("web/test/verify.test.mjs", &[]);
}

#[test]
fn the_description_of_the_api_shows_in_chromium_and_asks_nobody_else() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let description = "openapi: 3.1.0\ninfo: {title: Tiny, version: '1'}\npaths:\n  /healthz:\n    get:\n      responses: {'200': {description: It lives}}\n";
    let service = docs::router().route(
        "/openapi.yaml",
        axum::routing::get(move || async move { description }),
    );
    let server = runtime.spawn(async move { axum::serve(listener, service).await });
    node("tests/browser/docs.test.mjs", &[("DAUSO_URL", &address)]);
    server.abort();
}

/// Runs a file of Node tests; panics with its words if one fails.
fn node(script: &str, environment: &[(&str, &str)]) {
    let modules = root("tests/browser/node_modules");
    assert!(
        modules.is_dir(),
        "`npm ci` in tests/browser is missing; `make deps` does it"
    );
    let told = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .arg(root(script))
        .envs(environment.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("node does not start ({error}); `make deps` installs it"));
    assert!(
        told.status.success(),
        "{script}\n{}\n{}",
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr)
    );
}

/// Leaves every page in `target/pages/`, with the policy it is served under.
fn write_pages() {
    let out = root("target/pages");
    fs::create_dir_all(&out).unwrap();
    for (name, page) in all_pages() {
        fs::write(out.join(format!("{name}.html")), page).unwrap();
    }
    fs::write(out.join("csp.txt"), csp()).unwrap();
    let fragments: Vec<_> = fragments()
        .into_iter()
        .map(|(says, digits)| serde_json::json!({ "says": says, "digits": digits }))
        .collect();
    let fragments = serde_json::Value::from(fragments).to_string();
    fs::write(out.join("fragments.json"), fragments).unwrap();
}
