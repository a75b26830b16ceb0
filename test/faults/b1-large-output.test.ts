import { bytesOf, type ExecAnswer } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";

const cap = 1_048_576;

promise("B1", "output far beyond its cap is counted to the byte, in little memory", async function* (scale) {
  const bytes = scale === "full" ? 10_000_000_000 : 1_000_000_000;
  await using gateway = await GatewayProcess.spawn();
  const request = await gateway.requester();
  await request("/v1/exec", { method: "POST", body: { command: ["true"] } });
  const before = gateway.memory().now;
  const script = `head -c ${bytes} /dev/zero; exit 7`;
  const body = { command: ["sh", "-c", script], outputBytesMax: cap, encoding: "base64", timeoutMs: 0 };
  const answer = (await request("/v1/exec", { method: "POST", body })).json as ExecAnswer;
  yield { what: `memory for ${bytes / 1e9} GB, at its highest`, measured: (gateway.memory().peak - before) / 1e6, limit: 16, unit: "MB" };
  yield { what: "bytes counted too many or too few", measured: Math.abs(answer.stdout.bytes - bytes), limit: 0, unit: "bytes" };
  yield { what: "bytes returned", measured: bytesOf(answer.stdout).length, is: "exactly", limit: cap, unit: "bytes" };
  yield { what: "exit code", measured: answer.exitCode ?? -1, is: "exactly", limit: 7, unit: "" };
});
