import { once } from "node:events";
import { sumOf, testToken } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { countDescriptors, countTerminals } from "../fixtures/process-facts.ts";
import { promise, type Row } from "../fixtures/promise.ts";
import { connectRaw } from "../fixtures/raw-socket.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

/** What a gateway holds of what the kernel and the loop give out. */
async function holdings(gateway: GatewayProcess) {
  const pid = gateway.child.pid ?? 0;
  const { text } = await (await gateway.requester())("/metrics");
  return {
    descriptors: countDescriptors(pid),
    timers: sumOf(text, "nodejs_active_resources", 'type="Timeout"'),
    ptys: countTerminals(pid),
  };
}

/** The rows that say what is still held, and how far memory has grown, after `work`, which settles by itself. */
async function* leaksOf(gateway: GatewayProcess, name: string, work: () => Promise<void>): AsyncGenerator<Row> {
  const before = await holdings(gateway);
  const { now: bytesBefore } = gateway.memory();
  await work();
  let after = before;
  const isBack = async () => {
    after = await holdings(gateway);
    return after.descriptors <= before.descriptors && after.timers <= before.timers && after.ptys <= before.ptys;
  };
  await until("return to what was held before", isBack).catch(() => undefined);
  for (const what of ["descriptors", "timers", "ptys"] as const) {
    yield { what: `${what} more than before, ${name}`, measured: after[what] - before[what], limit: 0, unit: what };
  }
  const grown = gateway.memory().now - bytesBefore;
  yield { what: `memory more than before, ${name}`, measured: grown / 1e6, limit: 20, unit: "MB" };
}

promise("B6", "failed starts and aborted connections leave nothing behind", async function* (scale) {
  const count = scale === "full" ? 10_000 : 500;
  await using gateway = await GatewayProcess.spawn();
  const [url, request, sleep] = [await gateway.url(), await gateway.requester(), uniqueSleep()];
  await request("/v1/exec", { method: "POST", body: { command: ["true"] } });

  yield* leaksOf(gateway, `${count} missing commands`, () =>
    inParallel(16, count, async (i) => {
      const answer = await request("/v1/exec", { method: "POST", body: { command: ["no-such-command"], tty: i % 2 === 0 } });
      assertProblem(answer, 422, "COMMAND_NOT_FOUND", "command");
    }),
  );

  const upgrade = [
    `GET /v1/exec?tty=1&command=sleep&command=${sleep} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${testToken}\r\n`,
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  ] as const;
  /** What a client has sent when it aborts, and whether it waits for the answer: nothing, a half, all. */
  const stages = [
    ["", false],
    [upgrade[0], false],
    [upgrade.join(""), false],
    [upgrade.join(""), true],
  ] as const;
  yield* leaksOf(gateway, `${count} aborted connections`, async () => {
    await inParallel(16, count, async (i) => {
      const [sent, isAwaited] = stages[i % stages.length] ?? stages[0];
      const socket = await connectRaw(url);
      if (sent !== "") await new Promise((resolve) => socket.write(sent, resolve));
      if (isAwaited) await once(socket, "data");
      socket.resetAndDestroy();
      await once(socket, "close");
    });
    await until("the end of what was started", () => processesWith(sleep).length === 0);
  });
});
