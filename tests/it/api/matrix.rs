//! Role × operation × agency: generated from the contract, expected from the table in `src/access`.
//!
//! Every operation of `openapi.yaml` must have a line in [`rule`]; a new one fails here until somebody says
//! who may call it. What is asked for belongs to our agency; callers are nobody and every role of ours and of
//! another agency.

use super::four_eyes;
use crate::support::app::{Answer, Call, Issued, OURS, THEIRS, TestApp, badge, problem};
use crate::support::contract::contract;
use axum::http::Method;
use dauso::access::{Permission, Role};
use serde_json::{Value, json};

/// Who may call an operation.
enum Rule {
    /// With and without an account.
    Anybody,
    /// Whose role has the permission.
    Role(Permission),
    /// Whose role has one of the permissions.
    OneOf([Permission; 2]),
    /// Whose role has the permission, for things of his own agency.
    Own(Permission),
    /// Who may confirm changes at his own agency and did not ask for this one.
    SecondPerson,
}

/// Who asked for the changes that wait.
const ASKING: Role = Role::Registrar;

/// The rule of an operation, and what those who may are answered.
fn rule(operation: &str) -> Option<(Rule, u16)> {
    use Permission::{ChangeStatus, Check, Issue, ReadChecks, ReadResult};
    Some(match operation {
        "home" | "landing" | "verifyCode" | "trustBundle" | "statusList" | "contract"
        | "health" | "readiness" => (Rule::Anybody, 200),
        "docs" => (Rule::Anybody, 308),
        "checkFile" | "verifyDocument" => (Rule::Anybody, 422),
        // Nobody has this login; the account of the caller opens no other.
        "signIn" => (Rule::Anybody, 401),
        "issue" => (Rule::Own(Issue), 201),
        "readResult" | "readSvg" | "readPng" | "readPdf" | "readHistory" | "readChangeRequest" => {
            (Rule::Own(ReadResult), 200)
        }
        "revoke" | "suspend" | "reinstate" | "recall" | "cancel" | "surrender" | "correct" => {
            (Rule::Own(ChangeStatus), 200)
        }
        "replace" => (Rule::Own(ChangeStatus), 201),
        "searchResults" => (Rule::OneOf([ReadResult, Check]), 200),
        "listChecksOfResult" => (Rule::Own(ReadChecks), 200),
        "listChangeRequests" => (Rule::Role(ReadResult), 200),
        "confirmChange" | "rejectChange" => (Rule::SecondPerson, 200),
        "recordChecks" => (Rule::Role(Check), 200),
        "listChecks" | "listAlarms" => (Rule::Role(ReadChecks), 200),
        _ => return None,
    })
}

/// A body that the operation takes.
fn filled<'a>(operation: &str, call: Call<'a>) -> Call<'a> {
    let mut grounds = json!({"reason": "Thử", "decision": "1/QĐ", "authority": "Sở Mẫu"});
    match operation {
        "revoke" | "reinstate" | "recall" | "cancel" | "surrender" | "correct" => {
            call.json(&grounds)
        }
        "rejectChange" => call.json(&json!({"reason": "Thử"})),
        "replace" => {
            grounds["data"] = Value::Object(badge());
            call.json(&grounds)
        }
        "suspend" => {
            grounds["until"] = "2026-11-30".into();
            call.json(&grounds)
        }
        "issue" => call.json(&badge()),
        "verifyCode" => call.json(&json!({"code": "x"})),
        "searchResults" => call.json(&json!({"plate": "43B-000.00"})),
        "signIn" => call.json(&json!({"login": "nobody", "password": "x"})),
        "verifyDocument" => call.body("application/pdf", "x"),
        "checkFile" => call.form(&[("tep", Some("a.pdf"), b"x")]),
        "recordChecks" => call.json(&json!({
            "id": "019342f0-0000-7000-8000-000000000001",
            "scanned": "x",
            "device_time": "2026-11-21T09:42:00+07:00",
            "match": "fits",
        })),
        _ => call,
    }
}

/// Every operation of the contract: its name, method and path.
fn operations() -> Vec<(&'static str, Method, &'static str)> {
    let paths = contract()["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let name = operation["operationId"].as_str().unwrap();
            found.push((name, method, path.as_str()));
        }
    }
    found
}

#[test]
fn every_operation_has_a_rule_and_says_in_the_contract_whether_it_needs_an_account() {
    let operations = operations();
    assert!(operations.len() >= 21, "{operations:?}");
    for (name, _, path) in operations {
        let rule = rule(name);
        let (rule, _) = rule.unwrap_or_else(|| panic!("who may call {name}? see rule()"));
        let item = contract()["paths"][path].as_object().unwrap();
        let operation = item
            .values()
            .find(|operation| operation["operationId"] == name);
        let secured = operation.unwrap().get("security").is_some();
        assert_eq!(secured, !matches!(rule, Rule::Anybody), "{name}");
    }
}

