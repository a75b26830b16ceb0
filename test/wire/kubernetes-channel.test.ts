import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ClientMessage,
  type CodecOptions,
  type Frame,
  type ServerCodec,
  type ServerMessage,
  WireError,
} from "../../src/wire/codec.ts";
import { createKubernetesCodec } from "../../src/wire/kubernetes-channel.ts";
import { codecConformance, everything, type Heard, receive, terminal } from "../conformance/codec.ts";
import { exitMessage } from "../fixtures/messages.ts";

/** As client-go reads: a channel byte and its payload, and on the error channel a Status. */
function hear(frame: Frame): Heard | undefined {
  assert.notEqual(typeof frame, "string", "a text message aborts kubectl");
  const bytes = Buffer.from(frame as Uint8Array);
  if (bytes[0] !== 3) return { type: "output", stream: bytes[0] === 1 ? "stdout" : "stderr", bytes: bytes.subarray(1) };
  const status = JSON.parse(bytes.subarray(1).toString()) as {
    status: string;
    reason?: string;
    details?: { causes: { message: string }[] };
  };
  if (status.status === "Success") return { type: "end", exitCode: 0 };
  return { type: "end", exitCode: status.reason === "NonZeroExitCode" ? Number(status.details?.causes[0]?.message) : undefined };
}

function say(version: 4 | 5, message: ClientMessage): Frame | undefined {
  if (message.type === "stdin") return Buffer.from([0, ...message.bytes]);
  if (message.type === "resize") return Buffer.from(`\x04${JSON.stringify({ Width: message.cols, Height: message.rows })}\n`);
  return message.type === "eof" && version === 5 ? Uint8Array.of(255, 0) : undefined;
}

for (const version of [4, 5] as const) {
  codecConformance(`v${version}.channel.k8s.io`, {
    create: (options) => createKubernetesCodec(version, options),
    say: (message) => say(version, message),
    hear,
  });
}

const v5 = (options: CodecOptions = everything): ServerCodec => createKubernetesCodec(5, options);
const hex = (frames: readonly Frame[]): string[] => frames.map((frame) => Buffer.from(frame as Uint8Array).toString("hex"));
const resize = (codec: ServerCodec, text: string) => receive(codec, Buffer.from(`\x04${text}`));
const statusOf = (message: ServerMessage): string => {
  const [frame, ...more] = v5().encode(message);
  assert.deepEqual(more, []);
  const bytes = Buffer.from(frame as Uint8Array);
  assert.equal(bytes[0], 3);
  return bytes.subarray(1).toString();
};

describe("the Kubernetes channels from the server", () => {
  test("open with one byte on the lowest channel that is written to", () => {
    assert.deepEqual(hex(v5().open()), ["01"]);
    assert.deepEqual(hex(v5({ ...everything, stdout: false }).open()), ["02"]);
    assert.deepEqual(hex(v5({ ...everything, stdout: false, stderr: false }).open()), ["03"]);
    assert.deepEqual(hex(v5({ ...everything, stdout: false, tty: true }).open()), ["03"]);
  });

  test("carry output behind its channel byte", () => {
    assert.deepEqual(hex(v5().encode({ type: "output", stream: "stdout", bytes: Buffer.from("hi\n") })), ["0168690a"]);
    assert.deepEqual(hex(v5().encode({ type: "output", stream: "stderr", bytes: Buffer.from("no") })), ["026e6f"]);
  });

  test("say nothing on channels that were not asked for, nor stderr on a tty", () => {
    const stderr: ServerMessage = { type: "output", stream: "stderr", bytes: Buffer.from("x") };
    assert.deepEqual(v5({ ...everything, stderr: false }).encode(stderr), []);
    assert.deepEqual(v5({ ...everything, tty: true }).encode(stderr), []);
    assert.deepEqual(v5({ ...everything, stdout: false }).encode({ ...stderr, stream: "stdout" }), []);
  });

  test("have no words for credit, sizes and the greeting", () => {
    assert.deepEqual(v5().encode({ type: "accepted", bytes: 1 }), []);
    assert.deepEqual(v5().encode({ type: "resized", cols: 1, rows: 1 }), []);
  });

  test("tell the end by the Status that kubelets send, byte for byte", () => {
    assert.equal(statusOf(exitMessage()), '{"metadata":{},"status":"Success"}');
    assert.equal(
      statusOf(exitMessage({ exitCode: 3 })),
      '{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}',
    );
    assert.equal(
      statusOf(exitMessage({ outcome: "timeout", exitCode: null })),
      '{"metadata":{},"status":"Failure","message":"Internal error occurred: command was ended: timeout","reason":"InternalError","details":{"causes":[{"message":"command was ended: timeout"}]},"code":500}',
    );
    assert.match(
      statusOf(exitMessage({ outcome: "killed", exitCode: null, endedBy: "operator" })),
      /command was ended: killed by operator/,
    );
    assert.match(statusOf(exitMessage({ outcome: "lost", exitCode: null })), /InternalError/);
    assert.match(
      statusOf({ type: "error", code: "COMMAND_NOT_FOUND", message: "x is not there" }),
      /Internal error occurred: x is not there/,
    );
  });

  test("end a session whose output has a gap with a failure, and say nothing after it", () => {
    const codec = v5();
    assert.match(Buffer.from(codec.encode({ type: "gap", from: 5, to: 9 })[0] as Uint8Array).toString(), /bytes 5 to 9 are no longer kept/);
    assert.deepEqual(codec.encode({ type: "output", stream: "stdout", bytes: Buffer.from("late") }), []);
    assert.deepEqual(codec.encode(exitMessage()), []);
  });
});

