//! Who may do what: every role at every route for accounts.

use crate::support::app::{OURS, THEIRS, TestApp, badge, problem, renew, sample};
use axum::http::Method;
use dauso::access::Role::{self, CaseOfficer, Inspector, Registrar, Signatory, Supervisor};
use serde_json::{Value, json};

/// A route for accounts and the roles that may use it at their own agency.
struct Door {
    method: Method,
    path: String,
    body: Option<Value>,
    /// What those who may come in are answered.
    inside: u16,
    roles: &'static [Role],
    /// Whether another agency's people of these roles stay outside.
    own_agency: bool,
}

fn doors(id: &str) -> Vec<Door> {
    let door = |method, path: &str, body, inside, roles, own_agency| Door {
        method,
        path: path.replace("{id}", id),
        body,
        inside,
        roles,
        own_agency,
    };
    let (get, post) = (Method::GET, Method::POST);
    let readers: &[Role] = &[CaseOfficer, Signatory, Registrar, Supervisor];
    let grounds = json!({"reason": "Thử", "decision": "1/QĐ", "authority": "Sở Mẫu"});
    let mut until = grounds.clone();
    until["until"] = "2026-11-30".into();
    let check = json!({"id": "019342f0-0000-7000-8000-000000000001", "scanned": "x",
        "device_time": "2026-11-21T09:42:00+07:00", "match": "fits"});
    let one = "/api/v1/results/{id}";
    let move_of = |word: &str| {
        let path = format!("{one}/{word}");
        door(
            Method::POST,
            &path,
            Some(grounds.clone()),
            409,
            &[Registrar],
            true,
        )
    };
    vec![
        door(
            get.clone(),
            "/api/v1/alarms",
            None,
            200,
            &[Supervisor],
            false,
        ),
        door(get.clone(), one, None, 200, readers, true),
        door(get.clone(), &format!("{one}/pdf"), None, 404, readers, true),
        door(
            get.clone(),
            &format!("{one}/qr.svg"),
            None,
            200,
            readers,
            true,
        ),
        door(
            get.clone(),
            &format!("{one}/qr.png"),
            None,
            200,
            readers,
            true,
        ),
        door(
            post.clone(),
            &format!("{one}/suspension"),
            Some(until),
            200,
            &[Registrar],
            true,
        ),
        door(
            post.clone(),
            &format!("{one}/reinstatement"),
            Some(grounds.clone()),
            200,
            &[Registrar],
            true,
        ),
        door(
            post.clone(),
            &format!("{one}/revocation"),
            Some(grounds.clone()),
            200,
            &[Registrar],
            true,
        ),
        // The result is revoked by now.
        move_of("recall"),
        move_of("cancellation"),
        move_of("surrender"),
        move_of("erratum"),
        door(
            get.clone(),
            &format!("{one}/history"),
            None,
            200,
            readers,
            true,
        ),
        door(
            get.clone(),
            "/api/v1/change-requests",
            None,
            200,
            readers,
            false,
        ),
        door(
            post,
            "/api/v1/checks",
            Some(check),
            200,
            &[Inspector],
            false,
        ),
        door(get, "/api/v1/checks", None, 200, &[Supervisor], false),
    ]
}

#[tokio::test]
async fn every_role_opens_its_own_doors_and_no_other() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    for door in doors(&issued.id) {
        let call = || {
            let call = app.call(door.method.clone(), &door.path);
            match &door.body {
                Some(body) => call.json(body),
                None => call,
            }
        };
        let name = format!("{} {}", door.method, door.path);
        let nobody = call().send().await;
        assert_eq!(nobody.problem(), problem(401, "auth/missing"), "{name}");
        assert_eq!(nobody.header("www-authenticate"), "Bearer", "{name}");
        for (agency, role) in [OURS, THEIRS]
            .into_iter()
            .flat_map(|agency| Role::ALL.map(|role| (agency, role)))
        {
            let at_home = agency == OURS || !door.own_agency;
            let answer = call().by_at(agency, role).send().await;
            if door.roles.contains(&role) && at_home {
                assert_eq!(
                    answer.status.as_u16(),
                    door.inside,
                    "{name} {role:?}: {}",
                    answer.text()
                );
            } else {
                assert_eq!(
                    answer.problem(),
                    problem(403, "auth/forbidden"),
                    "{name} {role:?} {agency}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_registrar_alone_issues_and_for_his_own_agency() {
    let app = TestApp::start().await;
    let call = |data: &serde_json::Map<String, Value>| app.post("/api/v1/results").json(data);
    let nobody = call(&badge()).send().await;
    assert_eq!(nobody.problem(), problem(401, "auth/missing"));
    let mut theirs = sample("promotion-notice--ghostscript");
    renew(&mut theirs);
    for role in Role::ALL {
        for agency in [OURS, THEIRS] {
            for data in [&badge(), &theirs] {
                let own = data["agency_code"] == agency;
                let answer = call(data).by_at(agency, role).send().await;
                if role == Registrar && own {
                    assert_eq!(answer.status, 201, "{}", answer.text());
                } else {
                    assert_eq!(
                        answer.problem(),
                        problem(403, "auth/forbidden"),
                        "{role:?} {agency}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_opens_nothing_is_told_from_no_key() {
    let app = TestApp::start().await;
    let good = app.key(OURS, Registrar).to_owned();
    let issued = app.badge().await;
    for header in [
        format!("Bearer {good}x"),
        format!("Bearer {}", &good[..good.len() - 1]),
        "Bearer ".to_owned(),
        format!("Basic {good}"),
        good.clone(),
        "Bearer khoá có dấu".to_owned(),
    ] {
        let call = app.get(&issued.path("")).header("authorization", &header);
        let refused = call.send().await.problem();
        assert_eq!(refused, problem(401, "auth/unknown-key"), "{header}");
    }
    // What anybody may ask is not answered to a wrong key either: its owner shall notice.
    let call = app.get(&format!("/{}", issued.id)).key("dauso_0");
    assert_eq!(
        call.send().await.problem(),
        problem(401, "auth/unknown-key")
    );
}

#[tokio::test]
async fn a_revoked_key_and_a_disabled_account_open_nothing() {
    let app = TestApp::start().await;
    let issued = app.badge().await;
    let call = async |role| app.get(&issued.path("")).by(role).send().await;
    assert_eq!(call(Supervisor).await.status, 200);
    let accounts = {
        let mut tx = app.installation.store().read().await.unwrap();
        tx.accounts(OURS).await.unwrap()
    };
    let of = |role| {
        accounts
            .iter()
            .find(|account| account.role == role)
            .unwrap()
    };
    let digest = dauso::digest::Sha256::of(app.key(OURS, Supervisor).as_bytes());
    let now = dauso::clock::UnixTime::parse_rfc3339(crate::support::app::NOW).unwrap();
    let disabled = of(CaseOfficer).id.clone();
    app.installation
        .store()
        .run(|mut tx: dauso::store::Tx| {
            let disabled = &disabled;
            async move {
                tx.revoke_api_key(&digest, now).await?;
                tx.disable_account(disabled, now).await?;
                Ok::<_, dauso::store::StoreError>((tx, ()))
            }
        })
        .await
        .unwrap();
    for role in [Supervisor, CaseOfficer] {
        assert_eq!(
            call(role).await.problem(),
            problem(401, "auth/unknown-key"),
            "{role:?}"
        );
    }
    assert_eq!(call(Registrar).await.status, 200);
}
