import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readMessage, resizeMessage, stdinEnd, stdinMessages } from "../../../src/runtimes/kubernetes/channel.ts";
import { createKubernetesCodec } from "../../../src/wire/kubernetes-channel.ts";

const all = { tty: true, stdin: true, stdout: true, stderr: true };

describe("the client's side of the Kubernetes channels", () => {
  it("carries input of any length to the server's side, byte for byte, and no message that is empty", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100_000, size: "max" }), (bytes) => {
        const server = createKubernetesCodec(5, all);
        const messages = [...stdinMessages(bytes)];
        assert.ok(messages.every(({ length }) => length > 1 && length <= 32 * 1024 + 1));
        const read = messages
          .flatMap((one) => server.decode(one, true))
          .map((said) => (said.type === "stdin" ? said.bytes : assert.fail()));
        assert.ok(Buffer.concat(read).equals(bytes));
      }),
      { numRuns: 30 },
    );
  });

  it("says a size and the end of stdin as the server reads them", () => {
    const server = createKubernetesCodec(5, all);
    assert.deepEqual(server.decode(resizeMessage({ cols: 132, rows: 50 }), true), [{ type: "resize", cols: 132, rows: 50 }]);
    assert.deepEqual(server.decode(stdinEnd, true), [{ type: "eof" }]);
  });

  it("reads the output that the server's side writes", () => {
    const stream = fc.constantFrom("stdout" as const, "stderr" as const);
    fc.assert(
      fc.property(stream, fc.uint8Array({ minLength: 1 }), (name, bytes) => {
        const [frame] = createKubernetesCodec(5, { ...all, tty: false }).encode({ type: "output", stream: name, bytes });
        assert.deepEqual(readMessage(Buffer.from(frame as Uint8Array)), { type: "output", stream: name, bytes: Buffer.from(bytes) });
      }),
    );
  });

  it("takes any message without failing, and nothing from channels that are not the server's", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const said = readMessage(Buffer.from(bytes));
        if (bytes.length < 2 || ![1, 2, 3].includes(bytes[0] ?? 0)) assert.equal(said, undefined);
        else assert.deepEqual(said?.bytes, Buffer.from(bytes.subarray(1)));
      }),
    );
    for (const frame of [[], [1], [3], [0, 1], [4, 1], [5, 1], [255, 1]]) assert.equal(readMessage(Buffer.from(frame)), undefined);
  });
});
