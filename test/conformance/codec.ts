import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type ClientMessage,
  type CodecOptions,
  type Frame,
  type ServerCodec,
  type ServerMessage,
  WireError,
} from "../../src/wire/codec.ts";
import { exitMessage } from "../fixtures/messages.ts";

/** A subprotocol as the suite sees it: the server's codec and what a client of the field writes and reads. */
export interface CodecSubject {
  create(options: CodecOptions): ServerCodec;
  /** The frame by which a client says `message`; undefined where the protocol has no word for it. */
  say(message: ClientMessage): Frame | undefined;
  /** What a client makes of a frame from the server; undefined for what is neither output nor the end. */
  hear(frame: Frame): Heard | undefined;
}

export type Heard =
  | { readonly type: "output"; readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly type: "end"; readonly exitCode: number | undefined };

interface Skip {
  readonly test: string;
  readonly reason: string;
}

export const everything: CodecOptions = { tty: false, stdin: true, stdout: true, stderr: true };
export const terminal: CodecOptions = { tty: true, stdin: true, stdout: true, stderr: false };

/** What `frame` is to a server: its bytes and whether it came with the binary opcode. */
export function receive(codec: ServerCodec, frame: Frame): readonly ClientMessage[] {
  const messages = typeof frame === "string" ? codec.decode(new TextEncoder().encode(frame), false) : codec.decode(frame, true);
  return messages.map((message) => (message.type === "stdin" ? { ...message, bytes: Uint8Array.from(message.bytes) } : message));
}

const bytes = (minLength = 0) => fc.uint8Array({ minLength, maxLength: 600 });
const side = fc.integer({ min: 1, max: 65_535 });
const stream = fc.constantFrom("stdout" as const, "stderr" as const);

/** Every property that a server codec has, whatever it speaks. */
export function codecConformance(name: string, subject: CodecSubject, options: { readonly skip?: readonly Skip[] } = {}): void {
  const check = (title: string, body: () => void): void => {
    const skip = options.skip?.find((entry) => entry.test === title);
    test(title, skip === undefined ? {} : { skip: skip.reason }, body);
  };
  describe(`${name} conforms`, () => {
    checkInput(check, subject);
    checkOutput(check, subject);
    checkHostility(check, subject);
  });
}

type Check = (title: string, body: () => void) => void;

function checkInput(check: Check, subject: CodecSubject): void {
  const heardBy = (options: CodecOptions, message: ClientMessage): readonly ClientMessage[] | undefined => {
    const frame = subject.say(message);
    return frame === undefined ? undefined : receive(subject.create(options), frame);
  };
  check("stdin arrives byte for byte", () => {
    fc.assert(
      fc.property(bytes(1), (sent) => {
        assert.deepEqual(heardBy(everything, { type: "stdin", bytes: sent }), [{ type: "stdin", bytes: sent }]);
      }),
    );
  });
  check("a control message arrives as it was said, or the protocol has no word for it", () => {
    const control = fc.oneof(
      fc.tuple(side, side).map(([cols, rows]) => ({ type: "resize" as const, cols, rows })),
      fc.constant({ type: "eof" as const }),
      fc.constant({ type: "signal" as const, signal: "SIGINT" as const }),
      fc.maxSafeNat().map((count) => ({ type: "ack" as const, bytes: count })),
      fc.constant({ type: "detach" as const }),
    );
    fc.assert(fc.property(control, (said) => assert.deepEqual(heardBy(terminal, said) ?? [said], [said])));
  });
  check("a size with a side below 1 asks for nothing and one too large is clamped", () => {
    assert.deepEqual(heardBy(terminal, { type: "resize", cols: 0, rows: 24 }), []);
    assert.deepEqual(heardBy(terminal, { type: "resize", cols: 80, rows: -5 }), []);
    assert.deepEqual(heardBy(terminal, { type: "resize", cols: 99_999, rows: 2 }), [{ type: "resize", cols: 65_535, rows: 2 }]);
  });
  check("characters that frames cut in two are whole again in the bytes of stdin", () => {
    const codec = subject.create(everything);
    const sent = new TextEncoder().encode("aé€😀z");
    const heard = Array.from(sent).flatMap((byte) => {
      const frame = subject.say({ type: "stdin", bytes: Uint8Array.of(byte) });
      return frame === undefined ? [] : receive(codec, frame);
    });
    assert.deepEqual(
      heard.flatMap((message) => (message.type === "stdin" ? Array.from(message.bytes) : [])),
      Array.from(sent),
    );
  });
}

