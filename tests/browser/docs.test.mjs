// The page of /docs in Chromium, served by the program itself at DAUSO_URL.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { complaintsOf, launch } from "./chromium.mjs";

const address = process.env.DAUSO_URL;
let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

test("the description of the API renders from embedded files, under its own policy", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const complaints = complaintsOf(page);
  const hosts = new Set();
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) hosts.add(new URL(request.url()).origin);
  });
  const response = await page.goto(`${address}/docs`);
  assert.equal(new URL(page.url()).pathname, "/docs/");
  assert.match(response.headers()["content-security-policy"], /^default-src 'none'; script-src 'self';/);
  await page.locator(".opblock-summary-path", { hasText: "/healthz" }).waitFor();
  await page.locator("#operations-default-get_healthz .opblock-summary-control").click();
  await page.getByText("It lives").waitFor();
  assert.deepEqual([...hosts], [address]);
  assert.deepEqual(complaints, []);
  if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT });
});

test("a file that is not there is not there", async () => {
  const response = await fetch(`${address}/docs/../Cargo.toml`);
  assert.equal(response.status, 404);
  assert.equal((await fetch(`${address}/docs/nothing.js`)).status, 404);
});
