//! An authority with its services, and OpenSSL in their place.

use crate::pki::{openssl, text};
use dauso::clock::{Clock as _, SystemClock, UnixTime};
use dauso::key::{Algorithm, PublicKey};
use dauso::pki::{Certificate, Chain};
use dauso::signer::authority::{DemoAuthority, Service, Validity};
use dauso::signer::services::{StatusService, TimeStampService};
use dauso::signer::{PrivateKey, Subject};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) const DAY: i64 = 86_400;

/// OpenSSL asks the system for the time, so the tests do.
pub(crate) fn now() -> UnixTime {
    SystemClock.now()
}

/// A year to both sides of now.
pub(crate) fn around_now() -> Validity {
    Validity {
        not_before: now().plus(-365 * DAY),
        not_after: now().plus(365 * DAY),
    }
}

pub(crate) struct World {
    pub(crate) authority: DemoAuthority,
    pub(crate) stamps: TimeStampService,
    pub(crate) status: StatusService,
    pub(crate) key: PrivateKey,
    pub(crate) chain: Chain,
    folder: TempDir,
}

/// A service whose key OpenSSL has.
pub(crate) struct Outside {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) chain: Chain,
}

impl World {
    pub(crate) fn new() -> Self {
        let validity = around_now();
        let authority = DemoAuthority::generate(validity).unwrap();
        let key = PrivateKey::generate(Algorithm::Es256).unwrap();
        let subject = Subject::agency("Sở Xây dựng thành phố Ví Dụ", "H00.1");
        let chain = authority
            .issue(&subject, key.public_key(), validity)
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let issuing = authority.issuing().pem();
        fs::write(folder.path().join("root.pem"), authority.root().pem()).unwrap();
        fs::write(folder.path().join("issuing.pem"), &issuing).unwrap();
        fs::write(folder.path().join("leaf.pem"), chain.leaf().pem()).unwrap();
        Self {
            stamps: TimeStampService::generate(&authority, validity).unwrap(),
            status: StatusService::generate(&authority, validity).unwrap(),
            authority,
            key,
            chain,
            folder,
        }
    }

    pub(crate) fn roots(&self) -> Vec<Certificate> {
        vec![self.authority.root().clone()]
    }

    pub(crate) fn leaf(&self) -> &Certificate {
        self.chain.leaf()
    }

    pub(crate) fn issuing(&self) -> &Certificate {
        self.authority.issuing()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A key that OpenSSL has, and a certificate for it.
    pub(crate) fn outside(
        &self,
        name: &str,
        issue: impl FnOnce(&DemoAuthority, &PublicKey) -> Chain,
    ) -> Outside {
        let key = self.path(&format!("{name}.key"));
        let der = self.path(&format!("{name}.key.der"));
        let curve = "ec_paramgen_curve:P-256";
        let make = ["genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out"];
        openssl(&[&make[..], &[text(&key)]].concat());
        let convert = ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"];
        let files = ["-in", text(&key), "-out", text(&der)];
        openssl(&[&convert[..], &files].concat());
        let read = PrivateKey::from_pkcs8(&fs::read(&der).unwrap()).unwrap();
        let chain = issue(&self.authority, read.public_key());
        let certificate = self.write(&format!("{name}.pem"), chain.leaf().pem());
        Outside {
            certificate,
            key,
            chain,
        }
    }

    /// The same for a service.
    pub(crate) fn outside_service(
        &self,
        name: &str,
        service: Service,
        validity: Validity,
    ) -> Outside {
        self.outside(name, |authority, key| {
            let named = format!("{name} of OpenSSL");
            authority
                .issue_service(service, &named, key, validity)
                .unwrap()
        })
    }

    /// OpenSSL's answer as this time-stamp authority to a question in a file; `more` goes into its
    /// configuration.
    pub(crate) fn openssl_stamps(&self, service: &Outside, query: &Path, more: &str) -> Vec<u8> {
        let configuration = stamps_configuration(
            &self.path("serial"),
            service,
            &self.path("issuing.pem"),
            more,
        );
        let configuration = self.write("ts.cnf", configuration);
        let out = self.path("answer.tsr");
        let reply = ["ts", "-reply", "-section", "tsa", "-config"];
        let files = [
            text(&configuration),
            "-queryfile",
            text(query),
            "-out",
            text(&out),
        ];
        openssl(&[&reply[..], &files].concat());
        fs::read(out).unwrap()
    }
}

/// The configuration of OpenSSL's time-stamp authority.
pub(crate) fn stamps_configuration(
    serial: &Path,
    service: &Outside,
    above: &Path,
    more: &str,
) -> String {
    format!(
        "[tsa]\n\
         serial = {}\n\
         signer_cert = {}\n\
         certs = {}\n\
         signer_key = {}\n\
         signer_digest = sha256\n\
         ess_cert_id_alg = sha256\n\
         default_policy = 1.3.6.1.4.1.32473.1.7\n\
         other_policies = 1.3.6.1.4.1.32473.1.8\n\
         digests = sha256, sha384, sha512\n\
         accuracy = secs:1, millisecs:500\n\
         clock_precision_digits = 3\n\
         ordering = yes\n\
         tsa_name = yes\n\
         {more}\n",
        text(serial),
        text(&service.certificate),
        text(above),
        text(&service.key),
    )
}
