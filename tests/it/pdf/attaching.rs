//! A file that is embedded keeps company with those that are there, and other programs find them all.

use super::{fixture, goes_in, qpdf};
use crate::judges::run;
use dauso::clock::UnixTime;
use dauso::pdf::attachment::{Attachment, associated, attach};
use dauso::pdf::{Document, Update, patch};

fn attached(bytes: &[u8], name: &str) -> Vec<u8> {
    let document = Document::open(bytes).unwrap();
    let mut update = Update::new(&document).unwrap();
    let file = Attachment {
        name,
        description: "Thử (test)",
        media_type: "text/plain",
        at: UnixTime::parse_rfc3339("2026-11-21T09:42:00+07:00").unwrap(),
        data: name.as_bytes(),
    };
    attach(&mut update, &file).unwrap();
    [bytes, &update.finish()].concat()
}

/// Names of the embedded files by qpdf, in the order of the tree.
fn found(bytes: &[u8]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = goes_in(&directory, "attached", bytes);
    qpdf(&path);
    let said = run("qpdf", &["--list-attachments", &path]);
    let said = String::from_utf8(said.stdout).unwrap();
    let rows = said.lines().filter_map(|line| line.split_once(" -> "));
    rows.map(|(name, _)| name.to_owned()).collect()
}

/// A file whose names are `names`, in a tree of two leaves, with other names beside it.
fn with_tree(bytes: &[u8], first: [&str; 2], second: [&str; 2]) -> Vec<u8> {
    let document = Document::open(bytes).unwrap();
    let mut update = Update::new(&document).unwrap();
    let mut leaf = |names: [&str; 2]| {
        let stream = update.reserve();
        update.put_stream(stream, b"/Type/EmbeddedFile", b"old");
        let entries = names.map(|name| {
            let spec = format!("<</Type/Filespec/F({name})/UF({name})/EF<</F {stream}>>>>");
            format!("({name}) {}", update.add(spec.into_bytes()))
        });
        let entries = entries.join(" ");
        let [lower, upper] = names;
        let leaf = format!("<</Limits[({lower})({upper})]/Names[{entries}]>>");
        update.add(leaf.into_bytes())
    };
    let (first, second) = (leaf(first), leaf(second));
    let tree = update.add(format!("<</Kids[{first} {second}]>>").into_bytes());
    let names = format!("<</Dests<</Names[(d) null]>>/EmbeddedFiles {tree}>>");
    let names = update.add(names.into_bytes());
    let root = document.root().unwrap();
    update
        .patch(root, |catalog| {
            patch::set_entry(catalog, b"Names", names.to_string().as_bytes())
        })
        .unwrap();
    [bytes, &update.finish()].concat()
}

#[test]
fn a_file_without_names_gets_them_and_keeps_them_sorted() {
    let mut bytes = fixture("pdf/transport-business-licence--xref-stream.pdf");
    for name in ["m.txt", "z.txt", "a.txt", "n.txt"] {
        bytes = attached(&bytes, name);
    }
    assert_eq!(found(&bytes), ["a.txt", "m.txt", "n.txt", "z.txt"]);
    let document = Document::open(&bytes).unwrap();
    let names: Vec<String> = associated(&document)
        .unwrap()
        .into_iter()
        .map(|(name, data)| {
            assert_eq!(name.as_bytes(), data);
            name
        })
        .collect();
    assert_eq!(names, ["m.txt", "z.txt", "a.txt", "n.txt"]);
}

#[test]
fn a_tree_of_names_keeps_its_leaves_its_order_and_its_neighbours() {
    let bytes = fixture("pdf/transport-business-licence--cairo.pdf");
    let tree = with_tree(&bytes, ["b", "d"], ["m", "p"]);
    for (name, expected) in [
        ("a", ["a", "b", "d", "m", "p"]),
        ("c", ["b", "c", "d", "m", "p"]),
        ("f", ["b", "d", "f", "m", "p"]),
        ("n", ["b", "d", "m", "n", "p"]),
        ("z", ["b", "d", "m", "p", "z"]),
    ] {
        let after = attached(&tree, name);
        assert_eq!(found(&after), expected, "{name}");
        let document = Document::open(&after).unwrap();
        let names = document.catalog().unwrap().get(b"Names").cloned().unwrap();
        let names = document.dict(&names, "Names").unwrap();
        assert!(names.contains(b"Dests"), "{name}");
    }
}
