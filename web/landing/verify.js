// Fills answer 1 of the landing page on the phone itself.
//
// The credential stands behind the # of the address, which no browser sends anywhere; neither does this
// script: it makes no request, stores nothing and leaves the address as it is. It reads the digits as
// docs/formats/numeric-url.md and credential.md say, checks the signature with WebCrypto and compares the
// code with the register's. Written without a build step; the page gets it without comments and indents,
// which is why comments stand on lines of their own.

/** The order of the curve P-256, halved: a signature's s may not be above it (FIPS 186-5). */
const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
/** Caps on what a stranger may have put behind the #: characters, bytes, nested items, items of a list. */
const MAX_TEXT = 2048;
const MAX_BYTES = 512;
const MAX_DEPTH = 8;
const MAX_ITEMS = 64;
/** The last second of the year 9999 in Vietnam. */
const MAX_TIME = 253402275599n;
const SAFE_INTEGER = 2n ** 53n - 1n;
/** Digits that stand for 0 to 7 bytes. */
const DIGITS = [0, 3, 5, 8, 10, 13, 15, 17];
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** The private claim with type, status and fields. */
const RESULT = -70001n;

const PASS = "pass";
const EARLIER = "not_performed skip/earlier-failure";

/** Thrown with the code of the server's reports when something is not of our form. */
export class Refused extends Error {}

function refuse(reason) {
  throw new Refused(reason);
}

const malformed = () => refuse("credential/malformed");

/** The bytes that the digits stand for: 17 digits for 7 bytes, each group a big-endian number. */
export function bytesOfDigits(digits) {
  if (digits === "") refuse("code/no-credential");
  if (!/^[0-9]+$/.test(digits)) refuse("code/trailing-text");
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
 * tags {tag, item}; a map becomes a Map, keyed by BigInt, or by the spelling of any other key.
 */
export function readCbor(bytes) {
  let at = 0;
  const take = (length) => {
    if (length > bytes.length - at) malformed();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const argument = (major, info) => {
    if (info < 24) return BigInt(info);
    if (info > 27) refuse(info === 31 && major > 1 && major < 6 ? "credential/not-deterministic" : "credential/malformed");
    let number = 0n;
    for (const byte of take(1 << (info - 24))) number = (number << 8n) | BigInt(byte);
    if (number < [24n, 0x100n, 0x10000n, 0x100000000n][info - 24]) refuse("credential/not-deterministic");
    return number;
  };
  const item = (depth) => {
    const first = take(1)[0];
    const major = first >> 5;
    if (major === 7) {
      if (first === 0xff) refuse("credential/not-deterministic");
      if (first < 0xf4 || first > 0xf6) malformed();
      return [false, true, null][first - 0xf4];
    }
    const number = argument(major, first & 31);
    if (major === 0) return number;
    if (major === 1) return -1n - number;
    if (major === 2) return take(Number(number));
    if (major === 3) return text(take(Number(number)));
    if (depth === MAX_DEPTH) malformed();
    if (major === 6) return { tag: number, item: item(depth + 1) };
    return major === 4 ? list(number, depth + 1) : map(number, depth + 1);
  };
  const text = (utf8) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(utf8);
    } catch {
      return malformed();
    }
  };
  const list = (length, depth) => {
    const items = [];
    for (let left = length; left > 0n; left--) items.push(item(depth));
    return items;
  };
  const map = (length, depth) => {
    const entries = new Map();
    let previous = "";
    for (let left = length; left > 0n; left--) {
      const from = at;
      const key = item(depth);
      const spelled = hex(bytes.subarray(from, at));
      if (spelled === previous) refuse("credential/duplicate-key");
      if (spelled < previous) refuse("credential/not-deterministic");
      previous = spelled;
      entries.set(typeof key === "bigint" ? key : spelled, item(depth));
    }
    return entries;
  };
  const whole = item(0);
  if (at < bytes.length) malformed();
  return whole;
}

