//! Vectors about well-formed credentials: who vouches, is it in force, how old is that knowledge.

use super::vectors::Vector;
use super::world::{self, REVOKED, SUPERSEDED, SUSPENDED};
use dauso::cose::cbor::Value;
use dauso::credential::{Claims, StatusRef, numeric};

const DECEMBER: &str = "2026-12-05T08:00:00+07:00";
const OLD: &str = "2026-11-19T08:00:00+07:00";

pub(super) fn vectors() -> Vec<Vector> {
    [valid(), issuers(), periods(), statuses()]
        .into_iter()
        .flatten()
        .collect()
}

fn good(name: &'static str, description: &'static str, claims: &Claims, key: &str) -> Vector {
    Vector::valid(name, description, world::text(claims, key), claims.clone())
}

fn on(list: u32, index: u32) -> StatusRef {
    StatusRef { list, index }
}

/// One of every result type, and the odd but good ones.
fn valid() -> Vec<Vector> {
    let sample = |name: &'static str, description, file, status, key| {
        good(
            name,
            description,
            &world::claims_of(&world::sample(file), status),
            key,
        )
    };
    let badge = world::badge();
    let address = world::sealed(&badge, "sxd")
        .qr_text("192.168.1.5:8443")
        .unwrap();
    let full = Claims {
        fields: badge
            .fields
            .iter()
            .filter(|(n, _)| *n != 7)
            .cloned()
            .collect(),
        ..badge.clone()
    };
    let with_branch = Claims {
        fields: badge
            .fields
            .iter()
            .cloned()
            .map(|(n, value)| {
                if n == 10 {
                    (n, Value::Uint(10_000_000_007))
                } else {
                    (n, value)
                }
            })
            .collect(),
        ..badge.clone()
    };
    let long_ago = Claims {
        issued_at: world::at("2025-06-02T10:00:00+07:00"),
        not_before: world::at("2025-06-02T00:00:00+07:00"),
        ..badge.clone()
    };
    vec![
        sample(
            "valid-vehicle-badge",
            "A vehicle badge with dossier code and tax code",
            "vehicle-badge--a4-tagged",
            on(1, 77),
            "sxd",
        ),
        sample(
            "valid-restricted-road-permit",
            "A permit with three windows, one of them across midnight",
            "restricted-road-permit--classic-xref-1.4",
            on(1, 79),
            "sxd",
        )
        .at("2026-11-21T14:00:00+07:00"),
        sample(
            "valid-oversize-permit",
            "Lengths and masses in thousandths",
            "oversize-permit--40-pages",
            on(1, 80),
            "sxd",
        ),
        sample(
            "valid-transport-business-licence",
            "A licence without end",
            "transport-business-licence--cairo",
            on(1, 81),
            "sxd",
        ),
        sample(
            "valid-food-safety-certificate",
            "Another agency with its own key and list",
            "food-safety-certificate--user-unit",
            on(2, 5),
            "satp",
        ),
        sample(
            "valid-promotion-notice",
            "An amount of money; judged in December",
            "promotion-notice--ghostscript",
            on(2, 6),
            "sct",
        )
        .at("2026-12-05T09:42:00+07:00")
        .lists(&["2-december.cwt"], Some(DECEMBER)),
        sample(
            "valid-construction-permit",
            "A permit without end",
            "construction-permit--a3-landscape",
            on(2, 7),
            "pmt",
        ),
        sample(
            "valid-practising-certificate",
            "A certificate of a person, without number of identity",
            "practising-certificate--signed-once",
            on(1, 82),
            "sxd",
        ),
        good(
            "valid-fewer-fields",
            "A badge without the name of the operator: every field may be absent",
            &full,
            "sxd",
        ),
        good(
            "valid-branch-tax-code",
            "A tax code of 13 digits, 0000000000-007",
            &with_branch,
            "sxd",
        ),
        Vector::valid(
            "valid-address-with-port",
            "The host is an address with a port; no check looks at it",
            address,
            badge.clone(),
        ),
        good(
            "valid-twin-a",
            "Signed by the first of two keys with one key id",
            &badge,
            "twin-a",
        ),
        good(
            "valid-twin-b",
            "Signed by the second of two keys with one key id: both are tried",
            &badge,
            "twin-b",
        ),
        good(
            "valid-key-since-retired",
            "Signed in time by a key whose period has ended since",
            &long_ago,
            "retired",
        ),
        good(
            "valid-first-second",
            "The first second of the first day",
            &badge,
            "sxd",
        )
        .at("2026-09-01T00:00:00+07:00"),
        good(
            "valid-first-second-utc",
            "The same moment, written in UTC",
            &badge,
            "sxd",
        )
        .at("2026-08-31T17:00:00Z"),
        good(
            "valid-newest-list",
            "An old and a fresh list: the fresh one counts, in either order",
            &badge,
            "sxd",
        )
        .lists(&["1.cwt", "1-old.cwt"], Some("2026-11-21T08:00:00+07:00")),
        good(
            "valid-list-at-its-limit",
            "The list is exactly as old as the type allows, 24 hours",
            &badge,
            "sxd",
        )
        .at("2026-11-20T08:00:00+07:00")
        .lists(&["1-old.cwt"], Some(OLD)),
        good(
            "valid-before-the-list",
            "Judged for a moment before the list was made: its age counts as 0",
            &badge,
            "sxd",
        )
        .at("2026-11-20T08:00:00+07:00"),
        good(
            "valid-beside-a-refused-list",
            "A good list and one that is refused: the good one counts",
            &badge,
            "sxd",
        )
        .lists(
            &["1-stranger.cwt", "1.cwt", "1-damaged.cwt"],
            Some("2026-11-21T08:00:00+07:00"),
        ),
    ]
}

