import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/config.ts";
import { dial, refusalOf } from "../fixtures/exec-client.ts";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { authOf, openTeam, tokenOf } from "../fixtures/team.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

const members = { olga: ["ops"], vera: ["viewers"], wim: ["writers"] };

interface Wanted {
  readonly bound?: readonly string[];
  readonly expires?: string;
  readonly known?: Partial<typeof members>;
}

/** A policy in which those who are `bound` may do what they do. */
function settings({ bound = ["ops", "viewers", "writers"], expires, known = members }: Wanted = {}) {
  const rule = (verbs: string[]) => ({ allow: [{ verbs, targets: ["host"], commands: "any" }] });
  const roles = { ops: rule(["exec"]), viewers: rule(["view"]), writers: rule(["attach"]) };
  const bindings = bound.map((name) => ({ subjects: [`group:${name}`], roles: [name], ...(expires !== undefined && { expires }) }));
  return { auth: authOf(known as typeof members), policy: { roles, bindings } };
}

/** A gateway with those settings, and what gives it others. */
async function running(first: Wanted = {}) {
  const team = await openTeam(members, settings(first));
  const reload = async (wanted: Wanted): Promise<number> => {
    const file = join(team.served.stateDir, "next.yaml");
    await writeFile(file, JSON.stringify(settings(wanted)));
    return team.served.gateway.reload(loadConfig({ argv: ["--config", file, "--listen", "127.0.0.1:0"], env: {} }));
  };
  const sleep = uniqueSleep();
  const start = async () => {
    const created = await team.as("olga")("/v1/sessions", { method: "POST", body: { command: ["sleep", sleep], keepMs: 60_000 } });
    assert.equal(created.status, 201, created.text);
    return String(created.headers.location);
  };
  return { team, reload, start, sleep };
}

test("what goes on stays as long as it is allowed", async () => {
  const { team, reload, start } = await running();
  await using _ = team;
  const location = await start();
  using viewer = await dial(`${team.url}${location}/attach?role=viewer`, { token: tokenOf("vera") });
  await viewer.control("attached");
  assert.equal(await reload({}), 0);
  assert.equal(viewer.ws.readyState, viewer.ws.OPEN);
  assert.equal(((await team.as("olga")(location)).json as { state: string }).state, "running");
});

test("sessions whose exec is no longer allowed are killed, whichever way they were started, and their clients are told", async () => {
  const { team, reload, start, sleep } = await running();
  await using _ = team;
  const location = await start();
  const body = { command: ["sleep", sleep] };
  const posted = team.as("olga")("/v1/exec", { method: "POST", body });
  const streamed = team.as("olga")("/v1/exec", { method: "POST", body, headers: { accept: "application/x-ndjson" } });
  using socket = await dial(`${team.url}/v1/exec?command=sleep&command=${sleep}&keepMs=60000`, { token: tokenOf("olga") });
  using kubernetes = await dial(`${team.url}/v1/exec?command=sleep&command=${sleep}&stderr=1`, {
    token: tokenOf("olga"),
    protocols: "v5.channel.k8s.io",
  });
  using viewer = await dial(`${team.url}${location}/attach?role=viewer`, { token: tokenOf("vera") });
  const live = async () => (await team.as("olga")("/v1/sessions?state=running")).json as { sessions: unknown[] };
  await until("all five", async () => (await live()).sessions.length === 5);
  await viewer.control("attached");
  const began = performance.now();
  assert.equal(await reload({ bound: ["viewers", "writers"] }), 5);
  const killed = ["killed", "policy"];
  for (const client of [socket, viewer]) {
    const { outcome, endedBy } = await client.control("exit");
    assert.deepEqual([outcome, endedBy], killed);
    assert.equal((await client.closed).code, 4403);
  }
  await kubernetes.closed;
  const answer = (await posted).json as ExecAnswer;
  assert.deepEqual([answer.outcome, answer.endedBy], killed);
  const last = JSON.parse((await streamed).text.trim().split("\n").at(-1) ?? "") as ExecAnswer;
  assert.deepEqual([last.outcome, last.endedBy], killed);
  await until("end of every command", () => processesWith(`sleep\0${sleep}`).length === 0);
  assert.ok(performance.now() - began < 5000);
});

test("those who joined a session are let go, and the session goes on", async () => {
  const { team, reload, start } = await running();
  await using _ = team;
  const location = await start();
  using viewer = await dial(`${team.url}${location}/attach?role=viewer`, { token: tokenOf("vera") });
  using writer = await dial(`${team.url}${location}/attach`, { token: tokenOf("wim") });
  await Promise.all([viewer.control("attached"), writer.control("attached")]);
  const waiting = team.as("vera")(`${location}/output?waitMs=30000`);
  // It has come, or is still on its way: either way it is let go of or refused.
  const began = performance.now();
  assert.ok((await reload({ bound: ["ops"] })) >= 2);
  for (const client of [viewer, writer]) {
    assert.deepEqual([(await client.control("error")).code, (await client.closed).code], ["FORBIDDEN", 4403]);
  }
  const { status, text } = await waiting;
  assert.ok(status === 404 || (status === 200 && text === ""), `${status} ${text}`);
  assert.ok(performance.now() - began < 5000);
  assert.equal(((await team.as("olga")(location)).json as { state: string }).state, "running");
});

test("a ticket gives no more than policy does when it is used", async () => {
  const { team, reload, sleep } = await running();
  await using _ = team;
  const { ticket } = (await team.as("olga")("/v1/tickets", { method: "POST", body: { exec: { command: ["sleep", sleep] } } })).json as {
    ticket: string;
  };
  await reload({ bound: ["viewers"] });
  const offered = { token: "", protocols: ["v1.execgate", `ticket.execgate.${ticket}`] };
  assertProblem(await refusalOf(`${team.url}/v1/exec`, offered), 404, "TARGET_NOT_FOUND");
  assert.deepEqual(processesWith(sleep), []);
});

test("somebody who is in a group no more has lost what the group gave", async () => {
  const { team, reload, start } = await running();
  await using _ = team;
  const location = await start();
  assert.equal(await reload({ known: { ...members, olga: [] } }), 1);
  await until("end", async () => ((await team.as("olga")(location)).json as { state: string }).state === "ended");
  assert.equal(((await team.as("olga")(location)).json as ExecAnswer).endedBy, "policy");
});

test("a binding that ends takes what went on by it along", async () => {
  const { team, start } = await running({ expires: new Date(Date.now() + 3000).toISOString() });
  await using _ = team;
  const location = await start();
  await until("end", async () => ((await team.as("olga")(location)).json as { state: string }).state === "ended", 8000);
  assert.equal((await team.as("olga")("/v1/exec", { method: "POST", body: { command: ["true"] } })).status, 404);
});
