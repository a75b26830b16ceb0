/**
 * `npm run soak [-- --user UID PROMISE…]`: tries to break every promise at its full scale, one after the other, and prints
 * what was measured against what is promised. What is about daemons, other clients or the page is tried when it is named.
 * With `--user` root becomes that user first.
 */
import { readdirSync } from "node:fs";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { scaleVariable } from "../fixtures/promise.ts";
import { Table } from "./table.ts";

const { values, positionals } = parseArgs({ options: { user: { type: "string" } }, allowPositionals: true });
if (values.user !== undefined) becomeUser(Number(values.user));

const folder = fileURLToPath(new URL(".", import.meta.url));
const wanted = positionals.map((id) => `${id.toLowerCase()}-`);
/** Promises of the gateway beside something else. */
const beside = ["c8-", "c10-", "k1-", "p1-"];
const isOf = (name: string, ids: readonly string[]): boolean => ids.some((id) => name.startsWith(id));
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".test.js") && (wanted.length === 0 ? !isOf(name, beside) : isOf(name, wanted)))
  .sort()
  .map((name) => folder + name);

process.env[scaleVariable] = "full";
const table = new Table();
process.stdout.write(`${table.head}\n`);
const beganMs = performance.now();
// One at a time, because a figure of memory or latency is of a machine that does nothing else.
for await (const event of run({ files, concurrency: 1 })) {
  for (const line of table.take(event)) process.stdout.write(`${line}\n`);
}
process.stdout.write(`${table.summary}, as user ${process.getuid?.()}, in ${Math.round((performance.now() - beganMs) / 1000)} s\n`);
process.exitCode = table.counts.BROKEN === 0 ? 0 : 1;

function becomeUser(uid: number): void {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}
