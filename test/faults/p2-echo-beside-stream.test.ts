import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { echoTimes, openEcho, quantile } from "../fixtures/echo.ts";
import { sumOf } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise, type Row } from "../fixtures/promise.ts";
import { until } from "../fixtures/until.ts";

const mb = 1_000_000;
/** Reads a command's output as fast as it comes, in a process of its own. */
const reader = fileURLToPath(new URL("../bench/stream-client.js", import.meta.url));

promise("P2", "a keystroke is echoed at once while another session streams at full speed", async function* (scale) {
  await using gateway = await GatewayProcess.spawn();
  for (const kind of ["terminal", "pipe"] as const) yield* echoBeside(gateway, kind, scale === "full");
});

async function* echoBeside(gateway: GatewayProcess, kind: "terminal" | "pipe", isFull: boolean): AsyncIterable<Row> {
  const url = await gateway.url();
  const request = await gateway.requester();
  const streamed = async (): Promise<number> => sumOf((await request("/metrics")).text, "execgate_stream_bytes_total");
  using echo = await openEcho(url);
  const [before, beganMs] = [await streamed(), performance.now()];
  const stream = spawn(process.execPath, [reader, new URL(url).port, kind === "terminal" ? "1" : "0", "host", "yes"], { stdio: "ignore" });
  await until("a stream", async () => (await streamed()) > before + mb);
  const times = await echoTimes(echo, isFull ? 5000 : 500);
  const rate = ((await streamed()) - before) / (performance.now() - beganMs) / 1000;
  stream.kill();
  await once(stream, "exit");
  // Beside other tests there is no telling who waits for the processor.
  yield { what: `echo beside a stream of a ${kind}, p99`, measured: quantile(times, 0.99), limit: isFull ? 20 : 200, unit: "ms" };
  yield { what: `that stream of a ${kind} meanwhile`, measured: rate, is: "atLeast", limit: 1, unit: "MB/s" };
}
