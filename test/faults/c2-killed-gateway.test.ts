import { dial } from "../fixtures/exec-client.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";
import { createTroop, untilComplete, untilGone } from "./escapees.ts";

promise("C2", "after SIGKILL of the gateway no command survives 2 s", async function* (scale) {
  const runs = scale === "full" ? 10 : 1;
  let worstMs = 0;
  for (let i = 0; i < runs; i++) {
    await using gateway = await GatewayProcess.spawn();
    const url = await gateway.url();
    const troops = [false, true].map((tty) => ({ tty, ...createTroop() }));
    for (const { tty, command } of troops) {
      const query = new URLSearchParams([["tty", tty ? "1" : "0"], ...command.map((item) => ["command", item])]);
      await dial(`${url}/v1/exec?${query}`);
    }
    for (const troop of troops) await untilComplete(troop);
    gateway.child.kill("SIGKILL");
    for (const troop of troops) worstMs = Math.max(worstMs, await untilGone(troop));
  }
  yield { what: `time until all twelve are gone, tty and pipe, worst of ${runs}`, measured: worstMs, limit: 2000, unit: "ms" };
});
