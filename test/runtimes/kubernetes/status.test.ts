import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { StatusReader } from "../../../src/runtimes/kubernetes/status.ts";
import { outcomeStatus } from "../../../src/wire/kubernetes-status.ts";
import { exitMessage } from "../../fixtures/messages.ts";

const read = (text: string) => new StatusReader().push(Buffer.from(text));

describe("the Status at the end of a stream", () => {
  it("gives every exit code back that the server's side says", () => {
    for (let code = 0; code < 256; code++) assert.deepEqual(read(outcomeStatus(exitMessage({ exitCode: code }))), { exitCode: code });
  });

  it("says why there is no exit code", () => {
    const lost = read(outcomeStatus(exitMessage({ outcome: "lost", exitCode: null })));
    assert.match((lost as { failure: string }).failure, /lost/);
  });

  it("may come in pieces, cut anywhere", () => {
    const text = Buffer.from(JSON.stringify({ status: "Failure", message: "é", reason: "InternalError" }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: text.length - 1 }), (at) => {
        const reader = new StatusReader();
        assert.equal(reader.push(text.subarray(0, at)), undefined);
        assert.deepEqual(reader.push(text.subarray(at)), { failure: "é" });
      }),
    );
  });

  it("is never taken for a success or an exit code that it does not say", () => {
    const failures = [
      {},
      { status: "success" },
      { status: true },
      { status: "Failure" },
      { status: "Failure", reason: "NonZeroExitCode" },
      { status: "Failure", reason: "NonZeroExitCode", details: { causes: {} } },
      { status: "Failure", reason: "NonZeroExitCode", details: { causes: [null] } },
      ...["0", "256", "-1", "3x", "", "1e2", " 3", "999999999999", 3, null].map((message) => ({
        status: "Failure",
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message }] },
      })),
    ];
    for (const status of failures) assert.ok("failure" in (read(JSON.stringify(status)) ?? {}), JSON.stringify(status));
  });

  it("is given up when it does not end", () => {
    for (const length of [1, 1024]) {
      const reader = new StatusReader();
      for (let i = 0; i < 64; i++) assert.equal(reader.push(Buffer.alloc(length, "[")), undefined);
      assert.ok("failure" in (reader.push(Buffer.from("[")) ?? {}));
    }
  });

  it("is not found in what is no JSON object", () => {
    for (const text of ["", "exit 0", "null", "0", '"Success"', "{"]) assert.equal(read(text), undefined);
  });
});
