import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { Line } from "../fixtures/line.ts";
import { promise, type Row } from "../fixtures/promise.ts";
import { testToken } from "../fixtures/token.ts";
import { until } from "../fixtures/until.ts";

const program = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const cuts = 20;
/** More than a client is sent before it has answered: from there on the gateway knows that it can come back. */
const firstCutBytes = 400_000;

/** The command line client, as a program, by the line. */
function startClient(line: Line, args: readonly string[]): ChildProcess {
  const env = { PATH: process.env.PATH ?? "", EXECGATE_SERVER: line.url, EXECGATE_TOKEN: testToken };
  return spawn(process.execPath, [program, "exec", "--keep", "1m", ...args], { env, stdio: "pipe" });
}

/** Hashes what a client writes to stdout, and says how much it was. */
function readAll(child: ChildProcess) {
  const hash = createHash("sha256");
  const read = { bytes: 0, digest: () => hash.digest("hex"), stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    read.bytes += chunk.length;
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    read.stderr += chunk;
  });
  return read;
}

const hashOf = (bytes: string | Buffer): string => createHash("sha256").update(bytes).digest("hex");

promise("C10", "a client whose network drops resumes, and the bytes are the same to the hash", async function* (scale) {
  const count = scale === "full" ? 2_000_000 : 500_000;
  const expected = `${Array.from({ length: count }, (_, n) => n + 1).join("\n")}\n`;
  await using gateway = await GatewayProcess.spawn();
  await using line = await Line.open(await gateway.url());
  yield* loseOutput(line, count, expected);
  yield* loseInput(line);
});

async function* loseOutput(line: Line, count: number, expected: string): AsyncIterable<Row> {
  const child = startClient(line, ["--", "seq", "1", String(count)]);
  const read = readAll(child);
  let done = 0;
  line.onPassed = () => {
    if (done === cuts || line.passed.down < firstCutBytes + (done * (expected.length - firstCutBytes)) / cuts) return;
    done++;
    line.cut();
  };
  const [status] = await once(child, "close");
  const of = `seq 1 ${count}`;
  yield { what: `cuts during ${of}`, measured: done, is: "exactly", limit: cuts, unit: "cuts" };
  yield { what: "connections that it took", measured: line.passed.connections, is: "atLeast", limit: cuts + 1, unit: "" };
  yield { what: `bytes of ${of} that were received`, measured: read.bytes, is: "exactly", limit: expected.length, unit: "bytes" };
  yield { what: "hashes that differ from the one without cuts", measured: Number(read.digest() !== hashOf(expected)), limit: 0, unit: "" };
  yield { what: "exit status of the client", measured: Number(status ?? -1), is: "exactly", limit: 0, unit: "" };
}

/** Ten thousand bytes that are typed one by one, the line being cut every five hundred. */
async function* loseInput(line: Line): AsyncIterable<Row> {
  line.onPassed = () => undefined;
  const typed = Buffer.from(Array.from({ length: 10_000 }, (_, n) => 33 + ((n * 7) % 90)));
  const child = startClient(line, ["-i", "--", "cat"]);
  const read = readAll(child);
  const { connections } = line.passed;
  for (let n = 0; n < typed.length; n++) {
    child.stdin?.write(typed.subarray(n, n + 1));
    if (n % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
    if (n % 500 !== 250) continue;
    // The line is not cut before it stands, and while bytes are on their way both ways.
    await until("a byte that is back", () => read.bytes > n - 250);
    line.cut();
  }
  child.stdin?.end();
  await once(child, "close");
  yield { what: "connections for 10 000 typed bytes", measured: line.passed.connections - connections, is: "atLeast", limit: 20, unit: "" };
  yield { what: "typed bytes that came back", measured: read.bytes, is: "exactly", limit: typed.length, unit: "bytes" };
  yield {
    what: "hashes that differ from the one of what was typed",
    measured: Number(read.digest() !== hashOf(typed)),
    limit: 0,
    unit: "",
  };
}
