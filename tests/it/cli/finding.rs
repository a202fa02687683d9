//! `find`, `audit --result`, `agency update`: what an operator looks up and changes.

use crate::support::installation::{Installed, Ran, in_force, program};
use serde_json::Value;
use std::io::Write as _;
use std::process::Stdio;

const AGENCY: &str = "000.00.16.H99";
const BADGE: &str = "vehicle-badge--a4-tagged";

/// Issues the sample badge; the receipt.
fn issue(installed: &Installed) -> Value {
    let out = installed.file("symbol.svg");
    let arguments = ["--out", out.to_str().unwrap(), "--json"];
    let ran = installed.issue("badge", &in_force(BADGE), &arguments);
    ran.ended(0).json()
}

fn find(installed: &Installed, arguments: &[&str]) -> Ran {
    installed.run(&["find"], arguments)
}

/// The columns of the only line.
fn columns(ran: Ran) -> Vec<String> {
    let ran = ran.ended(0);
    let mut lines = ran.stdout.lines();
    let line = lines.next().unwrap_or_else(|| panic!("nothing: {ran:?}"));
    assert_eq!(lines.next(), None, "{ran:?}");
    line.split('\t').map(str::to_owned).collect()
}

/// The plate by standard input.
fn find_typed(installed: &Installed, typed: &str) -> Ran {
    let dir = installed.dir();
    let mut command = program();
    command.args(["find", "--dir", dir.to_str().unwrap(), "--plate", "-"]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = piped.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = running.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    drop(input);
    running.wait_with_output().unwrap().into()
}

#[test]
fn a_result_is_found_by_number_plate_and_row_and_the_audit_says_so_without_the_plate() {
    let installed = Installed::new();
    let receipt = issue(&installed);
    let by_plate = columns(find(&installed, &["--plate", "43b00000"]));
    let id = receipt["id"].as_str().unwrap();
    assert_eq!(by_plate[0].replace(' ', ""), id);
    assert_eq!(
        by_plate[1..5],
        ["vehicle-badge", AGENCY, "HD4826900002", "valid"]
    );
    let row = by_plate[7].as_str();
    for same in [
        &["--number", "hd4826900002"][..],
        &["--row", row],
        &["--plate", "43B-000.00", "--agency", AGENCY],
    ] {
        assert_eq!(columns(find(&installed, same)), by_plate, "{same:?}");
    }
    assert_eq!(columns(find_typed(&installed, "43B-000.00\n")), by_plate);

    for nothing in [
        &["--plate", "43B-000.01"][..],
        &["--number", "HD4826900003"],
        &["--row", "019342f0-0000-7000-8000-000000000001"],
        &["--plate", "43B-000.00", "--agency", "000.00.04.H99"],
        &["--row", row, "--agency", "000.00.04.H99"],
    ] {
        let ran = find(&installed, nothing).ended(1);
        assert_eq!(ran.complaint(), "result/unknown", "{nothing:?}");
        assert_eq!(ran.stdout, "");
    }
    let wrong = find(&installed, &["--plate", "43B-000"]).ended(65);
    assert_eq!(wrong.complaint(), "field/not-a-plate");
    assert!(!wrong.stderr.contains("43B"), "{wrong:?}");
    let wrong = find_typed(&installed, "\n").ended(65);
    assert_eq!(wrong.complaint(), "field/not-a-plate");
    let wrong = find(&installed, &["--number", " "]).ended(65);
    assert_eq!(wrong.complaint(), "field/missing");
    for usage in [&[][..], &["--plate", "43B-000.00", "--number", "1"]] {
        find(&installed, usage).ended(64);
    }

    let audit = |arguments: &[&str]| installed.run(&["audit"], arguments).ended(0).stdout;
    let trail = audit(&["--result", id]);
    assert_eq!(audit(&["--subject", row]), trail);
    let actions: Vec<&str> = trail
        .lines()
        .map(|line| line.split('\t').nth(2).unwrap())
        .collect();
    let searched = ["result.search"; 5];
    assert_eq!(actions, [&searched[..], &["result.issue"]].concat());
    assert!(trail.contains(r#"{"by":"plate","found":1}"#), "{trail}");
    let one = audit(&["--result", id, "--limit", "1", "--action", "result.issue"]);
    assert_eq!(one.lines().count(), 1);
    let everything = audit(&[]);
    for private in ["43B", "HD4826900002"] {
        assert!(!everything.contains(private), "{everything}");
    }
    let in_vain = everything
        .lines()
        .filter(|line| line.contains(r#""found":0"#));
    assert_eq!(in_vain.count(), 5);
    let unknown = installed.run(&["audit"], &["--result", "0000000000000000"]);
    assert_eq!(unknown.ended(65).complaint(), "result/unknown");
}

#[test]
fn an_agency_gets_another_name_in_list_bundle_and_audit_and_keeps_the_rest() {
    let installed = Installed::new();
    let receipt = issue(&installed);
    let update = |arguments: &[&str]| {
        let all = [&["--code", AGENCY], arguments].concat();
        installed.run(&["agency", "update"], &all)
    };
    let updated = update(&["--name", "Sở Xây dựng Ví Dụ", "--phone", ""]).ended(0);
    assert_eq!(
        updated.stdout,
        format!("{AGENCY}\t16H99\tSở Xây dựng Ví Dụ\n")
    );
    let listed = installed.run(&["agency", "list"], &[]).ended(0).stdout;
    assert!(listed.contains(&updated.stdout), "{listed}");
    // Whoever verifies without the register reads the new name in the bundle.
    let trust = installed.trust();
    let text = receipt["qr_text"].as_str().unwrap();
    let arguments = ["verify", text, "--trust", trust.to_str().unwrap(), "--json"];
    let verified = crate::support::installation::dauso(&arguments)
        .ended(0)
        .json();
    assert!(
        verified.to_string().contains("Sở Xây dựng Ví Dụ"),
        "{verified}"
    );

    let seal = crate::judges::root("fixtures/images/seal-transparent-35mm-300dpi.png");
    update(&["--seal", seal.to_str().unwrap(), "--seal-mm", "36"]).ended(0);
    // The new seal is there and is stamped.
    let mut other = in_force(BADGE);
    other.remove("badge_number");
    other.remove("result_code");
    other.insert(
        "dossier_code".to_owned(),
        format!("{AGENCY}-261120-0001").into(),
    );
    let pdf = crate::support::installation::pdf(BADGE);
    let out = installed.file("out.pdf");
    let arguments = [
        "--pdf",
        pdf.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    installed.issue("other", &other, &arguments).ended(0);

    let trail = installed
        .run(&["audit"], &["--subject", AGENCY])
        .ended(0)
        .stdout;
    let details: Vec<&str> = trail
        .lines()
        .map(|line| line.rsplit('\t').next().unwrap())
        .collect();
    let [newest, oldest] = details[..] else {
        panic!("{trail}");
    };
    assert_eq!(newest, r#"{"changed":["seal"]}"#);
    assert!(oldest.starts_with(r#"{"changed":["name""#), "{trail}");

    for (arguments, why) in [
        (&["--name", " "][..], "has a name"),
        (&["--seal-mm", "100"], "10 to 60 mm"),
        (&["--seal", text], "No such file"),
    ] {
        let refused = update(arguments).ended(1);
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
    let pdf = update(&["--seal", pdf.to_str().unwrap()]).ended(1);
    assert!(pdf.stderr.contains("seal cannot be used"), "{pdf:?}");
    update(&[]).ended(64);
    let unknown = ["--code", "000.00.99.H99", "--name", "Mẫu"];
    let unknown = installed.run(&["agency", "update"], &unknown).ended(1);
    assert!(
        unknown.stderr.contains("no agency 000.00.99.H99"),
        "{unknown:?}"
    );
}
