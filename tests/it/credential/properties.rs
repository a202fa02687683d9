//! Laws that hold for every credential and every text.

use super::world::{self, NOW};
use dauso::cose::cbor::Value;
use dauso::credential::{Claims, Draft, Evidence, Lists, REQUIRED, StatusRef, judge, scan};
use dauso::report::{Outcome, Verdict};
use dauso::trust::TrustBundle;
use proptest::prelude::*;

/// The world of most vectors.
fn held() -> (TrustBundle, Lists) {
    let (_, bundle) = world::bundles().swap_remove(0);
    let bundle = TrustBundle::open(&bundle, None).unwrap();
    let (_, token) = world::tokens().swap_remove(0);
    let lists = Lists::open(&bundle, [token]);
    (bundle, lists)
}

fn verdict(text: &str, bundle: &TrustBundle, lists: &Lists) -> Verdict {
    let trust = Some(bundle).into();
    let at = world::at(NOW);
    judge(text, &Evidence { trust, lists, at })
        .report
        .verdict(REQUIRED)
}

/// Every character of the text is replaced by a few others: digits, letters, signs, Vietnamese.
#[test]
fn no_single_changed_character_leaves_a_valid_verdict() {
    let (bundle, lists) = held();
    let text = world::text(&world::badge(), "sxd");
    assert_eq!(verdict(&text, &bundle, &lists), Verdict::Valid);
    let address = text.find(world::ID).unwrap();
    let characters: Vec<char> = text.chars().collect();
    for place in 0..characters.len() {
        for other in ['0', '1', '5', '9', 'A', '#', '/', ' ', 'ệ'] {
            let mut changed = characters.clone();
            changed[place] = other;
            let changed: String = changed.into_iter().collect();
            if changed == text {
                continue;
            }
            let became = verdict(&changed, &bundle, &lists);
            // The host is for cameras: another host name is the same credential.
            let is_host = (8..address - 1).contains(&place);
            assert!(is_host || became != Verdict::Valid, "{place} {other}");
        }
    }
}

/// Every bit of the credential, so also those that two digits share.
#[test]
fn no_flipped_bit_leaves_a_valid_verdict() {
    let (bundle, lists) = held();
    let credential = world::sealed(&world::badge(), "sxd");
    for place in 0..credential.bytes().len() {
        for bit in 0..8 {
            let mut bytes = credential.bytes().to_vec();
            bytes[place] ^= 1 << bit;
            let digits = dauso::credential::numeric::encode(&bytes);
            let text = format!("HTTPS://{}/{}#{digits}", world::HOST, world::ID);
            assert_ne!(
                verdict(&text, &bundle, &lists),
                Verdict::Valid,
                "{place} {bit}"
            );
        }
    }
}

fn wire_values() -> impl Strategy<Value = Value> {
    let plain = "[A-Za-z0-9 ,.àảấậđĐươỹ\n]{1,40}";
    prop_oneof![
        (0..=(1_u64 << 53) - 1).prop_map(Value::Uint),
        plain.prop_map(Value::Text),
        prop::collection::vec(plain.prop_map(Value::Text), 1..4).prop_map(Value::Array),
        prop::collection::vec((0_u64..1_440).prop_map(Value::Uint), 1..9).prop_map(Value::Array),
    ]
}

fn claims() -> impl Strategy<Value = Claims> {
    let times = (
        0_i64..200_000_000_000,
        0_i64..200_000_000_000,
        prop::option::of(0_i64..1 << 32),
    );
    let fields = prop::collection::btree_map(3_u32..=255, wire_values(), 0..6);
    let place = (any::<u32>(), 0_u32..1 << 20);
    ("[A-Z0-9]{1,8}", times, any::<u32>(), place, fields).prop_map(
        |(issuer, (iat, nbf, lasting), type_number, (list, index), fields)| {
            let second = dauso::clock::UnixTime::from_seconds;
            Claims {
                issuer,
                issued_at: second(iat),
                not_before: second(nbf),
                expires: lasting.map(|lasting| second(nbf + lasting)),
                type_number,
                status: StatusRef { list, index },
                fields: fields.into_iter().collect(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_credential_that_can_be_made_is_read_as_it_was_made(claims in claims()) {
        prop_assume!(Draft::new(&claims, world::id(), [0; 4]).is_ok());
        let text = world::text(&claims, "sxd");
        let scanned = scan::parse(&text).unwrap();
        prop_assert_eq!(scanned.credential.qr_text(&scanned.host).unwrap(), text);
        let peeked = scanned.credential.peek().unwrap();
        prop_assert_eq!(peeked.as_stated(), &claims);
    }

    #[test]
    fn every_text_that_is_accepted_makes_itself_again(
        digits in "[0-9]{1,80}", host in "[A-Z0-9.:-]{1,12}", id in "[0-9A-Z]{15,17}"
    ) {
        let text = format!("HTTPS://{host}/{id}#{digits}");
        if let Ok(scanned) = scan::parse(&text) {
            prop_assert_eq!(scanned.credential.qr_text(&scanned.host).unwrap(), text);
        }
    }

    #[test]
    fn whatever_is_scanned_gets_a_report_with_every_check(text in "\\PC{0,200}") {
        let evidence = Evidence { trust: None.into(), lists: &Lists::none(), at: world::at(NOW) };
        let report = judge(&text, &evidence).report;
        prop_assert_eq!(report.checks().len(), REQUIRED.len());
        prop_assert!(report.checks().iter().all(|(_, outcome)| *outcome != Outcome::Pass));
    }
}
