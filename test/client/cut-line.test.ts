import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dial } from "../../src/cli/dial.ts";
import { findEndpoint } from "../../src/cli/endpoint.ts";
import { connect } from "../../src/client/connection.ts";
import type { ConnectionEnd } from "../../src/client/connection-end.ts";
import { dial as dialTest } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { Line, type Weather } from "../fixtures/line.ts";
import { scaleVariable } from "../fixtures/promise.ts";
import { until } from "../fixtures/until.ts";

let served: TestGateway;
let dir: string;
before(async () => {
  served = await openGateway();
  dir = mkdtempSync(join(tmpdir(), "execgate-cut-"));
  chmodSync(dir, 0o777);
});
after(async () => {
  await served[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

interface Ran {
  readonly end: ConnectionEnd;
  readonly stdout: Buffer;
}

/** Runs a command by a line, as the command line client does, and comes back whenever it is cut. */
async function run(line: Line, command: readonly string[], withinMs = 60_000): Promise<Ran> {
  const endpoint = findEndpoint({ server: line.url }, { EXECGATE_TOKEN: testToken });
  const query = new URLSearchParams({ flow: "ack", keepMs: "60000", stdin: "0" });
  for (const argument of command) query.append("command", argument);
  const pieces: Uint8Array[] = [];
  let received = 0;
  let last = dial(endpoint, "/v1/exec", query);
  const connection = connect(
    last,
    {
      output: ({ bytes }) => {
        pieces.push(bytes);
        received += bytes.byteLength;
        connection.ack(received);
      },
    },
    {
      resume: {
        withinMs,
        dial: async ({ session, client, offset }) => {
          const place = new URLSearchParams({ client, offset: String(offset), flow: "ack" });
          last = dial(endpoint, `/v1/sessions/${session}/attach`, place);
          return last;
        },
      },
    },
  );
  const end = await connection.ended;
  last.socket.terminate();
  return { end, stdout: Buffer.concat(pieces) };
}

/** A command that says that it ran, to whoever reads and to a file of this name. */
const noting = (name: string): readonly string[] => ["sh", "-c", `echo ran >> ${join(dir, name)}; echo ran`];

/** What a client says after the handshake: a pong, an acknowledgement and a close are no more than so many bytes. */
const afterwardsBytes = 70;

/** Every byte in full; a few seconds' worth of them otherwise. */
const positionStep = process.env[scaleVariable] === "full" ? 1 : 9;

/** How many bytes a handshake, and what follows for a short command, are on the line. */
async function measure(): Promise<{ readonly up: number; readonly down: number }> {
  await using line = await Line.open(served.url);
  await run(line, noting("measure"));
  return { up: line.passed.up + afterwardsBytes, down: line.passed.down };
}

describe("a line that is cut", () => {
  test("at any byte of a handshake starts a command once at most, and leaves none behind", async () => {
    const lengths = await measure();
    for (const way of ["up", "down"] as const) {
      let completed = 0;
      await inParallel(16, Math.ceil(lengths[way] / positionStep), async (index) => {
        const position = index * positionStep;
        await using line = await Line.open(served.url);
        line.weather.cutAfter = { [way]: position };
        line.onPassed = () => {
          line.weather.cutAfter = undefined;
        };
        const file = join(dir, `${way}-${position}`);
        const { end, stdout } = await run(line, noting(`${way}-${position}`));
        const isOver = end.kind === "exit" && end.exit.outcome === "exited";
        if (isOver) assert.deepEqual([end.exit.exitCode, stdout.toString()], [0, "ran\n"], `${way} ${position}`);
        // Whoever came back before the gateway knew that the client had been told is told why the command is gone.
        else if (end.kind === "exit") assert.equal(end.exit.endedBy, "disconnect", `${way} ${position}`);
        else assert.equal(end.kind, "lost", `${way} ${position}: ${JSON.stringify(end)}`);
        // Where it was ended before it wrote, the file that it had opened is empty.
        const ran = existsSync(file) ? readFileSync(file, "utf8") : "";
        assert.ok(ran === "ran\n" || (ran === "" && !isOver), `${way} ${position}: ${JSON.stringify(ran)}`);
        if (isOver) completed++;
      });
      assert.ok(completed > 0, `${way}: what comes behind the handshake is resumed`);
    }
    await until("no session", async () => (await served.metric("execgate_sessions_active")) === 0);
  });

  test("before the client can know its session ends that, whatever it was to be kept for", async () => {
    await using line = await Line.open(served.url);
    line.weather.cutAfter = { down: 40 };
    const { end } = await run(line, ["sleep", "1000"]);
    assert.equal(end.kind, "lost");
    await until("no session", async () => (await served.metric("execgate_sessions_active")) === 0);
  });

  const weathers: [string, Partial<Weather>][] = [
    ["at random", {}],
    ["at random, in pieces of 7 bytes", { pieceBytes: 7 }],
    ["at random, with a delay", { delayMs: 3, pieceBytes: 20_000 }],
  ];
  for (const [title, weather] of weathers) {
    test(`${title} changes nothing of what arrives`, async () => {
      await using line = await Line.open(served.url);
      Object.assign(line.weather, weather);
      // By then the client has answered, so that the gateway knows that it can come back. And a frame of 64 KiB has to come through whole.
      let next = 400_000;
      let cuts = 0;
      line.onPassed = () => {
        if (line.passed.down < next || cuts === 8) return;
        cuts++;
        next = line.passed.down + 70_000 + Math.random() * 100_000;
        line.cut();
      };
      const { end, stdout } = await run(line, ["seq", "1", "200000"]);
      assert.equal(end.kind, "exit");
      assert.equal(stdout.toString(), `${Array.from({ length: 200_000 }, (_, n) => n + 1).join("\n")}\n`);
      assert.ok(cuts > 3, `${cuts} cuts`);
    });
  }
});

describe("a gateway that ends", () => {
  test("and is there again says at once that the session is gone", async () => {
    await using first = await GatewayProcess.spawn();
    const url = await first.url();
    await using line = await Line.open(url);
    const running = run(line, ["sleep", "1000"]);
    await until("session", async () => (await (await first.requester())("/v1/sessions?state=running")).text.includes("sleep"));
    first.child.kill("SIGKILL");
    await first.exited;
    await using second = await GatewayProcess.spawn({ listen: [new URL(url).host] });
    await second.url();
    const beganMs = performance.now();
    const { end } = await running;
    assert.deepEqual([end.kind, end.kind === "error" && end.code], ["error", "SESSION_NOT_FOUND"]);
    assert.ok(performance.now() - beganMs < 6000);
  });

  test("by SIGTERM tells the end of the session itself", async () => {
    await using gateway = await GatewayProcess.spawn({ settings: { limits: { shutdownMs: 100 } } });
    await using line = await Line.open(await gateway.url());
    const running = run(line, ["sleep", "1000"]);
    await until("session", async () => (await (await gateway.requester())("/v1/sessions?state=running")).text.includes("sleep"));
    gateway.child.kill("SIGTERM");
    const { end } = await running;
    assert.ok(end.kind === "exit" && end.exit.endedBy === "shutdown", JSON.stringify(end));
  });
});

test("a viewer that never reads holds nothing up", async () => {
  const body = { command: ["sh", "-c", "read x; head -c 30000000 /dev/zero"], stdin: true, keepMs: 60_000 };
  const { id } = (await served.request("/v1/sessions", { method: "POST", body })).json as { id: string };
  using viewer = await dialTest(`${served.url}/v1/sessions/${id}/attach?role=viewer`);
  await viewer.control("attached");
  viewer.ws.pause();
  using writer = await dialTest(`${served.url}/v1/sessions/${id}/attach`);
  await writer.control("attached");
  writer.stdin("\n");
  assert.equal((await writer.closed).code, 1000);
  assert.equal(writer.bytes(1).length, 30_000_000);
});