/// Who vouches.
fn issuers() -> Vec<Vector> {
    let badge = world::badge();
    let scope = "fail issuer/out-of-scope";
    let fish = Claims {
        type_number: 5,
        fields: vec![],
        ..badge.clone()
    };
    let licence = world::claims_of(
        &world::sample("transport-business-licence--cairo"),
        on(1, 81),
    );
    let early = Claims {
        issued_at: world::at("2025-12-31T23:59:59+07:00"),
        ..badge.clone()
    };
    let soon = Claims {
        issued_at: world::at("2026-08-15T23:59:59+07:00"),
        ..badge.clone()
    };
    let invalid = "fail signature/invalid";
    let earlier = "not_performed skip/earlier-failure";
    let seats_as_text = Claims {
        fields: badge
            .fields
            .iter()
            .cloned()
            .map(|(n, value)| {
                if n == 8 {
                    (n, Value::text("29"))
                } else {
                    (n, value)
                }
            })
            .collect(),
        ..badge.clone()
    };
    let mut wrong_kind = good(
        "credential-field-of-another-kind",
        "Seats as a text: signed, but not what the type says",
        &seats_as_text,
        "sxd",
    )
    .unvouched("pass", "pass")
    .but("credential", "fail credential/claims");
    wrong_kind = wrong_kind.verdict("invalid");
    let swapped = good(
        "signature-swapped-id",
        "The credential under another look-up code",
        &badge,
        "sxd",
    )
    .text(|text| text.replace(world::ID, "7K3M9QX2TB4C5D6F"));
    let altered = good(
        "signature-altered-claims",
        "One letter of the plate was changed",
        &badge,
        "sxd",
    )
    .text(|text| change_bytes(&text, b"43B-000.00", b"43C-000.00"));
    let altered_claims = Claims {
        fields: badge
            .fields
            .iter()
            .cloned()
            .map(|(n, value)| {
                if n == 6 {
                    (n, Value::text("43C-000.00"))
                } else {
                    (n, value)
                }
            })
            .collect(),
        ..badge.clone()
    };
    let kid = |name: &str| world::TestKey::load(name).kid();
    let kid_of_another = good(
        "signature-kid-of-another-key",
        "The key id of another key than the one that signed",
        &licence,
        "sxd",
    )
    .text(|text| change_bytes(&text, &kid("sxd"), &kid("satp")));
    let neither_twin = good(
        "signature-neither-twin",
        "Two keys have the key id, neither signed",
        &badge,
        "sxd",
    )
    .text(|text| change_bytes(&text, &kid("sxd"), &kid("twin-a")));
    vec![
        good("issuer-unknown", "Signed by a key that is not in the bundle", &badge, "stranger").unvouched("undetermined issuer/unknown", earlier),
        good("issuer-key-of-another-agency", "The key of the food safety department says it is the department of construction", &Claims { type_number: 5, fields: vec![], ..badge.clone() }, "satp").unvouched(scope, "pass"),
        good("issuer-type-out-of-scope", "A food safety certificate by the department of construction", &fish, "sxd").unvouched(scope, "pass"),
        good("issuer-type-not-in-bundle", "A result type that nobody knows", &Claims { type_number: 99, ..badge.clone() }, "sxd").unvouched(scope, "pass"),
        good("issuer-key-not-yet", "Signed one second before the period of the key", &early, "sxd").unvouched("fail issuer/key-period", "pass"),
        good("issuer-key-retired", "Signed after the period of the key", &badge, "retired").unvouched("fail issuer/key-period", "pass"),
        good("issuer-last-second-of-key", "Signed in the last second of the key's period; the bundle is older than the credential", &soon, "sxd").trust(Some("older.cose")),
        good("issuer-key-period-older-bundle", "Signed after the period that an older bundle gives: it may have been extended", &badge, "sxd").trust(Some("older.cose")).but("issuer", "undetermined issuer/key-period").state("in_force", "undetermined"),
        good("issuer-scope-older-bundle", "A type that an older bundle does not know: the key may have been given it since", &licence, "sxd").trust(Some("older.cose")).but("issuer", "undetermined issuer/out-of-scope").but("hours", "not_performed skip/too-old").but("status", "not_performed skip/too-old").state("undecided", "undetermined"),
        good("trust-expired", "The bundle has expired: everything else is still said", &badge, "sxd").trust(Some("expired.cose")).but("issuer", "undetermined trust/bundle-expired").state("in_force", "undetermined"),
        good("trust-other-operator", "The bundle is signed by another operator than the pinned one", &badge, "sxd").trust(Some("other-operator.cose")).unvouched("undetermined trust/bundle-invalid", earlier),
        good("trust-missing", "No trust bundle at hand", &badge, "sxd").trust(None).unvouched("not_performed skip/no-trust", "not_performed skip/no-trust"),
        swapped.unvouched(earlier, invalid),
        altered.unvouched(earlier, invalid).peeked(altered_claims),
        kid_of_another.unvouched(earlier, invalid),
        neither_twin.unvouched(earlier, invalid),
        wrong_kind,
    ]
}

