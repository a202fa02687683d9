// The landing page's script against the vectors that also judge the server's code.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { bytesOfDigits, bytesOfId, check, readCbor, Refused, verdictOf } from "../landing/verify.js";

const vectors = new URL("../../fixtures/credential/", import.meta.url);
const subtle = globalThis.crypto.subtle;

/** What the page would hold: the keys of a trust bundle, and the moment it tells of. */
function told(file) {
  const contents = readCbor(readCbor(readFileSync(new URL(file, vectors))).item[2]);
  const base64 = (bytes) => Buffer.from(bytes).toString("base64url");
  const keys = contents.get(6n).map(async (key) => ({
    kid: await kid(key.get(0n)),
    x: base64(key.get(0n).subarray(1, 33)),
    y: base64(key.get(0n).subarray(33)),
    iss: key.get(1n),
    nbf: Number(key.get(2n)),
    exp: Number(key.get(3n)),
    types: key.get(4n).map(Number),
  }));
  return Promise.all(keys).then((keys) => ({ at: Number(contents.get(3n)), keys }));
}

/** The first 4 bytes of the SHA-256 of the key's SubjectPublicKeyInfo. */
async function kid(point) {
  const header = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex");
  const digest = await subtle.digest("SHA-256", Buffer.concat([header, point]));
  return Buffer.from(digest).subarray(0, 4).toString("hex");
}

/** What the script cannot know: other trust than its page, the catalogue, hosts and look-up codes. */
const BEYOND = [
  /^trust-/,
  /^credential-field-of-another-kind$/,
  /^code-bad-id/,
  /^code-foreign/,
];

for (const file of readdirSync(vectors).filter((name) => name.endsWith(".json"))) {
  const vector = JSON.parse(readFileSync(new URL(file, vectors), "utf8"));
  if (BEYOND.some((name) => name.test(vector.name))) continue;
  test(`${vector.name}: ${vector.description}`, async () => {
    const id = vector.text.split("/")[3].split("#")[0];
    const page = { id, ...(await told(vector.trust)) };
    const report = await check(vector.text.includes("#") ? vector.text : vector.text + "#", page, subtle);
    const { code, credential, credential_signature, ...expected } = vector.expected.checks;
    // A bundle gets old in a pocket; a page comes with the keys of its own moment.
    const issuer = expected.issuer === "undetermined trust/bundle-expired" ? "pass" : expected.issuer;
    assert.deepEqual(report, { code, credential, issuer, credential_signature });
    const passed = Object.values(report).every((word) => word === "pass");
    assert.equal(verdictOf(report).name === "valid", passed);
    assert.equal(verdictOf(report).tone === "stop", Object.values(report).some((word) => word.startsWith("fail")));
  });
}

test("a code that differs from the register is told, whatever its signature says", async () => {
  const vector = JSON.parse(readFileSync(new URL("valid-vehicle-badge.json", vectors), "utf8"));
  const id = vector.text.split("/")[3].split("#")[0];
  const page = { id, ...(await told(vector.trust)) };
  const bytes = bytesOfDigits(vector.text.split("#")[1]);
  const credential_sha256 = Buffer.from(await subtle.digest("SHA-256", bytes)).toString("hex");
  const same = await check(vector.text, { ...page, credential_sha256 }, subtle);
  assert.deepEqual([same.register, verdictOf(same).name], ["pass", "valid"]);
  const other = await check(vector.text, { ...page, credential_sha256: "00".repeat(32) }, subtle);
  assert.deepEqual([other.register, verdictOf(other)], ["fail register/mismatch", { name: "differs", tone: "stop" }]);
  const unknown = await check(vector.text, { ...page, keys: [], credential_sha256: "00".repeat(32) }, subtle);
  assert.deepEqual([unknown.issuer, verdictOf(unknown).name], ["undetermined issuer/unknown", "differs"]);
});

test("the bytes of a look-up code are those of the server", () => {
  assert.equal(Buffer.from(bytesOfId("7K3M9QX2TB4C5D6E")).toString("hex"), "3cc744dfa2d2c8c2b4ce");
  assert.equal(Buffer.from(bytesOfId("ZZZZZZZZZZZZZZZZ")).toString("hex"), "ff".repeat(10));
});

test("no change of one byte goes unnoticed", async () => {
  const vector = JSON.parse(readFileSync(new URL("valid-vehicle-badge.json", vectors), "utf8"));
  const id = vector.text.split("/")[3].split("#")[0];
  const page = { id, ...(await told(vector.trust)) };
  const bytes = bytesOfDigits(vector.text.split("#")[1]);
  const widths = [0, 3, 5, 8, 10, 13, 15, 17];
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] ^= 1;
    let digits = "";
    for (let from = 0; from < changed.length; from += 7) {
      const group = changed.subarray(from, from + 7);
      digits += BigInt("0x" + group.toString("hex")).toString().padStart(widths[group.length], "0");
    }
    const verdict = verdictOf(await check(`https://host/${id}#${digits}`, page, subtle));
    assert.notEqual(verdict.name, "valid", `byte ${at}`);
  }
});

test("an array that promises more than there is costs nothing", () => {
  assert.throws(() => readCbor(Uint8Array.from([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])), Refused);
  assert.throws(() => readCbor(new Uint8Array(400).fill(0x81)), Refused);
});