/** Whether this is a map whose keys are all whole numbers. */
function isNumbered(map) {
  return map instanceof Map && [...map.keys()].every((key) => typeof key === "bigint");
}

/** A credential taken apart: version byte, then a COSE_Sign1 with exactly alg and kid protected. */
export function readCredential(bytes) {
  if (bytes[0] !== 1) refuse("code/unknown-version");
  if (bytes.length > MAX_BYTES) refuse("credential/oversize");
  const cose = readCbor(bytes.subarray(1));
  if (cose?.tag !== 18n || !Array.isArray(cose.item) || cose.item.length !== 4) malformed();
  const [header, unprotected, payload, signature] = cose.item;
  if (![header, payload, signature].every((part) => part instanceof Uint8Array)) malformed();
  if (!isNumbered(unprotected)) malformed();
  const headers = header.length ? readCbor(header) : new Map();
  if (!isNumbered(headers)) malformed();
  if (unprotected.has(1n)) refuse("credential/algorithm");
  if (unprotected.has(4n)) refuse("credential/key-id");
  const known = [...headers.keys()].every((label) => label === 1n || label === 4n);
  if (unprotected.size || !known) refuse("credential/critical-header");
  if (headers.get(1n) !== -7n) refuse("credential/algorithm");
  const kid = headers.get(4n);
  if (!(kid instanceof Uint8Array) || kid.length !== 4) refuse("credential/key-id");
  if (signature.length !== 64) refuse("credential/signature-form");
  if (BigInt("0x" + hex(signature.subarray(32))) > HALF_ORDER) refuse("credential/high-s");
  return { header, kid: hex(kid), payload, signature, claims: readClaims(payload) };
}

/** Issuer, time of issue and type of claims that keep every rule of credential.md. */
function readClaims(payload) {
  const claims = readCbor(payload);
  const need = (condition) => condition || refuse("credential/claims");
  const isTime = (value) => typeof value === "bigint" && value >= 0n && value <= MAX_TIME;
  const isBelow = (value, limit) => typeof value === "bigint" && value >= 0n && value < limit;
  need(isNumbered(claims));
  const [iss, exp, nbf, iat, result] = [1n, 4n, 5n, 6n, RESULT].map((key) => claims.get(key));
  need(claims.size === (claims.has(4n) ? 5 : 4));
  need(typeof iss === "string" && /^[A-Z0-9]{1,8}$/.test(iss));
  need(isTime(nbf) && isTime(iat) && (!claims.has(4n) || (isTime(exp) && exp >= nbf)));
  need(isNumbered(result) && isBelow(result.get(0n), 2n ** 32n) && isBelow(result.get(1n), 2n ** 52n));
  for (const [number, value] of result) need(number < 2n || (number > 2n && number < 256n && isField(value)));
  for (const number of result.keys()) need(number >= 0n);
  return { iss, iat: Number(iat), type: Number(result.get(0n)) };
}

/** Whether a value has the form of some kind of field. */
function isField(value) {
  const isSafe = (number) => typeof number === "bigint" && number <= SAFE_INTEGER && number >= -SAFE_INTEGER - 1n;
  if (!Array.isArray(value)) return isSafe(value) || isPlain(value);
  const length = value.length;
  return length > 0 &&
    ((length <= MAX_ITEMS && value.every(isPlain)) ||
      (length <= 3 * MAX_ITEMS && value.every((one) => isSafe(one) && one >= 0n)));
}

