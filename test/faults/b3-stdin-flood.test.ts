import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { dial } from "../fixtures/exec-client.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { cpuMs } from "../fixtures/process-facts.ts";
import { promise } from "../fixtures/promise.ts";
import { queuedBytes } from "../fixtures/tcp-table.ts";
import { untilStill } from "../fixtures/until.ts";

/** What a pipe takes without a reader. */
const pipeBytes = 65_536;
/** The credit of a client, KiB. The frame that crosses it comes on top, and what two reads of the socket brought of the next. */
const creditKiB = 256;
const readKiB = 2 * 64;

promise("B3", "stdin that nobody reads is not held, nor does it keep the gateway busy", async function* (scale) {
  await using gateway = await GatewayProcess.spawn();
  const [url, pid] = [await gateway.url(), gateway.child.pid ?? 0];
  const measureMs = scale === "full" ? 5000 : 1500;
  for (const frameBytes of [65_536, 1]) {
    using client = await dial(`${url}/v1/exec?command=sleep&command=100`);
    await client.control("attached");
    const socket = (client.ws as unknown as { _socket: Socket })._socket;
    const [from, to] = [socket.localPort ?? 0, Number(new URL(url).port)];
    const beforeBytes = socket.bytesWritten;
    const frame = Buffer.alloc(frameBytes + 1);
    const fill = () => {
      while (client.ws.bufferedAmount < 1_000_000) client.ws.send(frame);
    };
    const taken = await untilStill("stdin", () => {
      fill();
      return socket.bytesWritten - socket.writableLength - beforeBytes - queuedBytes(from, to);
    });
    const [cpuBefore, beganMs] = [cpuMs(pid), performance.now()];
    await delay(measureMs);
    const busy = (100 * (cpuMs(pid) - cpuBefore)) / (performance.now() - beganMs);
    const wireBytes = frameBytes === 1 ? 8 : frameBytes + 9 + 6;
    const held = (taken * frameBytes) / wireBytes - pipeBytes;
    const limit = creditKiB + frameBytes / 1024 + (readKiB * frameBytes) / wireBytes;
    yield { what: `stdin held, in frames of ${frameBytes}`, measured: held / 1024, limit, unit: "KiB" };
    yield { what: `processor meanwhile, in frames of ${frameBytes}`, measured: busy, limit: 5, unit: "%" };
  }
});
