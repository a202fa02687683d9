//! The service with its PDFs on an S3 service.

use super::verifications::sent;
use crate::support::app::{Issued, TestApp, badge, printed, problem};
use crate::support::s3::Peer;
use crate::support::stores::both;
use dauso::access::Role::Registrar;
use dauso::config::Config;
use serde_json::{Map, Value};

async fn on(peer: &Peer, url: &str) -> TestApp {
    let config = Config {
        s3: Some(peer.config()),
        ..Config::default()
    };
    TestApp::start_as(&config, url).await
}

async fn issue(app: &TestApp, data: &Map<String, Value>) -> crate::support::app::Answer {
    let data = serde_json::to_vec(data).unwrap();
    let pdf = printed("vehicle-badge--a4-tagged");
    let parts = [("data", None, &data[..]), ("pdf", Some("a.pdf"), &pdf[..])];
    let call = app.post("/api/v1/results").by(Registrar).form(&parts);
    call.send().await
}

#[test]
fn a_pdf_on_s3_is_issued_downloaded_and_verified_on_both_databases() {
    both(async |register| {
        let peer = Peer::start();
        let app = on(&peer, &register.url).await;
        let answer = issue(&app, &badge()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let issued = Issued::of(&answer.json());
        let file = app.get(&issued.path("/pdf")).by(Registrar).send().await;
        assert_eq!(file.kind(), "application/pdf");
        let report = sent(&app, "application/pdf", file.body).await.ok();
        assert_eq!(report["verdict"], "valid", "{report:#}");
        assert_eq!(report["id"], issued.id);
        // Two agencies with one seal, and the signed PDF; nothing beside them on this machine.
        assert_eq!(peer.keys().len(), 2);
        let folder = app.path().join("documents");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
        app.installation.store().close().await;
    });
}

#[test]
fn while_s3_is_away_nothing_is_half_issued_and_look_ups_go_on() {
    both(async |register| {
        let mut peer = Peer::start();
        let app = on(&peer, &register.url).await;
        let issued = Issued::of(&issue(&app, &badge()).await.json());
        let size = app.log_size().await;
        peer.stop();

        let data = badge();
        let refused = issue(&app, &data).await;
        assert_eq!(refused.problem(), problem(503, "documents/unavailable"));
        assert_eq!(refused.header("retry-after"), "5");
        assert_eq!(app.log_size().await, size);
        let mut tx = app.installation.store().read().await.unwrap();
        let dossier = data["dossier_code"].as_str().unwrap();
        let code = format!("{dossier}-KQ1");
        assert_eq!(tx.result_of_code(&code).await.unwrap(), None);
        drop(tx);
        let refused = app.get(&issued.path("/pdf")).by(Registrar).send().await;
        assert_eq!(refused.problem(), problem(503, "documents/unavailable"));

        // What needs no PDF goes on: the page of a result, its data, a result without a file.
        let page = app.get(&format!("/{}", issued.id)).send_off_contract();
        assert_eq!(page.await.status, 200);
        app.get(&issued.path("")).by(Registrar).send().await.ok();
        app.issue(&badge()).await;
        assert_eq!(app.get("/readyz").send().await.status, 200);
        app.installation.store().close().await;
    });
}
