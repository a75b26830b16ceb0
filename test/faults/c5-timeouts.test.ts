import assert from "node:assert/strict";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { countDescriptors, countZombies } from "../fixtures/process-facts.ts";
import { promise } from "../fixtures/promise.ts";
import { processesWith, uniqueSleep, until, untilStill } from "../fixtures/until.ts";

promise("C5", "commands that time out leave no process and no zombie", async function* (scale) {
  await using gateway = await GatewayProcess.spawn();
  const [request, sleep, pid] = [await gateway.requester(), uniqueSleep(), gateway.child.pid ?? 0];
  const time = async (tty: boolean): Promise<boolean> => {
    const body = { command: ["sh", "-c", `sleep ${sleep} & sleep ${sleep}`], tty, timeoutMs: 20 };
    const { json } = await request("/v1/exec", { method: "POST", body });
    return (json as ExecAnswer).outcome === "timeout";
  };
  assert.ok((await time(false)) && (await time(true)));
  const descriptors = await untilStill("descriptors", () => countDescriptors(pid));
  const runs = scale === "full" ? 10_000 : 300;
  let timeouts = 0;
  await inParallel(16, runs, async (i) => {
    if (await time(i % 4 === 0)) timeouts++;
  });
  yield { what: `answers of ${runs} that said timeout`, measured: timeouts, is: "exactly", limit: runs, unit: "answers" };
  yield { what: "processes left", measured: processesWith(sleep).length, limit: 0, unit: "processes" };
  await until("end of the zombies", () => countZombies(pid) === 0).catch(() => undefined);
  yield { what: "zombies left", measured: countZombies(pid), limit: 0, unit: "zombies" };
  await until("closed connections", () => countDescriptors(pid) <= descriptors).catch(() => undefined);
  yield { what: "descriptors more than before", measured: countDescriptors(pid) - descriptors, limit: 0, unit: "descriptors" };
});
