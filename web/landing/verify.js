// Fills answer 1 of the landing page on the phone itself.
//
// The credential stands behind the # of the address, which no browser sends anywhere; neither does this
// script: it makes no request, stores nothing and leaves the address as it is. It reads the digits as
// docs/formats/numeric-url.md and credential.md say, checks the signature with WebCrypto and compares the
// code with the register's. Written without a build step; the page gets it without comments and indents,
// which is why comments stand on lines of their own.

/** The order of the curve P-256, halved: a signature's s may not be above it (FIPS 186-5). */
const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
const MAX_BYTES = 512;
const MAX_DEPTH = 8;
/** Digits that stand for 0 to 7 bytes. */
const DIGITS = [0, 3, 5, 8, 10, 13, 15, 17];
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** The private claim with type, status and fields. */
const RESULT = -70001;

/** Why a check did not pass; the codes of the server's reports. */
export class Refused extends Error {
  constructor(check, reason) {
    super(reason);
    this.check = check;
  }
}

/** The bytes that the digits stand for: 17 digits for 7 bytes, each group a big-endian number. */
export function bytesOfDigits(digits) {
  const refuse = (reason) => { throw new Refused("code", reason); };
  if (digits === "") refuse("code/no-credential");
  if (!/^[0-9]+$/.test(digits)) refuse("code/trailing-text");
  if (digits.length > Math.ceil(MAX_BYTES / 7) * 17) refuse("code/too-long");
  const bytes = [];
  for (let at = 0; at < digits.length; at += 17) {
    const group = digits.slice(at, at + 17);
    const length = DIGITS.indexOf(group.length);
    if (length < 0) refuse("code/tail-length");
    const number = BigInt(group);
    if (number >> BigInt(8 * length)) refuse("code/not-canonical");
    for (let byte = length - 1; byte >= 0; byte--) bytes.push(Number((number >> BigInt(8 * byte)) & 255n));
  }
  return Uint8Array.from(bytes);
}

/** The 10 bytes of a look-up code of 16 characters. */
export function bytesOfId(id) {
  let bits = 0n;
  for (const c of id) bits = (bits << 5n) | BigInt(ALPHABET.indexOf(c));
  return Uint8Array.from({ length: 10 }, (_, at) => Number((bits >> BigInt(8 * (9 - at))) & 255n));
}

/**
 * One item of deterministic CBOR (RFC 8949, 4.2.1) that fills the bytes. Whole numbers become BigInt,
 * tags {tag, item}; maps become Map, keyed by a number or by the spelling of the key.
 */
export function readCbor(bytes) {
  const refuse = (reason) => { throw new Refused("credential", "credential/" + reason); };
  let at = 0;
  const take = (length) => {
    if (length > bytes.length - at) refuse("malformed");
    at += length;
    return bytes.subarray(at - length, at);
  };
  const argument = (major, info) => {
    if (info < 24) return BigInt(info);
    if (info > 27) refuse(info === 31 && major > 1 && major < 6 ? "not-deterministic" : "malformed");
    let number = 0n;
    for (const byte of take(1 << (info - 24))) number = (number << 8n) | BigInt(byte);
    if (number < [24n, 0x100n, 0x10000n, 0x100000000n][info - 24]) refuse("not-deterministic");
    return number;
  };
  const item = (depth) => {
    const first = take(1)[0];
    const major = first >> 5;
    if (major === 7) {
      if (first === 0xff) refuse("not-deterministic");
      if (first < 0xf4 || first > 0xf6) refuse("malformed");
      return [false, true, null][first - 0xf4];
    }
    const number = argument(major, first & 31);
    if (major === 0) return number;
    if (major === 1) return -1n - number;
    if (major === 2) return take(Number(number));
    if (major === 3) return text(take(Number(number)));
    if (depth === MAX_DEPTH) refuse("malformed");
    if (major === 6) return { tag: number, item: item(depth + 1) };
    if (major === 4) {
      const items = [];
      for (let left = number; left > 0n; left--) items.push(item(depth + 1));
      return items;
    }
    const map = new Map();
    let previous = null;
    for (let left = number; left > 0n; left--) {
      const from = at;
      const key = item(depth + 1);
      const spelled = hex(bytes.subarray(from, at));
      if (spelled === previous) refuse("duplicate-key");
      if (previous !== null && spelled < previous) refuse("not-deterministic");
      previous = spelled;
      map.set(typeof key === "bigint" ? Number(key) : spelled, item(depth + 1));
    }
    return map;
  };
  const text = (utf8) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(utf8);
    } catch {
      return refuse("malformed");
    }
  };
  const whole = item(0);
  if (at < bytes.length) refuse("malformed");
  return whole;
}

