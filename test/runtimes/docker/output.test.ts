import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { StreamName } from "../../../src/exec/runtime.ts";
import { ConnectionOutput } from "../../../src/runtimes/docker/output.ts";

interface Frame {
  readonly stream: StreamName;
  readonly bytes: Uint8Array;
}

const frame = fc.record({ stream: fc.constantFrom<StreamName>("stdout", "stderr"), bytes: fc.uint8Array({ maxLength: 40 }) });

/** As the daemon sends it: type, three zeros, the length, the bytes. */
function encode({ stream, bytes }: Frame): Buffer {
  const header = Buffer.from([stream === "stderr" ? 2 : 1, 0, 0, 0, 0, 0, 0, bytes.length]);
  return Buffer.concat([header, bytes]);
}

/** A connection on which `pieces` arrive, one a turn, and then the end. */
function connectionOf(pieces: readonly Buffer[]): ConstructorParameters<typeof ConnectionOutput>[0] {
  const rest = [...pieces];
  const arrived: Buffer[] = [];
  const connection = {
    isEnded: false,
    isOver: false,
    onChange: undefined as (() => void) | undefined,
    read: () => arrived.shift(),
  };
  const arrive = (): void => {
    const piece = rest.shift();
    if (piece !== undefined) arrived.push(piece);
    connection.isEnded = connection.isOver = piece === undefined;
    connection.onChange?.();
    if (piece !== undefined) setImmediate(arrive);
  };
  setImmediate(arrive);
  return connection;
}

/** The output as runs of one stream. */
async function runsOf(output: ConnectionOutput): Promise<{ runs: string[]; chunks: number }> {
  const runs: { stream: StreamName; hex: string }[] = [];
  let chunks = 0;
  for (let chunk = await output.next(); chunk !== undefined; chunk = await output.next()) {
    chunks++;
    const last = runs.at(-1);
    const hex = chunk.bytes.toString("hex");
    if (last?.stream === chunk.stream) last.hex += hex;
    else runs.push({ stream: chunk.stream, hex });
  }
  return { runs: runs.map(({ stream, hex }) => `${stream} ${hex}`), chunks };
}

const wanted = async (frames: readonly Frame[]): Promise<string[]> => {
  const whole = frames.filter(({ bytes }) => bytes.length > 0);
  return whole.reduce<string[]>((runs, { stream, bytes }) => {
    const hex = Buffer.from(bytes).toString("hex");
    if (runs.at(-1)?.startsWith(stream)) runs.push(`${runs.pop()}${hex}`);
    else runs.push(`${stream} ${hex}`);
    return runs;
  }, []);
};

describe("the output of an exec of docker", () => {
  test("is what stands in its frames, wherever they are cut and however they are mixed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(200), { maxLength: 8 }), async (frames, cuts) => {
        const all = Buffer.concat(frames.map(encode));
        const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
        const pieces = places.slice(1).map((end, index) => Buffer.from(all.subarray(places[index], end)));
        const output = new ConnectionOutput(connectionOf(pieces.filter(({ length }) => length > 0)), false, async () => true);
        assert.deepEqual((await runsOf(output)).runs, await wanted(frames));
        assert.equal(output.complete, true);
      }),
      { numRuns: 60 },
    );
  });

  test("comes in one piece where frames of one stream were read together", async () => {
    const frames: Frame[] = Array.from({ length: 5 }, (_, index) => ({ stream: "stdout", bytes: Buffer.alloc(30, index) }));
    const output = new ConnectionOutput(connectionOf([Buffer.concat(frames.map(encode))]), false, async () => true);
    assert.deepEqual(await runsOf(output), { runs: await wanted(frames), chunks: 1 });
  });

  test("is not at its end within a frame, nor when nobody confirms that the daemon is there", async () => {
    const half = encode({ stream: "stdout", bytes: Buffer.from("half") }).subarray(0, 10);
    for (const [pieces, isThere] of [
      [[half], true],
      [[], false],
    ] as const) {
      const output = new ConnectionOutput(connectionOf(pieces), false, async () => isThere);
      await runsOf(output);
      assert.equal(output.complete, false);
    }
  });
});
