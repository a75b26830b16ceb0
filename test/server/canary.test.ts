import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeBearerSubprotocol } from "../../src/wire/index.ts";
import { dial, refusalOf } from "../fixtures/exec-client.ts";
import { createRequester } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

/** What stands in a place of secrets, and is looked for everywhere else. */
const canary = (place: string): string => `CANARY-${process.pid}-${place}`;
const token = canary("owner");
/** What the words above begin with in base64. */
const encoded = Buffer.from(`CANARY-${process.pid}`).toString("base64").slice(0, 12);

test("secrets stand in no log, metric, audit line, answer or command line", { timeout: 60_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "execgate-canary-"));
  t.after(() => rm(dir, { recursive: true }));
  const auditFile = join(dir, "audit.jsonl");
  const auth = { tokens: [{ id: "ci", sha256: "a".repeat(64) }] };
  await using gateway = await GatewayProcess.spawn({ settings: { auth, audit: { file: auditFile } }, env: { EXECGATE_TOKEN: token } });
  const url = await gateway.url();
  const request = createRequester(url, token);
  const said: string[] = [];
  const tell = (body: unknown, path = "/v1/exec") => request(path, { method: "POST", body }).then((answer) => said.push(answer.text));

  // Credentials that are not valid.
  for (const authorization of [`Bearer ${canary("bearer")}`, `Basic ${canary("basic")}`, `Bearer ${canary("two")} ${canary("words")}`]) {
    said.push((await request("/v1/info", { headers: { authorization } })).text);
  }
  const wrong = [encodeBearerSubprotocol(canary("subprotocol")), `ticket.execgate.${canary("ticket")}`];
  for (const entry of wrong) {
    said.push((await refusalOf(`${url}/v1/exec?command=true`, { token: "", protocols: ["v1.execgate", entry] })).text);
  }

  // Environment and stdin, of commands that run, of those that do not, and of requests that are not well formed.
  const env = { SECRET: canary("env") };
  const stdin = canary("stdin");
  await tell({ command: ["true"], env, stdin });
  await tell({ command: ["no-such-command"], env, stdin });
  await tell({ command: ["true"], cwd: "/no/such/folder", env, stdin });
  await tell({ command: ["true"], target: "nowhere", env, stdin });
  await tell({ command: ["true"], env: { ...env, N: 5 }, stdin });
  await tell({ command: ["true"], env, stdin: "not base64", stdinEncoding: "base64" });
  await tell({ command: ["true"], env, stdin, more: 1 });
  await tell(`{"command":["true"],"stdin":"${canary("cut")}`);
  await tell(`{"command":["true"],"stdin":"a" ${canary("broken")}}`);
  await tell(`{"command":["true"],"stdin":${canary("bare")}}`);
  await tell(canary("alone"));
  await tell(`{"command":["true"],"stdin":"${canary("twice")}","stdin":"${canary("twice")}"}`);
  await tell(`{"command":["true"],"stdin":"${canary("escape")}\\q"}`);
  for (const query of [
    `env=A=${canary("query")}&x=1`,
    `env=${canary("name")}`,
    `env=A=${canary("a")}&env=A=${canary("b")}`,
    `env=A=${canary("%zz")}`,
  ]) {
    said.push((await refusalOf(`${url}/v1/exec?command=true&${query}`, { token })).text);
  }

  // A session of a ticket that runs: its secret, environment and stdin, and a stdin message.
  const exec = { command: ["sh", "-c", `cat >/dev/null; sleep ${uniqueSleep()}`], env, tty: false };
  const sleeping = exec.command[2]?.split("sleep ")[1] ?? "";
  const { ticket } = (await request("/v1/tickets", { method: "POST", body: { exec } })).json as { ticket: string };
  using client = await dial(`${url}/v1/exec`, { token: "", protocols: ["v1.execgate", `ticket.execgate.${ticket}`] });
  await client.control("attached");
  client.stdin(canary("typed"));
  client.say({ type: "eof" });
  client.say({ type: canary("message") });
  await client.closed;
  said.push(...client.frames.map(String));
  using running = await dial(`${url}/v1/exec?command=sleep&command=${sleeping}&env=A=${canary("running")}`, { token });
  await running.control("attached");
  await until("the command", () => processesWith(sleeping).length > 0);
  said.push(...commandLines());
  said.push((await request("/metrics")).text, (await request("/v1/sessions")).text, (await request("/openapi.json")).text);

  running.ws.close();
  await running.closed;
  gateway.child.kill("SIGTERM");
  await gateway.exited;
  const written = [...gateway.lines, ...said, readFileSync(auditFile, "utf8")];
  assert.ok(gateway.lines.length > 5 && said.length > 20);
  for (const secret of [`CANARY-${process.pid}`, encoded, ticket]) {
    assert.deepEqual(
      written.filter((text) => text.includes(secret)),
      [],
      secret,
    );
  }
});

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
      } catch {
        return [];
      }
    });
}
