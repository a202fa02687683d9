// The public pages in Chromium: the files that `cargo test pages` leaves in target/pages, served under the
// policy that belongs to them. UPDATE_SHOTS=1 also takes the pictures of docs/images.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { PHONE, complaintsOf, launch } from "./chromium.mjs";

const root = new URL("../../", import.meta.url);
const pages = new URL("target/pages/", root);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const names = readdirSync(pages).filter((file) => file.endsWith(".html")).map((file) => file.slice(0, -5));
const fragments = JSON.parse(readFileSync(new URL("fragments.json", pages), "utf8"));
const policy = readFileSync(new URL("csp.txt", pages), "utf8");

let browser;
let server;
let address;
const requests = [];

before(async () => {
  server = createServer((request, response) => {
    const name = new URL(request.url, "http://host").pathname.slice(1);
    requests.push(request.url);
    if (!names.includes(name)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy });
    response.end(readFileSync(new URL(`${name}.html`, pages)));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  address = `http://127.0.0.1:${server.address().port}/`;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** Opens a page and hands it over together with what the console and the policy complained about. */
async function open(options, path) {
  const context = await browser.newContext({ viewport: PHONE, locale: "vi-VN", ...options });
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(address + path);
  return { context, page, complaints };
}

for (const scheme of ["light", "dark"]) {
  test(`axe finds nothing on any page, ${scheme}`, async () => {
    const { context, page, complaints } = await open({ colorScheme: scheme }, names[0]);
    for (const name of names) {
      await page.goto(address + name);
      await page.evaluate(axe);
      const violations = await page.evaluate(async () => {
        const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
        const { violations } = await globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } });
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
      });
      assert.deepEqual(violations, [], name);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test("axe finds nothing where more contrast is asked for", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { context, page } = await open({ colorScheme, contrast: "more" }, "landing-revoked");
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await globalThis.axe.run()).violations.map(({ id }) => id));
    assert.deepEqual(found, []);
    await context.close();
  }
});

/** The pages whose content is wider than the screen. */
async function tooWide(browser, viewport) {
  const page = await browser.newPage({ viewport, locale: "vi-VN" });
  const wide = [];
  for (const name of names) {
    await page.goto(address + name);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > viewport.width) wide.push(`${name}: ${width} px`);
  }
  await page.close();
  return wide;
}

test("no page is wider than a screen of 320 px", async () => {
  assert.deepEqual(await tooWide(browser, { width: 320, height: 640 }), []);
});

test("no page is wider than a phone whose owner made all letters twice as large", async () => {
  const large = await launch("--blink-settings=defaultFontSize=32");
  assert.deepEqual(await tooWide(large, PHONE), []);
  await large.close();
});

test("whatever can be pressed is at least 24 px high and wide", async () => {
  const { context, page } = await open({}, names[0]);
  for (const name of names) {
    await page.goto(address + name);
    const small = await page.$$eval("a, button, input:not([type=hidden])", (all) =>
      all
        .filter((one) => !one.closest(".answer, p:has(.num)") && !one.matches(".skip"))
        .map((one) => [one.textContent, one.getBoundingClientRect()])
        .filter(([, { width, height }]) => width < 24 || height < 24)
        .map(([text]) => text),
    );
    assert.deepEqual(small, [], name);
  }
  await context.close();
});

test("without JavaScript everything is there, and answer 1 says that nobody looked", async () => {
  const { context, page } = await open({ javaScriptEnabled: false }, "landing-code#" + fragments[0].digits);
  const text = await page.innerText("main");
  for (const words of [
    "Sở Xây dựng Mẫu",
    "Phù hiệu xe hợp đồng",
    "Trang này chưa kiểm tra mã",
    "Còn hiệu lực",
    "43C-000.00",
    "7K3M 9QX2 TB4C 5D6E",
  ]) {
    assert.ok(text.includes(words), words);
  }
  assert.match(await page.getAttribute("#code", "class"), /\bt-open\b/);
  await context.close();
});

test("a page without a code behind it asks for nothing and stays as it is", async () => {
  const { context, page, complaints } = await open({}, "landing-code");
  await page.waitForTimeout(200);
  assert.equal(await page.getAttribute("#code", "data-code"), null);
  assert.equal(await page.innerText("#code .a"), "Trang này chưa kiểm tra mã");
  assert.deepEqual(complaints, []);
  await context.close();
});

const TONES = { valid: "ok", invalid: "stop", differs: "stop", unreadable: "stop", version: "open", issuer: "open" };

for (const [name, valid] of [["landing-code", "Hợp lệ"], ["landing-code-en", "Valid"]]) {
  test(`the script fills answer 1 of ${name} and leaves the rest alone`, async () => {
    const { context, page, complaints } = await open({}, name);
    const others = () => page.$$eval(".answer:not(#code), section", (all) => all.map((one) => one.outerHTML));
    const before = await others();
    for (const { says, digits } of fragments) {
      await page.goto("about:blank");
      requests.length = 0;
      await page.goto(`${address}${name}#${digits}`);
      const row = page.locator("#code[data-code]");
      await row.waitFor();
      assert.equal(await row.getAttribute("data-code"), says);
      assert.equal(await row.getAttribute("class"), `answer t-${TONES[says]}`);
      assert.equal((await row.locator(".a").innerText()) === valid, says === "valid");
      assert.equal(await row.locator("svg.ico").count(), 1);
      assert.equal(await row.locator("[role=status]").count(), 1);
      assert.deepEqual(await others(), before);
      assert.equal(page.url(), `${address}${name}#${digits}`);
      assert.ok((await page.getAttribute("a.lang", "href")).endsWith("#" + digits));
      assert.deepEqual(requests, [`/${name}`]);
      await page.evaluate(axe);
      const found = await page.evaluate(async () => (await globalThis.axe.run()).violations.map(({ id }) => id));
      assert.deepEqual(found, []);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test("on paper the answers keep their words and lose their colours", async () => {
  const { context, page } = await open({ colorScheme: "dark" }, "landing-revoked");
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const style = (selector, name) =>
    page.$eval(selector, (element, name) => getComputedStyle(element).getPropertyValue(name), name);
  assert.equal(await style("body", "background-color"), "rgb(255, 255, 255)");
  assert.equal(await style("body", "color"), "rgb(0, 0, 0)");
  assert.equal(await style(".answer:nth-child(2)", "background-color"), "rgb(255, 255, 255)");
  assert.equal(await style(".answer:nth-child(2) .a", "color"), "rgb(0, 0, 0)");
  assert.ok((await page.innerText("footer")).includes("Bản in để tra cứu"));
  await context.close();
});

if (process.env.UPDATE_SHOTS) {
  test("pictures for the documentation", async () => {
    const desktop = { width: 1280, height: 900 };
    for (const [picture, name, options, digits = ""] of [
      ["home", "home", {}],
      ["landing-code-valid", "landing-code", {}, "#" + fragments[0].digits],
      ["landing-code-valid-desktop", "landing-code", { viewport: desktop }, "#" + fragments[0].digits],
      ["landing-code-forged", "landing-code", {}, "#" + fragments[1].digits],
      ["landing-revoked-dark", "landing-revoked", { colorScheme: "dark" }],
      ["landing-outside-hours", "landing-fleet", {}],
      ["checked-forged", "checked-forged", {}],
      ["checked-document", "checked-document", {}],
    ]) {
      const { context, page } = await open(options, name + digits);
      if (digits) await page.locator("#code[data-code]").waitFor();
      const path = new URL(`docs/images/${picture}.png`, root).pathname;
      await page.screenshot({ path, fullPage: true });
      await context.close();
    }
  });
}
