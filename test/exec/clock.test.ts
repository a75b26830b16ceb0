import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../src/exec/clock.ts";

/** Keeps the loop from everything else. */
function beBusy(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe("a timer of the system's clock", () => {
  test("that is late because the loop was busy comes behind what has arrived meanwhile", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted = once(server, "connection");
    const client = connect(server.address() as { port: number });
    const [peer] = (await accepted) as [Socket];
    const order: string[] = [];
    client.on("data", () => order.push("arrived"));
    const due = new Promise<void>((resolve) => {
      systemClock.after(10, () => {
        order.push("due");
        resolve();
      });
    });
    peer.write("x");
    beBusy(50);
    await due;
    assert.deepEqual(order, ["arrived", "due"]);
    client.destroy();
    server.close();
  });

  test("is not called once it is cancelled, even if it has fallen due by then", async () => {
    let calls = 0;
    const cancel = systemClock.after(5, () => calls++);
    setTimeout(cancel, 5);
    beBusy(20);
    await delay(20);
    assert.equal(calls, 0);
  });
});