fn allowed(rule: &Rule, agency: &str, role: Role) -> bool {
    match rule {
        Rule::Anybody => true,
        Rule::Role(permission) => role.may(*permission),
        Rule::OneOf(permissions) => permissions.iter().any(|one| role.may(*one)),
        Rule::Own(permission) => role.may(*permission) && agency == OURS,
        Rule::SecondPerson => {
            role.may(Permission::ConfirmChange) && agency == OURS && role != ASKING
        }
    }
}

fn refused(answer: &Answer) -> bool {
    // `auth/refused` is about a password, not about the caller.
    matches!(answer.status.as_u16(), 401 | 403) && answer.problem().1 != "auth/refused"
}

#[tokio::test]
async fn every_role_of_every_agency_gets_what_the_table_allows_and_nothing_else() {
    let (app, _) = four_eyes::started().await;
    let mut cells = 0;
    for (name, method, template) in operations() {
        let (rule, inside) = rule(name).unwrap();
        let result = match name {
            "readPdf" => app.printed_badge().await,
            _ => app.badge().await,
        };
        if name == "reinstate" {
            let call = app.post(&result.path("/suspension")).by(Role::Registrar);
            filled("suspend", call).send().await.ok();
        }
        let about_a_request = template.contains("change-requests/{id}");
        let path = async || {
            let id = if about_a_request {
                let permit = Issued::of(&app.issue(&four_eyes::permit()).await);
                four_eyes::ask(&app, &permit).await
            } else {
                result.id.clone()
            };
            template.replace("{id}", &id).replace("{list}", "1")
        };
        let nobody = filled(name, app.call(method.clone(), &path().await))
            .send()
            .await;
        if matches!(rule, Rule::Anybody) {
            assert_eq!(nobody.status.as_u16(), inside, "{name}: {}", nobody.text());
            assert!(!refused(&nobody), "{name}");
        } else {
            assert_eq!(nobody.problem(), problem(401, "auth/missing"), "{name}");
        }
        for (agency, role) in [THEIRS, OURS]
            .into_iter()
            .flat_map(|agency| Role::ALL.map(|role| (agency, role)))
        {
            cells += 1;
            let call = app.call(method.clone(), &path().await).by_at(agency, role);
            let answer = filled(name, call).send().await;
            let cell = format!("{name} by {role:?} of {agency}");
            if allowed(&rule, agency, role) {
                let status = answer.status.as_u16();
                assert_eq!(status, inside, "{cell}: {}", answer.text());
                assert!(!refused(&answer), "{cell}");
            } else if matches!(rule, Rule::SecondPerson) && (agency, role) == (OURS, ASKING) {
                let same = problem(403, "change-request/same-person");
                assert_eq!(answer.problem(), same, "{cell}");
            } else {
                assert_eq!(answer.problem(), problem(403, "auth/forbidden"), "{cell}");
                let text = answer.text();
                assert!(!text.contains("43B"), "{cell} tells of the result: {text}");
            }
        }
    }
    assert_eq!(cells, operations().len() * 12);
}

#[tokio::test]
async fn ids_of_another_agency_open_nothing_in_bodies_and_lists() {
    let app = TestApp::start().await;
    let ours = app.badge().await;
    let check = json!({
        "id": "019342f0-0000-7000-8000-00000000000a",
        "scanned": ours.qr_text,
        "device_time": "2026-11-21T09:42:00+07:00",
        "match": "fits",
        "note": "Biển số mờ",
    });
    let record = async |agency: &str| {
        let call = app.post("/api/v1/checks").by_at(agency, Role::Inspector);
        call.json(&check).send().await
    };
    let first = record(OURS).await.ok();
    assert!(first["log"].is_object(), "{first}");
    // The id of a check of somebody else gives no look at it.
    let second = record(THEIRS).await;
    let text = second.text();
    assert!(second.status.as_u16() < 500, "{text}");
    assert_eq!(second.json().get("log"), None, "{text}");
    assert!(!text.contains("mờ") && !text.contains(&ours.id), "{text}");
    for path in ["/api/v1/checks", "/api/v1/alarms"] {
        let call = app.get(path).by_at(THEIRS, Role::Supervisor);
        let listed = call.send().await;
        listed.ok();
        assert!(
            !listed.text().contains(&ours.id),
            "{path}: {}",
            listed.text()
        );
    }
    // Nor can a result be put under another agency's name or taken over by its number.
    let mut data = badge();
    data.insert("agency_code".to_owned(), Value::from(OURS));
    let call = app.post("/api/v1/results").by_at(THEIRS, Role::Registrar);
    assert_eq!(
        call.json(&data).send().await.problem(),
        problem(403, "auth/forbidden")
    );
}
