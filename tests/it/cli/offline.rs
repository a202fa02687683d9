//! What the server published is enough, long after it is gone.

use crate::support::installation::{Installed, dauso, moment};
use crate::support::running::{Running, Said, get};
use serde_json::Value;
use std::fs;

#[test]
fn files_fetched_from_the_server_verify_with_the_server_stopped() {
    let installed = Installed::new();
    let (_, good) = installed.issue_pdf("vehicle-badge--a4-tagged");
    let (receipt, gone) = installed.issue_pdf("promotion-notice--ghostscript");
    let grounds = [
        "--reason",
        "Vi phạm mẫu",
        "--decision",
        "0001/QĐ-SCT",
        "--authority",
        "Sở Công Thương Ví Dụ",
    ];
    let id = receipt["id"].as_str().unwrap();
    installed
        .run(&["revoke"], &[&[id], &grounds[..]].concat())
        .ended(0);

    let config = installed.dir().join("dauso.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("listen = \"127.0.0.1:8417\"", "listen = \"127.0.0.1:0\"");
    fs::write(&config, text).unwrap();
    let arguments = ["serve", "--config", config.to_str().unwrap()];
    let (running, line) = Running::start(&arguments, Said::OnError, r#""message":"serving""#);
    let line: Value = serde_json::from_str(&line).unwrap();
    let address = line["address"].as_str().unwrap().to_owned();

    let folder = installed.file("fetched");
    fs::create_dir(&folder).unwrap();
    for path in ["/trust", "/status/1", "/status/2", "/status/3", "/status/4"] {
        let (status, body) = get(&address, path);
        assert_eq!(status, 200, "{path}");
        fs::write(folder.join(path.replace('/', "-")), body).unwrap();
    }
    assert_eq!(get(&address, "/status/5").0, 404);
    assert_eq!(running.interrupt().code(), Some(0));
    fs::remove_dir_all(installed.dir()).unwrap();

    let verify = |input: &str, more: &[&str]| {
        let own = [
            "verify",
            input,
            "--json",
            "--trust",
            folder.to_str().unwrap(),
        ];
        dauso(&[&own[..], more].concat())
    };
    let answer = verify(good.to_str().unwrap(), &[]).ended(0).json();
    assert_eq!(answer["verdict"], "valid");
    let answer = verify(gone.to_str().unwrap(), &[]).ended(1).json();
    assert_eq!(answer["status"]["state"], "revoked");
    assert_eq!(answer["signature"]["outcome"], "pass");
    let code = receipt["qr_text"].as_str().unwrap();
    verify(code, &[]).ended(1);
    // A week later the bundle still says who issued it, but no longer whether it counts.
    let answer = verify(good.to_str().unwrap(), &["--at", &moment(24 * 7 + 1)])
        .ended(2)
        .json();
    assert_eq!(answer["signature"]["outcome"], "pass");
    assert_eq!(answer["status"]["state"], "undecided");
}