/** A credential taken apart: version byte, then COSE_Sign1 with exactly alg and kid protected. */
export function readCredential(bytes) {
  if (bytes[0] !== 1) throw new Refused("code", "code/unknown-version");
  const refuse = (reason) => { throw new Refused("credential", "credential/" + reason); };
  if (bytes.length > MAX_BYTES) refuse("oversize");
  const cose = readCbor(bytes.subarray(1));
  if (cose?.tag !== 18n || !Array.isArray(cose.item) || cose.item.length !== 4) refuse("malformed");
  const [header, unprotected, payload, signature] = cose.item;
  for (const part of [header, payload, signature]) if (!(part instanceof Uint8Array)) refuse("malformed");
  const headers = header.length ? readCbor(header) : new Map();
  for (const map of [headers, unprotected]) {
    if (!(map instanceof Map) || [...map.keys()].some((key) => typeof key !== "number")) refuse("malformed");
  }
  if (unprotected.has(1)) refuse("algorithm");
  if (unprotected.has(4)) refuse("key-id");
  if (headers.has(2) || unprotected.has(2)) refuse("critical-header");
  if (unprotected.size || [...headers.keys()].some((key) => key !== 1 && key !== 4)) refuse("malformed");
  if (headers.get(1) !== -7n) refuse("algorithm");
  const kid = headers.get(4);
  if (!(kid instanceof Uint8Array) || kid.length !== 4) refuse("key-id");
  if (signature.length !== 64) refuse("signature-form");
  if (BigInt("0x" + hex(signature.subarray(32))) > HALF_ORDER) refuse("high-s");
  return { header, kid: hex(kid), payload, signature, claims: readClaims(payload) };
}

/** What the script needs of the claims: issuer, time of issue and number of the result type. */
function readClaims(payload) {
  const claims = readCbor(payload);
  const result = claims instanceof Map ? claims.get(RESULT) : undefined;
  const [issuer, issued, type] = [claims.get?.(1), claims.get?.(6), result?.get?.(0)];
  if (typeof issuer !== "string" || typeof issued !== "bigint" || typeof type !== "bigint") {
    throw new Refused("credential", "credential/claims");
  }
  return { issuer, issued: Number(issued), type: Number(type) };
}

/** The Sig_structure of RFC 9052, 4.4, bound to the look-up code. */
function toBeSigned(header, id, payload) {
  const string = (bytes) => {
    const length = bytes.length;
    const head = length < 24 ? [0x40 | length] : length < 256 ? [0x58, length] : [0x59, length >> 8, length & 255];
    return [...head, ...bytes];
  };
  const context = [0x84, 0x6a, ...new TextEncoder().encode("Signature1")];
  return Uint8Array.from([...context, ...string(header), ...string(id), ...string(payload)]);
}

/**
 * How each check went, in the words of the server's reports: "pass", "fail code", "undetermined code".
 * `page` is {id, keys: [{kid, x, y, iss, nbf, exp, types}], credential_sha256}.
 */
export async function check(digits, page, subtle) {
  const report = {};
  try {
    const bytes = bytesOfDigits(digits);
    const credential = readCredential(bytes);
    Object.assign(report, { code: "pass", credential: "pass" });
    const { key, word } = await signer(credential, page, subtle);
    report.issuer = word;
    if (word !== "undetermined issuer/unknown") {
      report.credential_signature = key ? "pass" : "fail signature/invalid";
    }
    if (page.credential_sha256) {
      const digest = hex(new Uint8Array(await subtle.digest("SHA-256", bytes)));
      report.register = digest === page.credential_sha256 ? "pass" : "fail register/mismatch";
    }
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (refused.check === "credential") report.code = "pass";
    const word = refused.message === "code/unknown-version" ? "undetermined" : "fail";
    report[refused.check] = word + " " + refused.message;
  }
  return report;
}

/** The key that signed, and what is to be said about it. All keys with the credential's kid are tried. */
async function signer({ header, kid, payload, signature, claims }, page, subtle) {
  const candidates = page.keys.filter((key) => key.kid === kid);
  if (!candidates.length) return { word: "undetermined issuer/unknown" };
  const message = toBeSigned(header, bytesOfId(page.id), payload);
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  for (const key of candidates) {
    const jwk = { kty: "EC", crv: "P-256", x: key.x, y: key.y };
    const imported = await subtle.importKey("jwk", jwk, curve, false, ["verify"]);
    if (!(await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, signature, message))) continue;
    return { key, word: scope(key, claims) };
  }
  return { word: scope(candidates[0], claims) };
}

/** Whether the key may sign this: issuer and type first, then the time. */
function scope(key, claims) {
  if (key.iss !== claims.issuer || !key.types.includes(claims.type)) return "fail issuer/out-of-scope";
  return claims.issued < key.nbf || claims.issued > key.exp ? "fail issuer/key-period" : "pass";
}

/** Which message of the page tells this report. */
export function messageFor(report) {
  const words = Object.values(report);
  const has = (start) => words.some((word) => word.startsWith(start));
  if (has("fail code/")) return "unreadable";
  if (has("fail credential/") || has("fail issuer/") || has("fail signature/")) return "invalid";
  if (has("fail register/")) return "differs";
  if (has("undetermined code/")) return "version";
  if (has("undetermined issuer/")) return "issuer";
  return "valid";
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Puts the answer into the page. Without digits, or where the browser has no WebCrypto, nothing changes. */
async function answer() {
  const digits = location.hash.slice(1);
  const subtle = globalThis.crypto?.subtle;
  if (!digits || !subtle) return;
  const page = JSON.parse(document.getElementById("dauso").textContent);
  const name = messageFor(await check(digits, page, subtle));
  const { tone, answer, text, line } = page.messages[name];
  const row = document.getElementById("code");
  row.className = "answer t-" + tone;
  row.dataset.code = name;
  row.querySelector(".ico").replaceWith(document.getElementById("icon-" + tone).content.cloneNode(true));
  row.querySelector(".a").textContent = answer;
  row.querySelector(".d").textContent = text;
  row.querySelector(".line").textContent = line;
}

if (globalThis.document) {
  // The page in the other language is about the same code.
  document.querySelector("a.lang").hash = location.hash;
  addEventListener("hashchange", () => location.reload());
  answer();
}
