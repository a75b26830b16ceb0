import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dial, refusalOf } from "../fixtures/exec-client.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { openTeam, type Team, tokenOf } from "../fixtures/team.ts";
import { until } from "../fixtures/until.ts";

type Line = Readonly<Record<string, unknown>> & { readonly event: string };

const members = { olga: ["ops"], vera: ["viewers"], nina: [] };
const policy = {
  roles: {
    ops: {
      allow: [{ verbs: ["exec", "attach", "view", "kill"], targets: ["host"], commands: "any" }],
      deny: [{ commands: [["reboot"]] }],
    },
    viewers: { allow: [{ verbs: ["view"], targets: ["host"] }] },
  },
  bindings: [
    { subjects: ["group:ops"], roles: ["ops"] },
    { subjects: ["group:viewers"], roles: ["viewers"] },
  ],
};

let team: Team;
let dir: string;
let file: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "execgate-audit-"));
  file = join(dir, "audit.jsonl");
  team = await openTeam(members, { policy, audit: { file } });
});
after(async () => {
  await team[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const linesOf = (): Line[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** The lines that `act` adds, as soon as there are `count` of these events among them. */
async function told(event: string, count: number, act: () => Promise<unknown>): Promise<Line[]> {
  const known = linesOf().length;
  const added = () =>
    linesOf()
      .slice(known)
      .filter((line) => line.event === event);
  await act();
  await until(`${count} of ${event}`, () => added().length >= count);
  return added();
}

describe("the audit trail of a team", () => {
  it("tells of shares that are given out, used and revoked, and of no secret", async () => {
    const created = await team.as("olga")("/v1/sessions", { method: "POST", body: { command: ["cat"], stdin: true } });
    const { location = "" } = created.headers;
    let shared = { id: "", url: "" };
    const [issued] = await told("share.issue", 1, async () => {
      shared = (await team.as("olga")(`${location}/shares`, { method: "POST", body: {} })).json as typeof shared;
    });
    assert.deepEqual([issued?.principal, issued?.subject, issued?.session], ["user:olga", shared.id, location.split("/").at(-1)]);
    const secret = shared.url.split(".").at(-1) ?? "";
    const protocols = ["v1.execgate", `share.execgate.${secret}`];
    const [used] = await told("session.attach", 1, async () => {
      using viewer = await dial(`${team.url}${location}/attach?role=viewer`, { protocols, token: "" });
      await viewer.control("attached");
    });
    assert.deepEqual([used?.by, used?.share, used?.verb, used?.principal], ["share", shared.id, "view", "user:olga"]);
    const [revoked] = await told("share.revoke", 1, () => team.as("olga")(`${location}/shares/${shared.id}`, { method: "DELETE" }));
    assert.equal(revoked?.subject, shared.id);
    assert.ok(!readFileSync(file, "utf8").includes(secret));
    await team.as("olga")(location, { method: "DELETE" });
  });

  it("tells what policy refused, to whom, by which rule, and of which command", async () => {
    const [denied] = await told("authz.deny", 1, async () => {
      const body = { command: ["reboot"], reason: "why not" };
      assertProblem(await team.as("olga")("/v1/exec", { method: "POST", body }), 403, "FORBIDDEN");
    });
    assert.ok(denied !== undefined);
    const { principal, credential, verb, target, argv, code, rule, reason } = denied;
    assert.deepEqual(
      [principal, credential, verb, argv, code, reason],
      ["user:olga", "token:olga", "exec", ["reboot"], "FORBIDDEN", "why not"],
    );
    assert.deepEqual([(target as { id: string }).id, typeof rule], ["host", "string"]);
    const [conditional] = await told("authz.deny", 1, () => team.as("vera")("/v1/exec", { method: "POST", body: { command: ["true"] } }));
    assert.deepEqual([conditional?.principal, conditional?.code], ["user:vera", "FORBIDDEN"]);
  });

  it("tells of a target that is hidden from whoever named it, by every way in", async () => {
    const hidden = await told("authz.deny", 3, async () => {
      await team.as("nina")("/v1/exec", { method: "POST", body: { command: ["true"] } });
      await refusalOf(`${team.url}/v1/exec?command=true`, { token: tokenOf("nina") });
      await team.as("nina")("/v1/tickets", { method: "POST", body: { exec: { command: ["true"] } } });
    });
    assert.deepEqual(
      hidden.map(({ principal, verb, code }) => [principal, verb, code]),
      Array(3).fill(["user:nina", "see", "TARGET_NOT_FOUND"]),
    );
  });

  it("tells the rule by which an exec was allowed", async () => {
    const [start] = await told("exec.start", 1, () => team.as("olga")("/v1/exec", { method: "POST", body: { command: ["true"] } }));
    assert.match(String(start?.rule), /ops/);
  });

  it("tells of those who read another's session without joining it, and not of its owner", async () => {
    const created = await team.as("olga")("/v1/sessions", { method: "POST", body: { command: ["cat"], stdin: true } });
    const { location } = created.headers;
    const attached = await told("session.attach", 2, async () => {
      await team.as("olga")(`${location}/output`);
      await team.as("vera")(`${location}/output`);
      await team.as("vera")(`${location}/result`);
    });
    assert.deepEqual(
      attached.map(({ principal, owner, verb, by }) => [principal, owner, verb, by]),
      [
        ["user:vera", "user:olga", "view", "output"],
        ["user:vera", "user:olga", "view", "result"],
      ],
    );
    const [refused] = await told("authz.deny", 1, () =>
      team.as("vera")(`${location}/stdin`, { method: "POST", body: { data: "rm -rf /\n" } }),
    );
    assert.deepEqual([refused?.principal, refused?.verb], ["user:vera", "attach"]);
    await team.as("olga")(String(location), { method: "DELETE" });
  });

  it("tells of tickets that are given, and of those that are presented in vain", async () => {
    let ticket = "";
    const [issued] = await told("ticket.issue", 1, async () => {
      const answer = await team.as("olga")("/v1/tickets", { method: "POST", body: { exec: { command: ["true"], env: { A: "b" } } } });
      ({ ticket } = answer.json as { ticket: string });
    });
    assert.deepEqual([issued?.principal, issued?.path, issued?.argv], ["user:olga", "/v1/exec", ["true"]]);
    const offer = { token: "", protocols: ["v1.execgate", `ticket.execgate.${ticket}`] };
    const [start] = await told("exec.start", 1, async () => {
      using client = await dial(`${team.url}/v1/exec`, offer);
      await client.control("exit");
    });
    assert.deepEqual([start?.principal, start?.envNames], ["user:olga", ["A"]]);
    const [again] = await told("ticket.refuse", 1, () => refusalOf(`${team.url}/v1/exec`, offer));
    assert.deepEqual([again?.path, again?.code], ["/v1/exec", "UNAUTHENTICATED"]);
    assert.ok(!readFileSync(file, "utf8").includes(ticket));
  });
});
