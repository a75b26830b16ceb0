import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../src/log.ts";

test("a line shows every character that would hide something, and says the same", () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  const command = "a\u202eb\u0085c\u2028d\u200be\u2066f\u061cg\u007fh\u001b[2J\n\u{e0001}\ufeff";
  log.info({ command }, `x\u202ey`);
  assert.equal(lines.length, 1);
  const [line = ""] = lines;
  assert.match(line, /^[\x20-\x7e]+\n$/);
  assert.deepEqual([JSON.parse(line).command, JSON.parse(line).msg], [command, "x\u202ey"]);
});

test("letters of every language stay as they are", () => {
  const lines: string[] = [];
  createLog({ write: (line) => lines.push(line) }).info("für Łukasz 日本 עברית 🙂");
  assert.match(lines[0] ?? "", /"msg":"für Łukasz 日本 עברית 🙂"/);
});
