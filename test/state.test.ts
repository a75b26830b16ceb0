import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ownerToken, selfSignedIdentity } from "../src/state.ts";

async function stateDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "execgate-state-"));
  t.after(() => rm(dir, { recursive: true }));
  return join(dir, "below", "execgate");
}

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test("the token has 256 bits, is made once, and is the owner's alone", async (t) => {
  const dir = await stateDir(t);
  const { token, file } = await ownerToken(dir);
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(file, join(dir, "token"));
  assert.deepEqual([await modeOf(file), await modeOf(dir)], ["600", "700"]);
  assert.equal((await ownerToken(dir)).token, token);
  assert.deepEqual(await readdir(dir), ["token"]);
});

test("starts at the same time agree on one token", async (t) => {
  const dir = await stateDir(t);
  const made = await Promise.all(Array.from({ length: 8 }, () => ownerToken(dir)));
  assert.equal(new Set(made.map(({ token }) => token)).size, 1);
});

test("a token of one's own is kept as it is", async (t) => {
  const dir = await stateDir(t);
  const { file } = await ownerToken(dir);
  await writeFile(file, "a-token-of-my-own\n");
  assert.equal((await ownerToken(dir)).token, "a-token-of-my-own");
});

test("the certificate is for this machine's names, made once, its key the owner's alone", async (t) => {
  const dir = await stateDir(t);
  const { cert, key } = await selfSignedIdentity(dir);
  const parsed = new X509Certificate(cert);
  assert.match(parsed.subjectAltName ?? "", /DNS:localhost.*IP Address:127\.0\.0\.1/);
  assert.ok(parsed.verify(parsed.publicKey));
  assert.ok(Date.parse(parsed.validTo) - Date.now() > 9 * 365 * 86_400_000);
  assert.equal(await modeOf(join(dir, "tls.key")), "600");
  assert.deepEqual(await selfSignedIdentity(dir), { cert, key });
});
