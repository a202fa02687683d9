//! How large credentials are (design: 214 bytes of COSE with eight fields, 250 with the full set of
//! TT 01/2023/TT-VPCP), and what is said of one that is too large.

use super::world;
use crate::judges::root;
use dauso::catalogue::Catalogue;
use dauso::cose::cbor::Value;
use dauso::credential::{Claims, Draft, DraftError, StatusRef};
use dauso::limits;

/// Bytes of the tagged COSE_Sign1, without the version byte.
fn cose_bytes(claims: &Claims) -> usize {
    world::sealed(claims, "sxd").bytes().len() - 1
}

/// The badge with the longest operator name that its budget allows, and the dearest numbers.
fn dear_badge() -> Claims {
    let mut claims = world::badge();
    for (number, value) in &mut claims.fields {
        match number {
            // 40 bytes to the last one.
            7 => *value = Value::text("Vận tải Hành khách Mẫu V Dụ…"),
            8 => *value = Value::Uint(255),
            10 => *value = Value::Uint(9_999_999_999),
            _ => {}
        }
    }
    claims.status = StatusRef {
        list: 4_095,
        index: (1 << 20) - 1,
    };
    claims
}

#[test]
fn a_badge_with_eight_fields_fits_214_bytes_and_the_full_set_250() {
    let full = dear_badge();
    let name = full.field(7).cloned().unwrap().into_text().unwrap();
    assert_eq!(name.len(), 40);
    // Type, badge number, kind, plate, operator, seats, first and last day; the full set adds the dossier
    // code and the tax code. Procedure, result name and system follow from type and issuer.
    let mut eight = full.clone();
    eight.fields.retain(|(number, _)| ![3, 10].contains(number));
    // The figures of docs/formats/credential.md §4.
    assert_eq!((cose_bytes(&eight), cose_bytes(&full)), (209, 247));
}

#[test]
fn every_good_row_of_the_500_badges_fits_300_bytes() {
    let catalogue = Catalogue::built_in().unwrap();
    let badge = catalogue.by_code("vehicle-badge").unwrap();
    let mut rows = csv::Reader::from_path(root("fixtures/data/vehicle-badges-500.csv")).unwrap();
    let header = rows.headers().unwrap().clone();
    let (mut made, mut largest) = (0, 0);
    for row in rows.records() {
        let row = row.unwrap();
        let data = badge.row(header.iter().zip(row.iter()));
        let Ok(data) = badge.read(&data, world::at(world::NOW).local_date()) else {
            continue;
        };
        if data.agency_code() == "000.00.16.H99" {
            let claims = world::claims_of(
                &data,
                StatusRef {
                    list: 1,
                    index: 1_048_575,
                },
            );
            largest = largest.max(cose_bytes(&claims));
            made += 1;
        }
    }
    assert!(made >= 494, "{made}");
    assert!(largest <= 300, "{largest}");
}

#[test]
fn a_credential_that_is_too_large_is_refused_with_the_bytes_of_each_field() {
    let mut claims = world::badge();
    claims.fields = vec![
        (4, Value::text("a".repeat(300))),
        (7, Value::text("ế".repeat(100))),
        (8, Value::Uint(29)),
        (200, Value::Uint(7)),
    ];
    let refused = Draft::new(&claims, world::id(), [0; 4]).unwrap_err();
    let DraftError::Oversize {
        bytes,
        limit,
        fields,
    } = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(limit, limits::CREDENTIAL);
    assert!(bytes > 700, "{bytes}");
    assert_eq!(fields, [(4, 304), (7, 304), (8, 3), (200, 3)]);
}
