// Starts the demo as a newcomer would, opens every sample result, stops it with Ctrl-C, and starts it a
// second time on the same directory: the results must still be the same.
//
//     node tools/demo-check.mjs target/release/dauso

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const START_SECONDS = 120;

const binary = resolve(process.argv[2] ?? "target/release/dauso");
const dir = mkdtempSync(join(tmpdir(), "dauso-demo-"));

/** A port that nobody uses at this moment. */
function freePort() {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/** Starts the demo and waits for its one JSON object. */
async function start() {
  const port = String(await freePort());
  const demo = spawn(binary, ["demo", "--dir", dir, "--port", port, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = new Promise((done, fail) => {
    let text = "";
    const late = setTimeout(() => fail(new Error(`no JSON after ${START_SECONDS} s: ${text}`)), START_SECONDS * 1000);
    demo.once("error", fail);
    demo.once("exit", (code) => fail(new Error(`the demo ended by itself with ${code}`)));
    demo.stdout.on("data", (chunk) => {
      text += chunk;
      try {
        const facts = JSON.parse(text);
        clearTimeout(late);
        done(facts);
      } catch {
        // Not the whole object yet.
      }
    });
  });
  try {
    return { demo, facts: await said };
  } catch (error) {
    demo.kill("SIGKILL");
    throw error;
  }
}

/** Ctrl-C; the demo must end by itself and say success. */
function stop(demo) {
  return new Promise((done, fail) => {
    const late = setTimeout(() => {
      demo.kill("SIGKILL");
      fail(new Error("the demo did not stop within 15 s"));
    }, 15_000);
    demo.removeAllListeners("exit");
    demo.once("exit", (code, signal) => {
      clearTimeout(late);
      code === 0 ? done() : fail(new Error(`stopped with ${code ?? signal}`));
    });
    demo.kill("SIGINT");
  });
}

async function mustAnswer(url, wanted) {
  const response = await fetch(url);
  const body = await response.text();
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  if (!body.includes(wanted)) throw new Error(`${url}: does not say "${wanted}"`);
}

const grouped = (id) => id.match(/.{4}/g).join(" ");

async function look(facts) {
  if (facts.results.length < 8) throw new Error(`only ${facts.results.length} results`);
  await mustAnswer(`${facts.base_url}/`, "<form");
  for (const result of facts.results) {
    await mustAnswer(`${facts.base_url}/${result.id}`, grouped(result.id));
    const { pdf } = result;
    if (pdf && !pdf.startsWith("http") && !existsSync(resolve(dir, pdf)) && !existsSync(pdf)) {
      throw new Error(`${result.id}: no file at ${pdf}`);
    }
  }
}

try {
  const first = await start();
  await look(first.facts);
  await stop(first.demo);
  const second = await start();
  await look(second.facts);
  await stop(second.demo);
  const ids = ({ results }) => results.map(({ id }) => id).join();
  if (ids(first.facts) !== ids(second.facts)) throw new Error("the second start has other results");
  console.log(`demo: ${first.facts.results.length} results answer, also after a second start`);
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
