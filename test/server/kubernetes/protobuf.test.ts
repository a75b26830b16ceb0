import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ExecgateError } from "../../../src/errors.ts";
import { readEnvelope, readFields } from "../../../src/server/kubernetes/protobuf.ts";
import { readAsked, readNamespace } from "../../../src/server/kubernetes/review-spec.ts";

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

/** A field that has a length. */
const field = (number: number, content: Buffer | string): Buffer =>
  Buffer.concat([varint(number * 8 + 2), varint(Buffer.byteLength(content)), Buffer.from(content as string)]);

const envelope = (message: Buffer): Buffer => Buffer.concat([Buffer.from("k8s\0"), field(1, field(1, "v1")), field(2, message)]);

describe("Kubernetes' protobuf", () => {
  test("fields come back as they were written, and numbers are passed over", () => {
    const content = fc.array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.uint8Array({ maxLength: 300 })), { maxLength: 10 });
    fc.assert(
      fc.property(content, (written) => {
        const bytes = Buffer.concat(
          written.flatMap(([number, data]) => [field(number, Buffer.from(data)), varint(number * 8), varint(1e12)]),
        );
        const expected = new Map(written.map(([number, data]) => [number, Buffer.from(data)]));
        assert.deepEqual(new Map(readFields(bytes)), expected);
      }),
    );
  });

  test("bytes that are none are refused, and never read beyond", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          for (const part of readFields(Buffer.from(bytes)).values()) assert.ok(part.length <= bytes.length);
        } catch (cause) {
          assert.ok(cause instanceof ExecgateError && cause.code === "BAD_REQUEST");
        }
      }),
    );
    for (const hex of ["0a", "0aff", "0affffffffffffffffff01", "0d00000000", "ffffffffffffffffffff"]) {
      assert.throws(() => readFields(Buffer.from(hex, "hex")), ExecgateError, hex);
    }
    assert.throws(() => readEnvelope(Buffer.from("{}")), ExecgateError);
  });

  test("a review says the same in both forms", () => {
    const attributes = { namespace: "docker", verb: "create", group: "", resource: "pods", subresource: "exec", name: "web" };
    const parts = [field(1, "docker"), field(2, "create"), field(5, "pods"), field(6, "exec"), field(7, "web")];
    const binary = envelope(field(2, field(1, Buffer.concat(parts))));
    const expected = { resource: attributes, path: undefined };
    assert.deepEqual(readAsked(binary), expected);
    assert.deepEqual(readAsked({ spec: { resourceAttributes: attributes } }), expected);
    assert.deepEqual(readAsked({ spec: { nonResourceAttributes: { path: "/api", verb: "get" } } }), {
      resource: undefined,
      path: { path: "/api", verb: "get" },
    });
    assert.equal(readNamespace(envelope(field(2, field(1, "docker")))), "docker");
    assert.equal(readNamespace({ spec: { namespace: "docker" } }), "docker");
    assert.deepEqual(readAsked({}), { resource: undefined, path: undefined });
    assert.deepEqual(readAsked({ spec: { resourceAttributes: { verb: 7 } } }).resource?.verb, "");
  });
});