function checkOutput(check: Check, subject: CodecSubject): void {
  check("output arrives byte for byte, in order and on its stream", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ stream, bytes: bytes() })), (chunks) => {
        const codec = subject.create(everything);
        const heard = chunks.flatMap((chunk) => codec.encode({ type: "output", ...chunk })).map(subject.hear);
        const flat = (list: readonly (Heard | undefined)[]) =>
          list.flatMap((piece) => (piece?.type === "output" ? Array.from(piece.bytes, (byte) => `${piece.stream} ${byte}`) : []));
        assert.deepEqual(flat(heard), flat(chunks.map((chunk) => ({ type: "output", ...chunk }))));
      }),
    );
  });
  check("no frame is empty, and empty output is no frame", () => {
    const codec = subject.create(everything);
    assert.deepEqual(codec.encode({ type: "output", stream: "stdout", bytes: new Uint8Array(0) }), []);
    assert.ok(codec.open().every((frame) => frame.length > 0));
  });
  check("a frame does not share memory with the chunk that it carries", () => {
    const chunk = Uint8Array.of(1, 2, 3);
    const [frame] = subject.create(everything).encode({ type: "output", stream: "stdout", bytes: chunk });
    chunk.fill(9);
    assert.ok(frame !== undefined);
    const heard = subject.hear(frame);
    assert.deepEqual(heard?.type === "output" && Array.from(heard.bytes), [1, 2, 3]);
  });
  check("every exit code is told, and an end without one is never taken for success", () => {
    const end = (message: ServerMessage) => subject.create(everything).encode(message).map(subject.hear);
    for (let exitCode = 0; exitCode < 256; exitCode++) {
      assert.deepEqual(end(exitMessage({ exitCode })), [{ type: "end", exitCode }]);
    }
    for (const outcome of ["timeout", "killed", "lost"] as const) {
      assert.deepEqual(end(exitMessage({ outcome, exitCode: null })), [{ type: "end", exitCode: undefined }]);
    }
    assert.deepEqual(end({ type: "error", code: "COMMAND_NOT_FOUND", message: "x: not found" }), [{ type: "end", exitCode: undefined }]);
  });
}

function checkHostility(check: Check, subject: CodecSubject): void {
  const survives = (codec: ServerCodec, data: Uint8Array, isBinary: boolean): boolean => {
    try {
      assert.ok(Array.isArray(codec.decode(data, isBinary)));
      return true;
    } catch (error) {
      assert.ok(error instanceof WireError, `threw ${String(error)}`);
      assert.ok(error.closeCode >= 1002 && error.closeCode < 5000);
      assert.ok(new TextEncoder().encode(error.message).byteLength <= 123, "the close reason is too long for its frame");
      return false;
    }
  };
  check("random frames give messages or a WireError, never anything else", () => {
    const frames = fc.array(fc.record({ data: bytes(), isBinary: fc.boolean() }), { maxLength: 20 });
    fc.assert(
      fc.property(frames, fc.constantFrom(everything, terminal), (list, options) => {
        const codec = subject.create(options);
        list.every(({ data, isBinary }) => survives(codec, data, isBinary));
      }),
      { numRuns: 500 },
    );
  });
  check("random JSON on every channel gives messages or a WireError, never anything else", () => {
    const json = fc.oneof(
      fc.json(),
      fc.record({ type: fc.constantFrom("resize", "signal", "ack", "eof", "__proto__"), cols: fc.anything() }).map(asJson),
    );
    fc.assert(
      fc.property(json, fc.constantFrom("", "\x00", "\x01", "\x04", "\xff"), fc.boolean(), (text, channel, isBinary) => {
        survives(subject.create(terminal), Buffer.concat([Buffer.from(channel, "latin1"), Buffer.from(text)]), isBinary);
      }),
      { numRuns: 500 },
    );
  });
  check("a frame of brackets as long as a frame can be is answered at once", () => {
    const bomb = new Uint8Array(1 << 20).fill(0x5b);
    const started = performance.now();
    survives(subject.create(terminal), bomb, false);
    survives(subject.create(terminal), bomb, true);
    assert.ok(performance.now() - started < 500);
  });
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return "null";
  }
}
