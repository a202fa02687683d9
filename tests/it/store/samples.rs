//! Rows that the tests start from.

use dauso::access::Role;
use dauso::clock::UnixTime;
use dauso::digest::Sha256;
use dauso::id::ResultId;
use dauso::private::Private;
use dauso::report::Verdict;
use dauso::store::{
    Account, Agency, Check, CheckEntry, Issued, NewJob, Place, Seal, Seen, StatusListRegister,
    Store, StoreError, Tx,
};
use dauso::tlog::{Kind, Leaf, SALT};
use time::macros::date;
use uuid::Uuid;

pub(crate) const AGENCY: &str = "000.00.16.H99";
pub(crate) const OTHER_AGENCY: &str = "000.00.13.H99";

pub(crate) const NOW: i64 = 1_795_305_600;

pub(crate) fn now() -> UnixTime {
    UnixTime::from_seconds(NOW)
}

/// A UUID that sorts by its number, as a UUIDv7 sorts by its time.
pub(crate) fn uuid(number: u32) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))
}

pub(crate) fn result_id(number: u32) -> ResultId {
    let [a, b, c, d] = number.to_be_bytes();
    ResultId::from_bytes([7, 7, 7, 7, 7, 7, a, b, c, d])
}

pub(crate) fn agency() -> Agency {
    Agency {
        code: AGENCY.into(),
        issuer: "SXD".into(),
        symbol: "SXD".into(),
        name_vi: "Sở Xây dựng Mẫu".into(),
        name_en: "Sample Department of Construction".into(),
        parent: Some("UBND Thành phố Ví Dụ".into()),
        phone: None,
        seal: Some(Seal {
            image: Sha256::of(b"seal"),
            diameter_tenths_mm: 350,
        }),
        created_at: now(),
    }
}

pub(crate) fn other_agency() -> Agency {
    Agency {
        code: OTHER_AGENCY.into(),
        issuer: "SCT".into(),
        name_vi: "Sở Công Thương Mẫu".into(),
        seal: None,
        parent: None,
        ..agency()
    }
}

pub(crate) fn account(id: &str, role: Role) -> Account {
    Account {
        id: id.into(),
        login: format!("{id}@so-xay-dung.mau"),
        display_name: Private::new("Trần Thị Ví Dụ".into()),
        role,
        agency: AGENCY.into(),
        password_hash: None,
        created_at: now(),
        disabled_at: None,
    }
}

/// A register with two agencies and one status list of each.
pub(crate) async fn begun(store: &Store) -> Result<(), StoreError> {
    store
        .run(|mut tx| async move {
            for (number, agency) in [(1, agency()), (2, other_agency())] {
                tx.add_agency(&agency).await?;
                tx.add_status_list(&StatusListRegister {
                    number,
                    capacity: 1 << 20,
                    issuer: agency.issuer,
                    created_at: now(),
                })
                .await?;
            }
            Ok((tx, ()))
        })
        .await
}

/// A vehicle badge; everything that must be unique comes from its number.
pub(crate) fn issued(number: u32) -> Issued {
    Issued {
        id: result_id(number),
        row: uuid(number),
        agency: AGENCY.into(),
        result_type: "vehicle-badge".into(),
        type_number: 1,
        year: 2026,
        number: Some(number.into()),
        number_text: format!("HD48269{number:05}"),
        dossier_code: format!("{AGENCY}-260828-{number:04}"),
        result_code: format!("{AGENCY}-260828-{number:04}-KQ1"),
        issue_date: date!(2026 - 08 - 28),
        valid_from: date!(2026 - 09 - 01),
        valid_to: Some(date!(2028 - 08 - 31)),
        data: Private::new(r#"{"plate":"43C-000.00"}"#.into()),
        credential: vec![1, 0xd2, 0x84],
        kid: [0, 0xa1, 0xff, 0x10],
        list: 1,
        index: number,
        salt: [7; 16],
        leaf_index: number.into(),
        issued_at: now(),
        issued_by: "registrar".into(),
        source_document: Some(Sha256::of(b"came")),
        document: None,
        predecessor: None,
        catalogue_version: "1".into(),
        plates: Private::new(vec!["43C00000".into()]),
    }
}

pub(crate) fn leaf(text: &str) -> Leaf {
    leaf_at(now(), text)
}

pub(crate) fn leaf_at(at: UnixTime, text: &str) -> Leaf {
    Leaf::new(Kind::Checked, at, AGENCY, &[7; SALT], text.as_bytes())
}

/// A check of the result of the same number, not yet in its place in the log.
pub(crate) fn check(number: u32) -> Check {
    Check {
        id: uuid(number),
        content: Sha256::of(&number.to_be_bytes()),
        account: "inspector".into(),
        agency: AGENCY.into(),
        result: Some(result_id(number)),
        result_agency: Some(AGENCY.into()),
        scanned: Sha256::of(b"HTTPS://"),
        verdict: Verdict::Valid,
        report: r#"{"verdict":"valid"}"#.into(),
        seen: Seen::Fits,
        finding: None,
        note: Some(Private::new("xe màu trắng".into())),
        place: Some(Place {
            latitude_e7: 160_471_659,
            longitude_e7: -1_082_068_005,
            accuracy_m: 12,
        }),
        device_time: now().plus(-90),
        received_at: now(),
        salt: Some(vec![9; 16]),
        leaf_index: 0,
        signed: false,
    }
}

pub(crate) fn entry(check: &Check) -> CheckEntry {
    CheckEntry {
        check: check.clone(),
        leaf: leaf("checked"),
        alarms: vec![],
    }
}

pub(crate) async fn record(tx: &mut Tx, check: &Check) -> Result<Check, StoreError> {
    let recorded = tx.record_checks(&[&entry(check)]).await?;
    let [recorded] = recorded.as_slice() else {
        panic!("one answer for one check");
    };
    let recorded = recorded.clone().map_err(StoreError::Conflict)?;
    Ok(recorded.check)
}

pub(crate) fn job(number: u32) -> NewJob {
    NewJob {
        id: uuid(number),
        kind: "publish-status".into(),
        payload: format!(r#"{{"list":{number}}}"#),
        run_at: now(),
    }
}
