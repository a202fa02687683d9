//! The small world of the vectors: agencies, keys, a trust bundle, status lists, and the sample results as
//! claims. Nothing in it exists.

use crate::judges::root;
use dauso::catalogue::{Catalogue, Label, ResultData};
use dauso::clock::UnixTime;
use dauso::cose::cbor::Value;
use dauso::credential::{Claims, Draft, SealedCredential, StatusRef, fields};
use dauso::digest::Sha256;
use dauso::id::ResultId;
use dauso::key::PublicKey;
use dauso::status::token::{self, Terms};
use dauso::status::{Status, StatusList};
use dauso::trust::{self, Agency, Contents, CredentialKey, ListLocation, Operator, ResultType};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use std::fs;

/// When most vectors are judged: a Saturday.
pub(crate) const NOW: &str = "2026-11-21T09:42:00+07:00";
/// The look-up code of most vectors.
pub(crate) const ID: &str = "7K3M9QX2TB4C5D6E";
/// The host of most vectors.
pub(crate) const HOST: &str = "QR.VIDU.TEST";

/// Indices with a status; all others are valid.
pub(crate) const REVOKED: u32 = 1_001;
pub(crate) const SUSPENDED: u32 = 1_002;
pub(crate) const SUPERSEDED: u32 = 1_003;

/// One of the committed test keys.
pub(crate) struct TestKey {
    pair: EcdsaKeyPair,
    pub(crate) public: PublicKey,
}

impl TestKey {
    pub(crate) fn load(name: &str) -> Self {
        let path = root("fixtures/credential/keys").join(format!("{name}.test-key.pem"));
        let pem = fs::read_to_string(path).unwrap();
        let (_, der) = pkcs8::SecretDocument::from_pem(&pem).unwrap();
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(scheme, der.as_bytes(), &SystemRandom::new()).unwrap();
        let public = PublicKey::from_p256_point(pair.public_key().as_ref()).unwrap();
        Self { pair, public }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.pair.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().try_into().unwrap()
    }

    pub(crate) fn kid(&self) -> [u8; 4] {
        self.public.kid()
    }
}

pub(crate) fn at(text: &str) -> UnixTime {
    UnixTime::parse_rfc3339(text).unwrap()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let pairs = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

pub(crate) fn id() -> ResultId {
    ResultId::parse(ID).unwrap()
}

fn label(vi: &str, en: &str) -> Label {
    let (vi, en) = (vi.to_owned(), en.to_owned());
    Label { vi, en }
}

/// Issuer code, key, agency code, names vi and en, result types.
type AgencyRow = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [u32],
);

const AGENCIES: [AgencyRow; 4] = [
    (
        "SXD",
        "sxd",
        "000.00.16.H99",
        "Sở Xây dựng Mẫu",
        "Sample Department of Construction",
        &[1, 2, 3, 4, 8],
    ),
    (
        "SATP",
        "satp",
        "000.00.13.H99",
        "Sở An toàn thực phẩm Thử Nghiệm",
        "Test Department of Food Safety",
        &[5],
    ),
    (
        "SCT",
        "sct",
        "000.00.04.H99",
        "Sở Công Thương Ví Dụ",
        "Example Department of Industry and Trade",
        &[6],
    ),
    (
        "PMT",
        "pmt",
        "000.07.21.H99",
        "Ủy ban nhân dân phường Mẫu Thượng",
        "People's Committee of Mẫu Thượng ward",
        &[7],
    ),
];

pub(crate) fn credential_key(
    name: &str,
    issuer: &str,
    period: [&str; 2],
    types: &[u32],
) -> CredentialKey {
    CredentialKey {
        key: TestKey::load(name).public,
        issuer: issuer.to_owned(),
        not_before: at(period[0]),
        not_after: at(period[1]),
        types: types.to_vec(),
    }
}