/** Whether this is a text in NFC without control characters or turns of the direction of writing. */
function isPlain(text) {
  return typeof text === "string" && text !== "" && text.normalize("NFC") === text &&
    !/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(text.replaceAll("\n", ""));
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
 * How each check of the address went, in the words of the server's reports: "pass", "fail code",
 * "undetermined code", "not_performed code". `page` is {id, at, keys: [{kid, x, y, iss, nbf, exp, types}],
 * credential_sha256}, where `at` is the moment for which the keys are told.
 */
export async function check(address, page, subtle) {
  const report = { code: PASS, credential: EARLIER, issuer: EARLIER, credential_signature: EARLIER };
  try {
    if (address.length > MAX_TEXT) refuse("code/too-long");
    const bytes = bytesOfDigits(address.slice(address.indexOf("#") + 1));
    const credential = readCredential(bytes);
    Object.assign(report, { credential: PASS }, await signer(credential, page, subtle));
    if (page.credential_sha256) {
      const digest = hex(new Uint8Array(await subtle.digest("SHA-256", bytes)));
      report.register = digest === page.credential_sha256 ? PASS : "fail register/mismatch";
    }
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    const reason = refused.message;
    const open = ["code/too-long", "code/no-credential", "code/unknown-version"].includes(reason);
    report[reason.split("/")[0]] = (open ? "undetermined " : "fail ") + reason;
  }
  return report;
}

/** The checks of issuer and signature. All keys with the credential's kid are tried. */
async function signer({ header, kid, payload, signature, claims }, page, subtle) {
  const candidates = page.keys.filter((key) => key.kid === kid);
  if (!candidates.length) return { issuer: "undetermined issuer/unknown" };
  const message = toBeSigned(header, bytesOfId(page.id), payload);
  for (const key of candidates) {
    const jwk = { kty: "EC", crv: "P-256", x: key.x, y: key.y };
    const curve = { name: "ECDSA", namedCurve: "P-256" };
    const imported = await subtle.importKey("jwk", jwk, curve, false, ["verify"]);
    if (await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, signature, message)) {
      return { issuer: scope(key, claims, page), credential_signature: PASS };
    }
  }
  return { credential_signature: "fail signature/invalid" };
}

/** Whether the key may sign this. Keys told before the credential was issued cannot rule out more since. */
function scope(key, claims, page) {
  const against = claims.iat > page.at ? "undetermined " : "fail ";
  if (key.iss !== claims.iss) return "fail issuer/out-of-scope";
  if (!key.types.includes(claims.type)) return against + "issuer/out-of-scope";
  if (claims.iat < key.nbf) return "fail issuer/key-period";
  return claims.iat > key.exp ? against + "issuer/key-period" : PASS;
}

/** Which message of the page tells this report, and in which tone. */
export function verdictOf(report) {
  const words = Object.values(report);
  const has = (...starts) => words.some((word) => starts.some((start) => word.startsWith(start)));
  const told = (name) => ({ name, tone: has("fail") ? "stop" : "open" });
  if (has("undetermined code/unknown-version")) return told("version");
  if (has("fail code/", "undetermined code/")) return told("unreadable");
  if (has("fail credential/", "fail issuer/", "fail signature/")) return told("invalid");
  if (has("fail register/")) return told("differs");
  if (has("undetermined issuer/")) return told("issuer");
  return { name: "valid", tone: "ok" };
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Puts the answer into the page. Without digits, or where the browser has no WebCrypto, nothing changes. */
async function answer() {
  const subtle = globalThis.crypto?.subtle;
  if (location.hash.length < 2 || !subtle) return;
  const page = JSON.parse(document.getElementById("dauso").textContent);
  const { name, tone } = verdictOf(await check(location.href, page, subtle));
  const row = document.getElementById("code");
  const message = page.messages[name];
  row.className = "answer t-" + tone;
  row.dataset.code = name;
  row.querySelector(".ico").replaceWith(document.getElementById("icon-" + tone).content.cloneNode(true));
  row.querySelector(".a").textContent = message.answer;
  row.querySelector(".d").textContent = message.text;
  row.querySelector(".line").textContent = message.line;
}

if (globalThis.document) {
  // The page in the other language is about the same code.
  document.querySelector("a.lang").hash = location.hash;
  addEventListener("hashchange", () => location.reload());
  answer();
}
