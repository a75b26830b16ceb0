import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ServerMessage, WireError } from "../../src/wire/codec.ts";
import { createServerCodec } from "../../src/wire/execgate-v1.ts";
import { decodeServer, encodeClient } from "../../src/wire/execgate-v1-client.ts";
import { codecConformance, everything, receive } from "../conformance/codec.ts";
import { attachedMessage, exitMessage } from "../fixtures/messages.ts";

codecConformance("v1.execgate", {
  create: createServerCodec,
  say: encodeClient,
  hear: (frame) => {
    const message = decodeServer(frame, typeof frame !== "string");
    if (message?.type === "output") return message;
    if (message?.type === "exit") return { type: "end", exitCode: message.exitCode ?? undefined };
    return message?.type === "error" ? { type: "end", exitCode: undefined } : undefined;
  },
});

const codec = createServerCodec(everything);
const refuses = (frame: Uint8Array | string, closeCode = 4400): void => {
  assert.throws(
    () => receive(codec, frame),
    (error) => error instanceof WireError && error.closeCode === closeCode,
    String(frame),
  );
};

describe("v1.execgate on the wire", () => {
  test("opens without a word", () => assert.deepEqual(codec.open(), []));

  test("puts the channel's byte before output", () => {
    const frames = codec.encode({ type: "output", stream: "stderr", bytes: Buffer.from("hi") });
    assert.deepEqual(
      frames.map((frame) => Buffer.from(frame).toString("hex")),
      ["026869"],
    );
  });

  test("takes a bare stdin channel byte for nothing", () => assert.deepEqual(receive(codec, Uint8Array.of(0)), []));

  test("refuses an empty binary frame and every channel but stdin", () => {
    refuses(new Uint8Array(0));
    for (const channel of [1, 2, 3, 4, 255]) refuses(Uint8Array.of(channel, 65));
  });

  test("refuses text that is no JSON object", () => {
    for (const text of ["", "x", "[]", "null", "1", '"eof"', "{", '{"type":"eof"}{}']) refuses(text);
  });

  test("refuses unknown types, unknown keys and keys that come twice", () => {
    for (const text of ["{}", '{"type":"nope"}', '{"type":"toString"}', '{"type":1}', '{"type":"stdin","bytes":"x"}']) refuses(text);
    for (const text of ['{"type":"eof","x":1}', '{"type":"resize","cols":1,"rows":1,"__proto__":{}}']) refuses(text);
    for (const text of ['{"type":"eof","type":"eof"}', '{"type":"resize","cols":1,"rows":1,"cols":2}']) refuses(text);
  });

  test("refuses fields of the wrong type", () => {
    const fields = [
      { type: "resize", cols: "80", rows: 24 },
      { type: "resize", cols: 80.5, rows: 24 },
      { type: "resize", cols: 80 },
    ];
    for (const value of fields) refuses(JSON.stringify(value));
    for (const bytes of [-1, 1.5, "1", null, 2 ** 53]) refuses(JSON.stringify({ type: "ack", bytes }));
    for (const signal of ["INT", "SIGNOPE", "sigint", 2, null, "toString"]) refuses(JSON.stringify({ type: "signal", signal }));
    refuses('{"type":"resize","cols":1e400,"rows":1}');
  });

  test("answers a text that is not UTF-8 with 1007", () => {
    assert.throws(
      () => codec.decode(Uint8Array.of(0x7b, 0xff), false),
      (error) => error instanceof WireError && error.closeCode === 1007,
    );
  });

  test("refuses a control message longer than any is before parsing it", () => refuses(`{"type":"eof"${" ".repeat(5000)}}`));
});

describe("the client's side of v1.execgate", () => {
  const said: ServerMessage[] = [
    attachedMessage(),
    { type: "accepted", bytes: 65_536 },
    { type: "gap", from: 1, to: 9 },
    { type: "resized", cols: 1, rows: 2 },
    exitMessage({ outcome: "killed", exitCode: null, endedBy: "operator", termination: "verified" }),
    { type: "error", code: "COMMAND_NOT_FOUND", message: "nope" },
  ];

  test("reads what the server's side writes", () => {
    for (const message of said)
      assert.deepEqual(
        codec.encode(message).map((frame) => decodeServer(frame, false)),
        [message],
      );
  });

  test("reads text frames that come as bytes", () => {
    assert.deepEqual(decodeServer(Buffer.from('{"type":"accepted","bytes":3}'), false), { type: "accepted", bytes: 3 });
  });

  test("passes over types and channels that it does not know, and keeps unknown keys from mattering", () => {
    for (const text of ['{"type":"news"}', "{}", '{"type":"constructor"}']) assert.equal(decodeServer(text, false), undefined);
    assert.equal(decodeServer(Uint8Array.of(7, 1), true), undefined);
    assert.equal(decodeServer(new Uint8Array(0), true), undefined);
    assert.equal(decodeServer('{"type":"accepted","bytes":3,"more":1}', false)?.type, "accepted");
  });

  test("refuses known messages with fields that cannot be", () => {
    for (const text of ["x", "3", "null", '{"type":"accepted"}', '{"type":"accepted","bytes":-1}', '{"type":"exit","outcome":"well"}']) {
      assert.throws(() => decodeServer(text, false), WireError, text);
    }
  });
});
