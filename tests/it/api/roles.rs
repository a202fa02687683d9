//! Who may do what, beyond the table in `matrix`: for whom a registrar issues, and which keys open.

use crate::support::app::{OURS, THEIRS, TestApp, badge, problem, renew, sample};
use dauso::access::Role::{self, CaseOfficer, Registrar, Supervisor};
use serde_json::Value;

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