/// The text with bytes of its credential changed.
fn change_bytes(text: &str, from: &[u8], to: &[u8]) -> String {
    let (address, digits) = text.split_once('#').unwrap();
    let bytes = numeric::decode(digits).unwrap();
    let place = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    let changed = [&bytes[..place], to, &bytes[place + from.len()..]].concat();
    format!("{address}#{}", numeric::encode(&changed))
}

/// Days and hours.
fn periods() -> Vec<Vector> {
    let badge = world::badge();
    let night = world::night_permit();
    let outside = |name, description, at| {
        good(name, description, &night, "sxd")
            .at(at)
            .but("hours", "fail hours/outside")
            .state("outside_hours", "invalid")
    };
    let inside = |name, description, at| good(name, description, &night, "sxd").at(at);
    let skipped = "not_performed skip/earlier-failure";
    let yesterday = "not_performed skip/too-old";
    vec![
        good("validity-not-yet", "One second before the first day", &badge, "sxd").at("2026-08-31T23:59:59+07:00").but("validity", "fail validity/not-yet").but("hours", skipped).state("not_yet_effective", "invalid"),
        good("validity-last-second", "The last second of the last day; the list is far too old by then", &badge, "sxd").at("2028-08-31T23:59:59+07:00").but("issuer", "undetermined trust/bundle-expired").but("status", yesterday).state("undecided", "undetermined"),
        good("validity-expired", "One second after the last day", &badge, "sxd").at("2028-09-01T00:00:00+07:00").but("issuer", "undetermined trust/bundle-expired").but("validity", "fail validity/expired").but("hours", skipped).but("status", yesterday).state("expired", "invalid"),
        ended("validity-last-second-fresh", "The last second of the last day, all else fresh", "2026-11-21T23:59:59+07:00"),
        ended("validity-expired-fresh", "One second after the last day, all else fresh", "2026-11-22T00:00:00+07:00").but("validity", "fail validity/expired").but("hours", skipped).state("expired", "invalid"),
        inside("hours-first-minute", "The window begins", "2026-11-21T21:30:00+07:00"),
        inside("hours-across-midnight", "After midnight, in the window that began on the day before", "2026-11-22T02:00:00+07:00"),
        inside("hours-last-second", "The last second of the window", "2026-11-22T05:29:59+07:00"),
        outside("hours-window-ends", "The minute in which the window ends is outside", "2026-11-22T05:30:00+07:00"),
        outside("hours-before", "One second before the window", "2026-11-21T21:29:59+07:00"),
        outside("hours-outside", "In the morning", world::NOW),
        good("hours-not-described", "A bundle that does not know the field with the hours: it cannot be said that there are none", &night, "sxd").at("2026-11-21T23:00:00+07:00").trust(Some("without-hours.cose")).but("hours", yesterday).state("undecided", "undetermined"),
    ]
}

/// A badge whose last day is 21 November 2026.
fn ended(name: &'static str, description: &'static str, at: &'static str) -> Vector {
    let claims = Claims {
        expires: Some(world::at("2026-11-21T23:59:59+07:00")),
        ..world::badge()
    };
    good(name, description, &claims, "sxd").at(at)
}