describe("the Kubernetes channels from the client", () => {
  test("are read whatever the opcode is, as the Python client sends text", () => {
    assert.deepEqual(receive(v5(), "\x00ls\n"), [{ type: "stdin", bytes: Uint8Array.from(Buffer.from("ls\n")) }]);
  });

  test("may be empty, unknown or unasked for, to no effect", () => {
    const codec = v5();
    for (const frame of ["", "00", "0161", "0261", "0361", "0561", "4161"]) assert.deepEqual(receive(codec, Buffer.from(frame, "hex")), []);
    assert.deepEqual(receive(v5({ ...everything, stdin: false }), Buffer.from("0061", "hex")), []);
    assert.deepEqual(resize(codec, '{"Width":80,"Height":24}'), [], "without a tty there is no resize channel");
  });

  test("close stdin by ff00 in version 5, once", () => {
    const codec = v5();
    assert.deepEqual(receive(codec, Uint8Array.of(255, 0)), [{ type: "eof" }]);
    assert.deepEqual(receive(codec, Uint8Array.of(255, 0)), []);
    assert.deepEqual(receive(codec, Uint8Array.of(0, 97)), [], "what follows the end of stdin is dropped");
    assert.deepEqual(receive(v5(), Uint8Array.of(255, 4)), []);
    assert.deepEqual(receive(v5({ ...everything, stdin: false }), Uint8Array.of(255, 0)), []);
  });

  test("break the protocol by a close of the wrong length or of no channel", () => {
    for (const frame of ["ff", "ff0000", "ff05", "ffff"]) assert.throws(() => receive(v5(), Buffer.from(frame, "hex")), WireError, frame);
    for (const frame of ["ff", "ff00", "ff05"])
      assert.deepEqual(receive(createKubernetesCodec(4, everything), Buffer.from(frame, "hex")), []);
  });
});

describe("the Kubernetes resize channel", () => {
  const size = (cols: number, rows: number) => [{ type: "resize", cols, rows }];

  test("takes what kubectl and the JavaScript client write", () => {
    assert.deepEqual(resize(v5(terminal), '{"Width":80,"Height":24}\n'), size(80, 24));
    assert.deepEqual(resize(v5(terminal), '{"height":24,"width":80}'), size(80, 24));
    assert.deepEqual(resize(v5(terminal), '{"WIDTH":80,"hEIGHT":24,"x":{"y":"}"}}'), size(80, 24));
  });

  test("takes the last of values in one frame, and values cut anywhere", () => {
    const codec = v5(terminal);
    assert.deepEqual(resize(codec, '{"Width":1,"Height":1}{"Width":2,"Height":2}\n{"Wid'), size(2, 2));
    assert.deepEqual(resize(codec, 'th":3,"Height":'), []);
    assert.deepEqual(resize(codec, "3}"), size(3, 3));
    const single = v5(terminal);
    const heard = Array.from('{"é":"\\"}","Width":9,"Height":8}').flatMap((character) => resize(single, character));
    assert.deepEqual(heard, size(9, 8));
  });

  test("passes over sizes that no terminal has", () => {
    for (const text of ["{}", '{"Width":0,"Height":0}', '{"Width":"80","Height":24}', '{"Width":1.5,"Height":2}', '{"Width":80}']) {
      assert.deepEqual(resize(v5(terminal), text), [], text);
    }
  });

  test("goes deaf at text that is no JSON, and the session goes on", () => {
    const codec = v5(terminal);
    assert.deepEqual(resize(codec, "garbage}"), []);
    assert.deepEqual(resize(codec, '{"Width":80,"Height":24}'), []);
    assert.deepEqual(receive(codec, Uint8Array.of(0, 97)), [{ type: "stdin", bytes: Uint8Array.of(97) }]);
  });

  test("holds 4 KiB of an unfinished value and no more", () => {
    const codec = v5(terminal);
    assert.deepEqual(resize(codec, `{${" ".repeat(4000)}`), []);
    assert.throws(() => resize(codec, " ".repeat(200)), WireError);
  });
});
