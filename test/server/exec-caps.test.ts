import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bytesOf, openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway({ limits: { collectBytesTotal: 4_194_304, outputBytesDefault: 65_536, outputBytesMax: 2_097_152 } });
});
after(() => served[Symbol.asyncDispose]());

const run = (command: readonly string[], more: object = {}) => served.exec({ command, ...more });

test("head keeps the first bytes, tail the last, and every byte counts", async () => {
  const all = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join("");
  const head = await run(["seq", "20000"], { outputBytesMax: 1000 });
  assert.deepEqual(head.stdout, { data: all.slice(0, 1000), encoding: "utf8", bytes: all.length, truncated: true });
  const tail = await run(["seq", "20000"], { outputBytesMax: 1000, keep: "tail" });
  assert.deepEqual(tail.stdout, { data: all.slice(-1000), encoding: "utf8", bytes: all.length, truncated: true });
});

test("a cap that is met exactly cuts nothing; a cap of 0 keeps nothing", async () => {
  assert.equal((await run(["printf", "12345"], { outputBytesMax: 5 })).stdout.truncated, false);
  assert.equal((await run(["printf", "12345"], { outputBytesMax: 4 })).stdout.truncated, true);
  for (const keep of ["head", "tail"]) {
    const none = await run(["printf", "12345"], { outputBytesMax: 0, keep });
    assert.deepEqual(none.stdout, { data: "", encoding: "utf8", bytes: 5, truncated: true });
  }
});

test("each stream has a cap of its own", async () => {
  const answer = await run(["sh", "-c", "printf 123456; printf abc >&2"], { outputBytesMax: 4 });
  assert.deepEqual([answer.stdout.data, answer.stdout.truncated], ["1234", true]);
  assert.deepEqual([answer.stderr.data, answer.stderr.truncated], ["abc", false]);
});

test("the default cap is the configured one", async () => {
  const { stdout } = await run(["head", "-c", "100000", "/dev/zero"], { encoding: "base64" });
  assert.deepEqual([bytesOf(stdout).length, stdout.bytes, stdout.truncated], [65_536, 100_000, true]);
});

test("a character that the cap cut is left out", async () => {
  const head = await run(["printf", "ab€cd"], { outputBytesMax: 4 });
  assert.deepEqual(head.stdout, { data: "ab", encoding: "utf8", bytes: 7, truncated: true });
  const tail = await run(["printf", "ab€cd"], { outputBytesMax: 4, keep: "tail" });
  assert.deepEqual(tail.stdout, { data: "cd", encoding: "utf8", bytes: 7, truncated: true });
});

test("bytes that are no text are base64, also where utf8 was asked for", async () => {
  for (const encoding of ["auto", "utf8", "base64"]) {
    const { stdout } = await run(["printf", "\\377\\000a"], { encoding });
    assert.deepEqual(stdout, { data: "/wBh", encoding: "base64", bytes: 3, truncated: false });
  }
  assert.equal((await run(["printf", "text"], { encoding: "base64" })).stdout.data, "dGV4dA==");
});

test("text that JSON would blow up is base64, unless utf8 is asked for", async () => {
  const command = ["head", "-c", "3000", "/dev/zero"];
  assert.equal((await run(command)).stdout.encoding, "base64");
  const { stdout } = await run(command, { encoding: "utf8" });
  assert.deepEqual([stdout.encoding, stdout.data], ["utf8", "\0".repeat(3000)]);
});

test("more than the maximum is refused, and so is what all requests together may not collect", async () => {
  const post = (outputBytesMax: number) =>
    served.request("/v1/exec", { method: "POST", body: { command: ["sleep", "1"], outputBytesMax } });
  assertProblem(await post(2_097_153), 400, "BAD_REQUEST", "outputBytesMax");
  const answers = await Promise.all([post(1_048_576), post(1_048_576), post(1_048_576)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 503]);
  const refused = answers.find(({ status }) => status === 503);
  assert.ok(refused);
  assertProblem(refused, 503, "OVERLOADED");
  assert.match(refused.headers["retry-after"] ?? "", /^\d+$/);
});

test("cut answers are counted", async () => {
  const before = await served.metric("execgate_output_truncated_total");
  await run(["printf", "12345"], { outputBytesMax: 4 });
  assert.equal(await served.metric("execgate_output_truncated_total"), before + 1);
});