/// Status lists.
fn statuses() -> Vec<Vector> {
    let badge = world::badge();
    let with = |index| Claims {
        status: on(1, index),
        ..world::badge()
    };
    let list_invalid = "undetermined status/list-invalid";
    let undecided = |vector: Vector, status| {
        vector
            .but("status", status)
            .state("undecided", "undetermined")
    };
    let fails =
        |vector: Vector, status, state| vector.but("status", status).state(state, "invalid");
    let skipped = "not_performed skip/earlier-failure";
    let no_list = "not_performed skip/no-status-list";
    let too_old = "not_performed skip/too-old";
    let old = |name, description, index| {
        good(name, description, &with(index), "sxd").lists(&["1-old.cwt"], Some(OLD))
    };
    let suspended_and_expired = Claims {
        expires: Some(world::at("2026-11-20T23:59:59+07:00")),
        ..with(SUSPENDED)
    };
    let revoked_at_night = Claims {
        status: on(1, REVOKED),
        ..world::night_permit()
    };
    vec![
        undecided(
            good("status-no-list", "No status list at hand", &badge, "sxd").lists(&[], None),
            no_list,
        ),
        undecided(
            good(
                "status-list-of-others",
                "Only the list of other results",
                &badge,
                "sxd",
            )
            .lists(&["2.cwt"], None),
            no_list,
        ),
        undecided(
            good(
                "status-list-not-in-bundle",
                "The credential names a list that the bundle does not have",
                &Claims {
                    status: on(9, 77),
                    ..world::badge()
                },
                "sxd",
            )
            .lists(&["1.cwt"], None),
            no_list,
        ),
        undecided(
            good(
                "status-list-of-a-stranger",
                "The list is signed by another key",
                &badge,
                "sxd",
            )
            .lists(&["1-stranger.cwt"], None),
            list_invalid,
        ),
        undecided(
            good(
                "status-list-damaged",
                "The list is cut short",
                &badge,
                "sxd",
            )
            .lists(&["1-damaged.cwt"], None),
            list_invalid,
        ),
        undecided(
            good(
                "status-list-short",
                "The list ends before the index",
                &badge,
                "sxd",
            )
            .lists(&["1-short.cwt"], Some("2026-11-21T08:00:00+07:00")),
            list_invalid,
        ),
        undecided(
            old(
                "status-list-too-old",
                "The list is two days old, the type allows 24 hours",
                77,
            ),
            too_old,
        ),
        undecided(
            good(
                "status-list-one-second-too-old",
                "One second beyond the 24 hours",
                &badge,
                "sxd",
            )
            .at("2026-11-20T08:00:01+07:00")
            .lists(&["1-old.cwt"], Some(OLD)),
            too_old,
        ),
        undecided(
            good(
                "status-list-over",
                "The list itself has expired, though it is young",
                &badge,
                "sxd",
            )
            .lists(&["1-over.cwt"], Some("2026-11-21T08:00:00+07:00")),
            too_old,
        ),
        undecided(
            old(
                "status-old-list-suspended",
                "An old list says suspended: that may have ended",
                SUSPENDED,
            ),
            "undetermined status/stale",
        ),
        fails(
            old(
                "status-old-list-revoked",
                "An old list says revoked: that is for ever",
                REVOKED,
            ),
            "fail status/revoked",
            "revoked",
        ),
        fails(
            old(
                "status-old-list-superseded",
                "An old list says replaced: that is for ever",
                SUPERSEDED,
            ),
            "fail status/superseded",
            "superseded",
        ),
        fails(
            good("status-revoked", "Revoked", &with(REVOKED), "sxd"),
            "fail status/revoked",
            "revoked",
        ),
        fails(
            good("status-suspended", "Suspended", &with(SUSPENDED), "sxd"),
            "fail status/suspended",
            "suspended",
        ),
        fails(
            good(
                "status-superseded",
                "Replaced by another result",
                &with(SUPERSEDED),
                "sxd",
            ),
            "fail status/superseded",
            "superseded",
        ),
        fails(
            good(
                "status-suspended-and-expired",
                "Suspended, and its last day has passed",
                &suspended_and_expired,
                "sxd",
            )
            .but("validity", "fail validity/expired")
            .but("hours", skipped),
            "fail status/suspended",
            "expired",
        ),
        fails(
            good(
                "status-revoked-outside-hours",
                "Revoked, and outside its hours",
                &revoked_at_night,
                "sxd",
            )
            .but("hours", "fail hours/outside"),
            "fail status/revoked",
            "revoked",
        ),
        undecided(
            good(
                "status-no-list-outside-hours",
                "Outside its hours, and no list at hand",
                &world::night_permit(),
                "sxd",
            )
            .lists(&[], None)
            .but("hours", "fail hours/outside"),
            no_list,
        )
        .verdict("invalid"),
    ]
}
