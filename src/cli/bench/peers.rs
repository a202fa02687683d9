//! Servers that others would write for the same job: bench/peers.

use super::load::{self, Requests};
use super::ours;
use super::process::Process;
use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// A peer that listens.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) process: Process,
}

/// A key with one token signed by it: the claims of a badge as a JWS of usual length.
pub(super) struct Token {
    x: String,
    y: String,
    text: String,
}

impl Token {
    pub(super) fn new() -> anyhow::Result<Self> {
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let failed = |_| anyhow::anyhow!("no key can be made");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &random).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref(), &random);
        let pair = pair.map_err(|_| anyhow::anyhow!("no key can be read"))?;
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let claims = json!({
            "sub": "7K3M9QX2TB4C5D6E", "exp": 4_102_444_800_u32, "idx": 4_711, "type": 1,
            "plate": "43B-000.00", "operator": "Công ty Cổ phần Vận tải Ví Dụ",
        });
        let head = encode(br#"{"alg":"ES256"}"#);
        let signed = format!("{head}.{}", encode(claims.to_string().as_bytes()));
        let signature = pair.sign(&random, signed.as_bytes()).map_err(failed)?;
        let text = format!("{signed}.{}", encode(signature.as_ref()));
        // Uncompressed: 4, 32 bytes of x, 32 bytes of y.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        Ok(Self {
            x: encode(x),
            y: encode(y),
            text,
        })
    }

    fn environment<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("PUBLIC_X", &self.x).env("PUBLIC_Y", &self.y)
    }

    /// The question about this token.
    pub(super) fn requests(&self, address: SocketAddr) -> Requests {
        let body = json!({"code": self.text}).to_string();
        let request = load::post(address, "/verifications", "", &body);
        Arc::new(move |_| request.clone())
    }
}

/// Express and jose on Node.
pub(super) async fn express(folder: &Path, token: &Token) -> anyhow::Result<Peer> {
    let address = ours::free_address()?;
    let mut command = Command::new("node");
    command.arg(folder.join("express/server.mjs"));
    command.env("PORT", address.port().to_string());
    command.env("NODE_ENV", "production");
    started(token.environment(&mut command), address).await
}

/// FastAPI and cryptography on uvicorn.
pub(super) async fn fastapi(folder: &Path, token: &Token) -> anyhow::Result<Peer> {
    let address = ours::free_address()?;
    let folder = folder
        .join("fastapi")
        .canonicalize()
        .context("bench/peers/fastapi")?;
    let mut command = Command::new(folder.join(".venv/bin/python"));
    command.args([
        "-m",
        "uvicorn",
        "server:app",
        "--no-access-log",
        "--log-level",
        "warning",
    ]);
    command.args(["--loop", "uvloop", "--http", "httptools"]);
    command.args(["--port", &address.port().to_string()]);
    command.current_dir(folder);
    started(token.environment(&mut command), address).await
}

async fn started(command: &mut Command, address: SocketAddr) -> anyhow::Result<Peer> {
    let mut process = Process::start(command)?;
    process.listening(address).await?;
    Ok(Peer { address, process })
}
