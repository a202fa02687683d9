import { test } from "node:test";
import { check } from "../landing/verify.js";
test("x", () => check);
