import assert from "node:assert/strict";
import { dial } from "../fixtures/exec-client.ts";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";

/** Background children that hold the streams, also when their terminal hangs up: one in silence, one that writes on. */
const holders = {
  "a silent child": "trap '' HUP; sleep 20 & echo hi",
  "a child that writes on": "trap '' HUP; yes & echo hi",
} as const;

/** Milliseconds from the command's exit to its answer: a command ends no later than it says. */
async function lateness(answered: Promise<Pick<ExecAnswer, "outcome" | "durationMs">>): Promise<number> {
  const beganMs = performance.now();
  const { outcome, durationMs } = await answered;
  assert.equal(outcome, "exited");
  return performance.now() - beganMs - durationMs;
}

promise("C3", "a background child that holds the streams does not hold the answer", async function* (scale) {
  await using gateway = await GatewayProcess.spawn();
  const [url, request] = [await gateway.url(), await gateway.requester()];
  const post = async (command: string[], tty: boolean) =>
    (await request("/v1/exec", { method: "POST", body: { command, tty } })).json as ExecAnswer;
  const stream = async (command: string[], tty: boolean) => {
    const query = new URLSearchParams([["tty", tty ? "1" : "0"], ...command.map((item) => ["command", item])]);
    using client = await dial(`${url}/v1/exec?${query}`);
    return (await client.control("exit")) as unknown as ExecAnswer;
  };
  await post(["true"], false);
  const runs = scale === "full" ? 6 : 1;
  for (const [holder, script] of Object.entries(holders)) {
    for (const tty of [false, true]) {
      for (const [way, answer] of Object.entries({ POST: post, WebSocket: stream })) {
        let worstMs = 0;
        for (let i = 0; i < runs; i++) worstMs = Math.max(worstMs, await lateness(answer(["sh", "-c", script], tty)));
        const what = `answer after the exit, ${holder}, ${tty ? "tty" : "pipe"}, ${way}, worst of ${runs}`;
        yield { what, measured: worstMs, limit: 500, unit: "ms" };
      }
    }
  }
});
