//! `dauso bench`: the figures that we publish, each beside its limit in the same run.
//!
//! Every line is a rate of one core and its share of the raw operation that bounds it, measured in turns
//! so that a busy neighbour slows both. Only the shares are worth comparing between machines.

use super::samples::{SAMPLES, agencies};
use super::{Exit, operator};
use crate::app::Installation;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::credential::{self, Evidence, Lists, Trust};
use crate::issuance::{Outcome, Receipt, Request};
use crate::key::PublicKey;
use crate::qr::Symbol;
use crate::trust::TrustBundle;
use anyhow::Context as _;
use clap::Args;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Args)]
pub(super) struct Bench {
    /// Seconds for each line
    #[arg(long, default_value_t = 2)]
    seconds: u64,
}

/// Turns into which the time of a line is cut.
const TURNS: u32 = 8;

impl Bench {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let dir = tempfile::tempdir()?;
        let clock = Arc::new(SystemClock);
        let config = Config::default();
        let dir = dir.path().join("bench");
        let made = Installation::create(&dir, &config, None, clock).await?;
        for agency in agencies().iter().take(2) {
            made.add_agency(agency).await?;
        }
        let badge = issue(&made, 0, false).await?;
        let bundle = made.publisher().bundle().await?;
        let bundle = TrustBundle::open(&bundle.content, None)?;
        let raw = Raw::new()?;
        println!("{:<44}{:>12}{:>12}  of", "", "per second", "share");
        self.verifying(&raw, &bundle, &badge);
        self.symbols(&raw, &badge)?;
        self.issuing(&raw, &made).await?;
        Ok(Exit::Done)
    }

    /// A scanned text to its report, beside the one signature check in it.
    fn verifying(&self, raw: &Raw, bundle: &TrustBundle, badge: &Receipt) {
        let lists = Lists::none();
        let at = SystemClock.now();
        let evidence = Evidence {
            trust: Trust::Held(bundle),
            lists: &lists,
            at,
        };
        let (ours, bound) = self.in_turns(
            || drop(credential::judge(&badge.qr_text, &evidence)),
            || raw.verify(),
        );
        line("verify a QR text offline", ours, bound, "P-256 verify");
    }

    /// A symbol made and read back, beside one signature.
    fn symbols(&self, raw: &Raw, badge: &Receipt) -> anyhow::Result<()> {
        let symbol = Symbol::for_issue(&badge.qr_text)?;
        let (ours, bound) =
            self.in_turns(|| drop(Symbol::for_issue(&badge.qr_text)), || raw.sign());
        let what = format!("make and read back a version {} symbol", symbol.version());
        line(&what, ours, bound, "P-256 sign");
        Ok(())
    }

    /// Issuing to the register's disk, with and without a PDF, beside the signatures in it.
    async fn issuing(&self, raw: &Raw, made: &Installation) -> anyhow::Result<()> {
        for (what, with_pdf) in [
            ("issue a QR, durably", false),
            ("issue a signed PDF, durably", true),
        ] {
            let until = Instant::now() + Duration::from_secs(self.seconds);
            let (mut count, started) = (0_u32, Instant::now());
            while Instant::now() < until {
                count += 1;
                issue(made, count, with_pdf).await?;
            }
            let ours = rate(count, started.elapsed());
            let (bound, _) = self.in_turns(|| raw.sign(), || ());
            line(what, ours, bound, "P-256 sign");
        }
        Ok(())
    }

    /// The rates of two operations, measured in turns.
    fn in_turns(&self, mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
        let turn = Duration::from_secs(self.seconds) / (2 * TURNS);
        let mut total = [(0, Duration::ZERO); 2];
        for _ in 0..TURNS {
            for (which, (count, spent)) in total.iter_mut().enumerate() {
                let started = Instant::now();
                while started.elapsed() < turn {
                    if which == 0 {
                        one();
                    } else {
                        other();
                    }
                    *count += 1;
                }
                *spent += started.elapsed();
            }
        }
        let [(ones, first), (others, second)] = total;
        (rate(ones, first), rate(others, second))
    }
}

fn rate(count: u32, spent: Duration) -> f64 {
    f64::from(count) / spent.as_secs_f64()
}

fn line(what: &str, ours: f64, bound: f64, of: &str) {
    println!(
        "{what:<44}{ours:>12.0}{:>11.1}%  {of} ({bound:.0}/s)",
        100.0 * ours / bound
    );
}

/// The raw operations that bound ours.
struct Raw {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    public: PublicKey,
    signature: Vec<u8>,
}

/// As long as what a credential signs.
const MESSAGE: [u8; 250] = [7; 250];

impl Raw {
    fn new() -> anyhow::Result<Self> {
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

    fn sign(&self) {
        let _made = std::hint::black_box(self.pair.sign(&self.random, &MESSAGE));
    }

    fn verify(&self) {
        assert!(
            self.public.verifies(&MESSAGE, &self.signature),
            "a good signature"
        );
    }
}

/// Issues the first sample under a dossier of its own.
async fn issue(made: &Installation, count: u32, with_pdf: bool) -> anyhow::Result<Receipt> {
    let sample = &SAMPLES[0];
    let mut data = sample.data(SystemClock.now().local_date())?;
    let kind = if with_pdf { 2 } else { 1 };
    data.insert(
        "dossier_code".into(),
        format!("000.00.16.H99-26000{kind}-{count:06}").into(),
    );
    data.remove("result_code");
    data.remove("badge_number");
    let pdf = with_pdf.then(|| sample.pdf.to_vec());
    let request = Request {
        data,
        pdf,
        once: None,
    };
    match made
        .issuer()?
        .issue(&operator("000.00.16.H99"), request)
        .await?
    {
        Outcome::Issued(receipt) => Ok(receipt),
        Outcome::Replayed(_) => None.context("replayed without a key"),
    }
}