/// The bundle that most vectors are judged with.
pub(crate) fn contents() -> Contents {
    let period = ["2026-01-01T00:00:00+07:00", "2027-12-31T23:59:59+07:00"];
    let agencies = AGENCIES.map(|(issuer, _, code, vi, en, _)| Agency {
        issuer: issuer.to_owned(),
        code: code.to_owned(),
        name: label(vi, en),
        system: label(
            "Hệ thống thông tin giải quyết thủ tục hành chính Ví Dụ",
            "Example information system of administrative procedures",
        ),
        seal: (issuer == "SXD").then(|| Sha256::of(b"picture of a seal")),
    });
    let keys =
        AGENCIES.map(|(issuer, key, _, _, _, types)| credential_key(key, issuer, period, types));
    let retired = ["2024-01-01T00:00:00+07:00", "2025-12-31T23:59:59+07:00"];
    let further = [
        credential_key("twin-a", "SXD", period, &[1]),
        credential_key("twin-b", "SXD", period, &[1]),
        credential_key("retired", "SXD", retired, &[1]),
    ];
    let lists = [1, 2].map(|number| ListLocation {
        number,
        uri: list_uri(number),
        key: TestKey::load("lists").public,
    });
    let catalogue = Catalogue::built_in().unwrap();
    Contents {
        operator: Operator {
            code: "VIDU".to_owned(),
            name: label("Trung tâm dữ liệu Ví Dụ", "Example data centre"),
            key: TestKey::load("operator").public,
            next_key: Some(TestKey::load("other-operator").public),
        },
        counter: 7,
        issued_at: at("2026-11-20T08:00:00+07:00"),
        expires: at("2026-12-20T08:00:00+07:00"),
        agencies: agencies.to_vec(),
        keys: keys.into_iter().chain(further).collect(),
        lists: lists.to_vec(),
        types: catalogue
            .types()
            .iter()
            .map(|known| ResultType::of(known))
            .collect(),
        roots: Vec::new(),
    }
}

pub(crate) fn list_uri(number: u32) -> String {
    format!("https://qr.vidu.test/status/{number}")
}

/// The bundles of the vectors by file name.
pub(crate) fn bundles() -> Vec<(&'static str, Vec<u8>)> {
    let current = contents();
    let mut expired = current.clone();
    expired.expires = at("2026-11-20T23:59:59+07:00");
    let mut older = current.clone();
    older.counter = 3;
    older.issued_at = at("2026-08-01T08:00:00+07:00");
    older.keys = vec![credential_key(
        "sxd",
        "SXD",
        ["2026-01-01T00:00:00+07:00", "2026-08-15T23:59:59+07:00"],
        &[1],
    )];
    older.types.retain(|known| known.number == 1);
    let mut without_hours = current.clone();
    for known in &mut without_hours.types {
        known.fields.retain(|field| field.name != "time_windows");
    }
    let mut foreign = current.clone();
    foreign.operator.key = TestKey::load("other-operator").public;
    foreign.operator.next_key = None;
    vec![
        ("current.cose", signed_bundle(&current, "operator")),
        ("expired.cose", signed_bundle(&expired, "operator")),
        ("older.cose", signed_bundle(&older, "operator")),
        (
            "without-hours.cose",
            signed_bundle(&without_hours, "operator"),
        ),
        (
            "other-operator.cose",
            signed_bundle(&foreign, "other-operator"),
        ),
    ]
}

pub(crate) fn signed_bundle(contents: &Contents, key: &str) -> Vec<u8> {
    let draft = trust::Draft::new(contents).unwrap();
    let signature = TestKey::load(key).sign(draft.to_be_signed());
    draft.seal(signature)
}

