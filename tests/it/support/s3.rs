//! An S3 service of somebody else (moto) for a test. A missing one fails the test; it never skips.

use crate::judges::root;
use dauso::config::S3;
use dauso::private::Private;
use dauso::store::documents::Bucket;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const BUCKET: &str = "dauso";

/// A service with one empty bucket; ends with this value.
pub(crate) struct Peer {
    address: String,
    directory: tempfile::TempDir,
    process: Child,
}

impl Peer {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(root(".judges/bin/python"))
            .arg(root("tests/judges/s3.py"))
            .arg(BUCKET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("moto is not installed; `make deps` does it");
        let mut address = String::new();
        BufReader::new(process.stdout.take().expect("its stdout"))
            .read_line(&mut address)
            .expect("its address");
        assert!(!address.is_empty(), "moto does not start");
        let directory = tempfile::tempdir().expect("a directory");
        let secret = directory.path().join("secret");
        std::fs::write(&secret, "a secret\n").expect("a file");
        let owner_alone = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&secret, owner_alone).expect("its mode");
        Self {
            address: address.trim_end().to_owned(),
            directory,
            process,
        }
    }

    /// What a data directory is configured with.
    pub(crate) fn config(&self) -> S3 {
        S3 {
            endpoint: format!("http://{}", self.address),
            region: "vidu".to_owned(),
            bucket: BUCKET.to_owned(),
            access_key_id: "dauso".to_owned(),
            secret_access_key_file: self.directory.path().join("secret"),
            ca_file: None,
        }
    }

    /// The same as the store takes it.
    pub(crate) fn bucket(&self) -> Bucket {
        Bucket {
            endpoint: format!("http://{}", self.address),
            region: "vidu".to_owned(),
            name: BUCKET.to_owned(),
            access_key: "dauso".to_owned(),
            secret: Private::new("a secret".to_owned()),
            authorities: None,
            patience: Duration::from_secs(20),
        }
    }

    /// Status and body of a request behind the program's back.
    pub(crate) fn ask(&self, method: &str, key: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).expect("the service listens");
        let length = body.len();
        let head = format!(
            "{method} /{BUCKET}/{key} HTTP/1.0\r\nHost: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=test/20261122/vidu/s3/aws4_request, SignedHeaders=host, Signature=00\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).expect("the request");
        stream.write_all(body).expect("its body");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the answer");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.expect("headers");
        let status = std::str::from_utf8(&answer[9..12]).expect("ASCII").parse();
        (status.expect("a status"), answer[end + 4..].to_vec())
    }

    /// The keys in the bucket.
    pub(crate) fn keys(&self) -> Vec<String> {
        let (status, listing) = self.ask("GET", "?list-type=2", b"");
        assert_eq!(status, 200);
        let listing = String::from_utf8(listing).expect("XML");
        let keys = listing.split("<Key>").skip(1);
        keys.filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned()))
            .collect()
    }

    /// From now on nobody answers there.
    pub(crate) fn stop(&mut self) {
        self.process.kill().expect("killing it");
        self.process.wait().expect("its end");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have been stopped.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
