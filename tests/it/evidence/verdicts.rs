//! What `dauso verify` says of levels.

use super::levels::{archived, gathered, sign, world};
use super::world::now;
use crate::pki::text;
use crate::support::installation::{Installed, pdf};
use dauso::pdf::{Document, Update, patch};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn answer(installed: &Installed, file: &Path, anchor: &Path) -> Value {
    let options = ["--anchor", text(anchor), "--json"];
    let ran = installed.run(&["verify", text(file)], &options);
    ran.json()
}

/// A file of this system, as the command issues it.
fn issued(installed: &Installed) -> Vec<u8> {
    let (_, path) = installed.issue_pdf("restricted-road-permit--classic-xref-1.4");
    fs::read(path).unwrap()
}

#[test]
fn a_time_stamp_behind_our_own_signature_raises_its_level_and_is_no_change() {
    let (installed, world) = (Installed::new(), world());
    let ours = issued(&installed);
    let plain = world.write("plain.pdf", &ours);
    let root = world.write("anchor.pem", world.authority.root().pem());
    let said = answer(&installed, &plain, &root);
    assert_eq!(said["signature"]["outcome"], "pass", "{said}");
    assert_eq!(said["signature"]["level"], "B-B", "{said}");
    assert_eq!(said["signature"]["proven"], Value::Null, "{said}");
    let evidence = gathered(&world, now(), &Vec::new());
    let later = world.write("later.pdf", archived(&world, &ours, &evidence, now()));
    let said = answer(&installed, &later, &root);
    assert_ne!(
        said["signature"]["reason"],
        "document/changed-after-signing"
    );
    // Nothing is kept about the agency's own certificate, which another authority issued.
    assert_eq!(said["signature"]["level"], "B-T", "{said}");
    assert!(said["signature"]["proven"].is_string(), "{said}");
}

#[test]
fn a_time_stamp_vouches_for_a_time_and_never_for_a_change_below_it() {
    let (installed, world) = (Installed::new(), world());
    let root = world.write("anchor.pem", world.authority.root().pem());
    let before = fs::read(pdf("promotion-notice--pdfa-2b")).unwrap();
    let of_others = sign(&world, &before, "DauSoMau", now(), true);
    for signed in [issued(&installed), of_others] {
        let document = Document::open(&signed).unwrap();
        let page = document.page(0).unwrap().reference;
        let mut update = Update::new(&document).unwrap();
        update
            .patch(page, |body| patch::set_entry(body, b"Rotate", b"90"))
            .unwrap();
        let changed = [signed.as_slice(), &update.finish()].concat();
        let evidence = gathered(&world, now(), &Vec::new());
        let stamped = archived(&world, &changed, &evidence, now());
        let file = world.write("changed.pdf", stamped);
        let said = answer(&installed, &file, &root);
        assert_eq!(said["verdict"], "invalid", "{said}");
        let reason = &said["signature"]["reason"];
        assert_eq!(reason, "document/changed-after-signing", "{said}");
    }
}

#[test]
fn a_file_with_nothing_but_a_time_stamp_is_unsigned() {
    let (installed, world) = (Installed::new(), world());
    let root = world.write("anchor.pem", world.authority.root().pem());
    let before = fs::read(pdf("promotion-notice--pdfa-2b")).unwrap();
    let document = Document::open(&before).unwrap();
    let mut update = Update::new(&document).unwrap();
    let placeholder =
        dauso::pdf::signature::add_time_stamp(&mut update, "DauThoiGian", 4_096).unwrap();
    let prepared = dauso::pdf::signature::prepare(update, placeholder).unwrap();
    let token = super::levels::stamp(&world, &prepared.digest().0, now());
    let file = [before, prepared.fill(token.der()).unwrap()].concat();
    let said = answer(&installed, &world.write("stamped.pdf", file), &root);
    assert_eq!(said["signature"]["reason"], "document/unsigned", "{said}");
}
