//! The 500 badges of the sample: which are good, why six are not, and how large their symbols are.

use crate::credential::world;
use crate::judges::root;
use crate::support::installation::Installed;
use dauso::access::{Caller, Role};
use dauso::app::Installation;
use dauso::catalogue::{Catalogue, DataError, FieldProblem, ResultData};
use dauso::clock::SystemClock;
use dauso::credential::StatusRef;
use dauso::id::ResultId;
use dauso::issuance::{IssueError, Issuer, Outcome, Request};
use dauso::qr::Symbol;
use dauso::store::Conflict;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of the file in the shape of JSON, as an import reads them.
fn rows(catalogue: &Catalogue) -> Vec<Map<String, Value>> {
    let badge = catalogue.by_code("vehicle-badge").unwrap();
    let mut file = csv::Reader::from_path(root("fixtures/data/vehicle-badges-500.csv")).unwrap();
    let header = file.headers().unwrap().clone();
    let rows = file.records().map(|row| {
        let row = row.unwrap();
        let mut data = badge.row(header.iter().zip(row.iter()));
        data.insert("type".to_owned(), Value::from("vehicle-badge"));
        data
    });
    rows.collect()
}

fn read(catalogue: &Catalogue, row: &Map<String, Value>) -> Result<ResultData, DataError> {
    let badge = catalogue.by_code("vehicle-badge").unwrap();
    badge.read(row, world::at(world::NOW).local_date())
}

#[test]
fn four_rows_do_not_fit_their_type_and_say_in_which_field() {
    let catalogue = Catalogue::built_in().unwrap();
    let rows = rows(&catalogue);
    assert_eq!(rows.len(), 500);
    let refused: Vec<(usize, Vec<(String, FieldProblem)>)> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| {
            let DataError(errors) = read(&catalogue, row).err()?;
            let errors = errors.into_iter().map(|error| (error.field, error.problem));
            Some((at + 1, errors.collect()))
        })
        .collect();
    let one = |row, field: &str, problem| (row, vec![(field.to_owned(), problem)]);
    assert_eq!(
        refused,
        [
            one(37, "plate", FieldProblem::NotAPlate),
            one(88, "operator_name", FieldProblem::Missing),
            one(149, "valid_to", FieldProblem::EndsBeforeItBegins),
            one(341, "operator_name", FieldProblem::TooLong),
        ]
    );
}

#[test]
fn decomposed_letters_are_stored_composed() {
    use unicode_normalization::{UnicodeNormalization as _, is_nfc};
    let catalogue = Catalogue::built_in().unwrap();
    let row = &rows(&catalogue)[259];
    let data = read(&catalogue, row).unwrap();
    let given = row["operator_name"].as_str().unwrap();
    let stored = data.text("operator_name").unwrap();
    assert!(!is_nfc(given) && is_nfc(stored));
    assert_eq!(stored, given.nfc().collect::<String>());
}

#[test]
fn no_symbol_of_the_sample_is_larger_than_version_13() {
    let catalogue = Catalogue::built_in().unwrap();
    let id = ResultId::parse(world::ID).unwrap();
    let mut versions: BTreeMap<u8, usize> = BTreeMap::new();
    for (at, row) in rows(&catalogue).iter().enumerate() {
        let Ok(data) = read(&catalogue, row) else {
            continue;
        };
        if data.agency_code() != "000.00.16.H99" {
            continue;
        }
        // The dearest place in a status list.
        let status = StatusRef {
            list: 4_095,
            index: (1 << 20) - 1,
        };
        let sealed = world::sealed(&world::claims_of(&data, status), "sxd");
        let text = sealed.qr_text(&world::HOST.to_lowercase()).unwrap();
        assert_eq!(sealed.id(), id);
        let symbol = Symbol::for_issue(&text).unwrap();
        let name = data.text("operator_name").unwrap();
        let cose = sealed.bytes().len() - 1;
        if name.len() <= 40 && cose <= 214 {
            assert!(
                symbol.version() <= 11,
                "row {}: {}",
                at + 1,
                symbol.version()
            );
        }
        if cose <= 250 {
            assert!(
                symbol.version() <= 12,
                "row {}: {}",
                at + 1,
                symbol.version()
            );
        }
        *versions.entry(symbol.version()).or_default() += 1;
    }
    assert_eq!(versions.values().sum::<usize>(), 495);
    assert!(
        versions.keys().all(|version| *version <= 13),
        "{versions:?}"
    );
}

/// Issues without a server.
async fn issuer(installed: &Installed) -> Issuer {
    // Its keys were made a moment ago and sign from then on.
    let clock = Arc::new(SystemClock);
    let opened = Installation::open(&installed.dir(), None, clock)
        .await
        .unwrap();
    opened.issuer().unwrap()
}

async fn issue(issuer: &Issuer, data: &Map<String, Value>) -> Result<String, IssueError> {
    let caller = Caller {
        account: "import".to_owned(),
        role: Role::Registrar,
        agency: "000.00.16.H99".to_owned(),
    };
    let request = Request {
        data: data.clone(),
        pdf: None,
        once: None,
    };
    match issuer.issue(&caller, request).await? {
        Outcome::Issued(receipt) => Ok(receipt.number),
        Outcome::Replayed(_) => panic!("nothing was issued before"),
    }
}

#[test]
fn the_register_refuses_a_number_twice_and_another_agencys_row() {
    let catalogue = Catalogue::built_in().unwrap();
    let rows = rows(&catalogue);
    let installed = Installed::new();
    sqlx::any::install_default_drivers();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let issuer = issuer(&installed).await;
        let number = rows[201]["badge_number"].as_str().unwrap();
        assert_eq!(rows[202]["badge_number"], number);
        assert_eq!(issue(&issuer, &rows[201]).await.unwrap(), number);
        let twice = issue(&issuer, &rows[202]).await.unwrap_err();
        assert!(
            matches!(twice, IssueError::Duplicate(Conflict::Number)),
            "{twice}"
        );
        let foreign = issue(&issuer, &rows[471]).await.unwrap_err();
        assert!(matches!(foreign, IssueError::Forbidden(_)), "{foreign}");
        // The rows beside them are good.
        for good in [&rows[203], &rows[259], &rows[470]] {
            issue(&issuer, good).await.unwrap();
        }
    });
}
