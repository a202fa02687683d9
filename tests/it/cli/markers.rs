//! What must never stand in a log: the main way with marked values, everything logged at the finest level.

use crate::support::installation::{Installed, in_force};
use crate::support::running::Served;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// One request as anybody could write it.
fn ask(
    served: &Served,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, String) {
    let mut stream = TcpStream::connect(&served.address).unwrap();
    let wait = Some(Duration::from_secs(30));
    stream.set_read_timeout(wait).unwrap();
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "content-length: {}\r\n\r\n", body.len()).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    (status.unwrap(), body.unwrap_or_default())
}

#[test]
fn no_look_up_code_personal_data_or_token_of_the_main_way_stands_in_the_log() {
    let installed = Installed::new();
    let dir = installed.dir();
    let account = |role: &str| {
        let login = format!("dau-{role}-kytu");
        let arguments = [
            "--login",
            &login,
            "--name",
            "Trần Thị Đánh Dấu",
            "--role",
            role,
            "--agency",
            "000.00.16.H99",
        ];
        let added = installed.run(&["account", "add"], &arguments).ended(0);
        added.stdout.trim().to_owned()
    };
    let (registrar, inspector) = (account("registrar"), account("inspector"));
    let supervisor = account("supervisor");
    let served = Served::start(&dir, "log = \"trace\"");
    let bearer = |key: &str| format!("Bearer {key}");
    let json_kind = ("content-type", "application/json");

    let mut data = in_force("vehicle-badge--a4-tagged");
    data.remove("badge_number");
    let issue = Value::Object(data.clone()).to_string();
    let headers = [
        json_kind,
        ("authorization", &bearer(&registrar)),
        ("idempotency-key", "KHOA-DANH-DAU-1"),
        ("x-request-id", "MA-YEU-CAU-DANH-DAU"),
        ("user-agent", "TRINH-DUYET-DANH-DAU"),
    ];
    let (status, issued) = ask(
        &served,
        "POST",
        "/api/v1/results",
        &headers,
        issue.as_bytes(),
    );
    assert_eq!(status, 201, "{issued}");
    let issued: Value = serde_json::from_str(&issued).unwrap();
    let text = |name: &str| issued[name].as_str().unwrap().to_owned();
    let (id, qr_text) = (text("id"), text("qr_text"));
    let path = format!("/api/v1/results/{id}");

    let none: &[(&str, &str)] = &[];
    let grouped = [&id[..4], &id[4..8], &id[8..12], &id[12..]].join("-");
    let expect = |seen: (u16, String), status: u16| {
        assert_eq!(seen.0, status, "{}", seen.1);
        seen.1
    };
    let get = |target: &str, headers: &[(&str, &str)]| ask(&served, "GET", target, headers, b"");
    let post = |target: &str, headers: &[(&str, &str)], body: &Value| {
        ask(
            &served,
            "POST",
            target,
            headers,
            body.to_string().as_bytes(),
        )
    };
    expect(get(&format!("/{id}"), none), 200);
    expect(get(&format!("/{grouped}?lang=en"), none), 303);
    expect(get(&format!("/?ma={grouped}"), none), 303);
    expect(get("/?ma=CHU-GO-NHAM-DANH-DAU", none), 200);
    expect(get(&format!("/{id}/DUONG-DAN-DANH-DAU"), none), 404);
    expect(get(&path, &[("authorization", &bearer(&registrar))]), 200);
    expect(
        get(&path, &[("authorization", "Bearer KHOA-SAI-DANH-DAU")]),
        401,
    );
    expect(ask(&served, &format!("X{id}"), "/", none, b""), 405);
    let code = json!({"code": qr_text});
    expect(post("/api/v1/verifications", &[json_kind], &code), 200);
    let bent = json!({"code": format!("{qr_text}1")});
    expect(post("/api/v1/verifications", &[json_kind], &bent), 200);
    let broken = format!("{{\"code\": \"{id}\", KHONG-PHAI-JSON-DANH-DAU");
    let seen = ask(
        &served,
        "POST",
        "/api/v1/verifications",
        &[json_kind],
        broken.as_bytes(),
    );
    expect(seen, 400);
    let check = json!({
        "id": "019342f0-0000-7000-8000-0000000000cd",
        "scanned": qr_text,
        "device_time": "2026-11-21T09:42:00+07:00",
        "match": "does_not_fit",
        "finding": "plate_differs",
        "note": "GHI-CHU-DANH-DAU của người kiểm tra",
        "place": {"lat": 16.067_891, "lon": 108.212_345, "accuracy_m": 7},
    });
    let headers = [json_kind, ("authorization", &bearer(&inspector))];
    expect(post("/api/v1/checks", &headers, &check), 200);
    let listed = get("/api/v1/checks", &[("authorization", &bearer(&supervisor))]);
    let listed = expect(listed, 200);
    assert!(
        listed.contains("019342f0-0000-7000-8000-0000000000cd"),
        "{listed}"
    );
    let login = json!({"login": "dau-registrar-kytu", "password": "MAT-KHAU-DANH-DAU"});
    expect(post("/api/v1/tokens", &[json_kind], &login), 401);
    let boundary = ("content-type", "multipart/form-data; boundary=b");
    let form = "--b\r\ncontent-disposition: form-data; name=\"tep\"; \
                filename=\"TEN-TEP-DANH-DAU.pdf\"\r\n\r\n%PDF-1.7 NOI-DUNG-DANH-DAU\r\n--b--\r\n";
    expect(ask(&served, "POST", "/", &[boundary], form.as_bytes()), 422);
    let grounds = json!({
        "reason": "LY-DO-DANH-DAU",
        "decision": "QUYET-DINH-DANH-DAU",
        "authority": "CO-QUAN-DANH-DAU",
    });
    let headers = [json_kind, ("authorization", &bearer(&registrar))];
    expect(post(&format!("{path}/revocation"), &headers, &grounds), 200);
    expect(get(&format!("/{id}"), none), 200);

    // Refused by the very first layer: these never reach a route.
    let mut stream = TcpStream::connect(&served.address).unwrap();
    stream
        .write_all(format!("{id} {id}\r\n\r\n").as_bytes())
        .unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    let log = served.stop();
    assert!(
        log.contains("SELECT") && log.contains("\"level\":\"DEBUG\""),
        "the finest level"
    );
    let answered = log.lines().filter(|line| line.contains("\"answered\""));
    assert_eq!(answered.count(), 18, "{log}");

    let mut markers: Vec<String> = vec![
        id.clone(),
        grouped,
        qr_text.split_once('#').unwrap().1.to_owned(),
        registrar,
        inspector,
        supervisor,
        "DANH-DAU".to_owned(),
        "Đánh Dấu".to_owned(),
        "kytu".to_owned(),
        "16.067".to_owned(),
        "108.212".to_owned(),
    ];
    for (name, value) in &data {
        let own = ["type", "agency_code", "badge_type"].contains(&name.as_str());
        if let Some(value) = value.as_str().filter(|value| value.len() > 7 && !own) {
            markers.push(value.to_owned());
        }
    }
    markers.retain(|marker| !is_date(marker));
    assert!(markers.len() > 14, "{markers:?}");
    for marker in markers {
        if let Some(line) = log.lines().find(|line| line.contains(&marker)) {
            panic!("{marker} stands in {line}");
        }
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.split('-').count() == 3
}
