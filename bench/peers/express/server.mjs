// A peer of `make bench`: what a team would write with express and jose. One process, no log.
// PORT, and PUBLIC_X and PUBLIC_Y of the issuer's key (base64url) come from the environment.
import express from "express";
import { importJWK, jwtVerify } from "jose";

const { PORT, PUBLIC_X, PUBLIC_Y } = process.env;
const key = await importJWK({ kty: "EC", crv: "P-256", x: PUBLIC_X, y: PUBLIC_Y }, "ES256");
const status = new Uint8Array(10_000_000 / 8); // one bit for each result; none is revoked

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.use(express.json());
app.post("/verifications", async (request, response) => {
  try {
    const { payload } = await jwtVerify(request.body.code, key, { algorithms: ["ES256"] });
    const revoked = (status[payload.idx >> 3] >> (payload.idx & 7)) & 1;
    response.json({
      id: payload.sub,
      verdict: revoked ? "invalid" : "valid",
      signature: { outcome: "pass" },
      status: { outcome: revoked ? "fail" : "pass" },
      result: { type: payload.type, plate: payload.plate, operator: payload.operator },
    });
  } catch {
    response.json({ verdict: "invalid", signature: { outcome: "fail" } });
  }
});
app.listen(Number(PORT), "127.0.0.1");
