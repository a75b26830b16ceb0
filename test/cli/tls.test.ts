import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { generate } from "selfsigned";
import { startFakeGateway } from "./fake-gateway.ts";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

test("an https server is trusted by --ca-file and not without", async (t) => {
  const altNames = [{ type: 7 as const, ip: "127.0.0.1" }];
  const { private: key, cert } = await generate([{ name: "commonName", value: "execgate" }], {
    algorithm: "sha256",
    extensions: [{ name: "subjectAltName", altNames }],
  });
  const folder = mkdtempSync(join(tmpdir(), "execgate-tls-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const caFile = join(folder, "ca.crt");
  writeFileSync(caFile, cert);
  const url = await startFakeGateway(t, ({ exit }) => exit({ exitCode: 7 }), { tls: { key, cert } });
  assert.equal((await runToEnd(["exec", "--ca-file", caFile, "--", "x"], createFakeTerminal(url))).status, 7);
  const { status, stderr } = await runToEnd(["exec", "--", "x"], createFakeTerminal(url));
  assert.equal(status, 255);
  assert.match(stderr, /^execgate: cannot reach https:.*self-signed certificate/);
});
