//! Verifying a QR text beside the signature check in it, and the raw operations for everybody.

use super::table::{Line, Table, percent, time};
use super::turns::in_turns;
use super::{Effort, ours};
use crate::clock::{Clock as _, SystemClock};
use crate::credential::{self, Evidence, Lists, Trust};
use crate::key::PublicKey;
use crate::trust::TrustBundle;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

/// A scanned text to its report, beside the one signature check in it.
pub(super) async fn measure(table: &mut Table, effort: Effort) -> anyhow::Result<()> {
    table.part("The credential");
    let raw = Raw::new()?;
    let place = tempfile::tempdir()?;
    let made = ours::installation(place.path(), None, ours::config()?).await?;
    let badge = ours::issue(&made, ours::badge(1)?, None).await?;
    let bundle = made.publisher().bundle().await?;
    let bundle = TrustBundle::open(&bundle.content, None)?;
    let lists = Lists::none();
    let evidence = Evidence {
        trust: Trust::Held(&bundle),
        lists: &lists,
        at: SystemClock.now(),
    };
    let [judged, verified] = in_turns(
        effort,
        [
            &mut || drop(credential::judge(&badge.qr_text, &evidence)),
            &mut || raw.verify(),
        ],
    )?;
    table.add(Line {
        what: "judge a scanned text, offline".into(),
        figure: time(judged.median()),
        beside: format!("ring P-256 verify {}", time(verified.median())),
        ratio: percent(verified.ratio(&judged)),
        goal: None,
    });
    Ok(())
}

/// The raw operations that bound ours.
pub(super) struct Raw {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    public: PublicKey,
    signature: Vec<u8>,
}

/// As long as what a credential signs.
const MESSAGE: [u8; 250] = [7; 250];

impl Raw {
    pub(super) fn new() -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let failed = |_| anyhow::anyhow!("no key can be made");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &random).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref(), &random)
            .map_err(|_| anyhow::anyhow!("no key can be read"))?;
        let public = PublicKey::from_p256_point(pair.public_key().as_ref())?;
        let signature = pair
            .sign(&random, &MESSAGE)
            .map_err(failed)?
            .as_ref()
            .to_vec();
        Ok(Self {
            pair,
            random,
            public,
            signature,
        })
    }

    pub(super) fn sign(&self) {
        let _made = std::hint::black_box(self.pair.sign(&self.random, &MESSAGE));
    }

    pub(super) fn verify(&self) {
        assert!(
            self.public.verifies(&MESSAGE, &self.signature),
            "a good signature"
        );
    }
}