/// A status list token.
pub(crate) fn token(number: u32, issued: &str, expires: &str, entries: u32, key: &str) -> Vec<u8> {
    let mut list = StatusList::new(entries).unwrap();
    for (index, status) in [
        (REVOKED, Status::Invalid),
        (SUSPENDED, Status::Suspended),
        (SUPERSEDED, Status::Superseded),
    ] {
        if index < entries {
            list.set(index, status).unwrap();
        }
    }
    let terms = Terms {
        uri: list_uri(number),
        issued_at: at(issued),
        expires: at(expires),
        ttl: 900,
    };
    let signer = TestKey::load(key);
    let draft = token::Draft::new(&list, &terms, TestKey::load("lists").kid());
    let signature = signer.sign(draft.to_be_signed());
    draft.seal(signature)
}

/// The status lists of the vectors by file name.
pub(crate) fn tokens() -> Vec<(&'static str, Vec<u8>)> {
    let full = 1 << 20;
    let (today, tuesday) = ("2026-11-21T08:00:00+07:00", "2026-11-24T08:00:00+07:00");
    let mut damaged = token(1, today, tuesday, full, "lists");
    damaged.truncate(200);
    let old = token(
        1,
        "2026-11-19T08:00:00+07:00",
        "2026-11-26T08:00:00+07:00",
        full,
        "lists",
    );
    let december = "2026-12-05T08:00:00+07:00";
    let late = token(2, december, "2026-12-08T08:00:00+07:00", full, "lists");
    let over = token(1, today, "2026-11-21T09:00:00+07:00", full, "lists");
    vec![
        ("1.cwt", token(1, today, tuesday, full, "lists")),
        ("2.cwt", token(2, today, tuesday, full, "lists")),
        ("2-december.cwt", late),
        ("1-old.cwt", old),
        ("1-over.cwt", over),
        ("1-short.cwt", token(1, today, tuesday, 64, "lists")),
        ("1-stranger.cwt", token(1, today, tuesday, full, "stranger")),
        ("1-damaged.cwt", damaged),
    ]
}

/// The data of a sample result.
pub(crate) fn sample(name: &str) -> ResultData {
    let path = root("fixtures/data").join(format!("{name}.json"));
    let json: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let catalogue = Catalogue::built_in().unwrap();
    let known = catalogue.by_code(json["type"].as_str().unwrap()).unwrap();
    known.read(&json, at(NOW).local_date()).unwrap()
}

/// The claims of a sample result: issued at 14:30 on its day of issue.
pub(crate) fn claims_of(data: &ResultData, status: StatusRef) -> Claims {
    let issuer = AGENCIES
        .iter()
        .find(|agency| agency.2 == data.agency_code())
        .unwrap();
    let carried = data
        .fields()
        .filter_map(|(field, value)| fields::carry(field, value).unwrap());
    Claims {
        issuer: issuer.0.to_owned(),
        issued_at: UnixTime::start_of(data.issue_date()).plus(52_200),
        not_before: UnixTime::start_of(data.valid_from()),
        expires: data.valid_to().map(UnixTime::end_of),
        type_number: data.result_type().number,
        status,
        fields: {
            let mut all: Vec<(u32, Value)> = carried.collect();
            all.sort_by_key(|(number, _)| *number);
            all
        },
    }
}

/// The badge that most vectors are made of.
pub(crate) fn badge() -> Claims {
    claims_of(
        &sample("vehicle-badge--a4-tagged"),
        StatusRef { list: 1, index: 77 },
    )
}

/// The restricted-road permit with hours from 21:30 to 05:30.
pub(crate) fn night_permit() -> Claims {
    claims_of(
        &sample("restricted-road-permit--rotate-90"),
        StatusRef { list: 1, index: 78 },
    )
}

/// Signed by one of the test keys for [`ID`].
pub(crate) fn sealed(claims: &Claims, key: &str) -> SealedCredential {
    let key = TestKey::load(key);
    let draft = Draft::new(claims, id(), key.kid()).unwrap();
    let signature = key.sign(draft.to_be_signed());
    draft.seal(signature)
}

/// The QR text of claims signed by one of the test keys.
pub(crate) fn text(claims: &Claims, key: &str) -> String {
    sealed(claims, key).qr_text(HOST).unwrap()
}
