import { join } from "node:path";
import type { PolicyDocument, RoleDocument } from "../../src/access/policy/document.ts";
import { rateOf, ratios } from "./busy.ts";
import { type Figure, median, type Part } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";
import { temporaryDirectory } from "./temporary.ts";

/** Short rounds and many of them: other work on the machine then meets all gateways alike. */
const rounds = 40;
const concurrency = 16;
const runsARound = 250;
const rulesAll = 1000;
const rulesARole = 10;
const body = JSON.stringify({ command: ["/bin/true"] });

/** What policy and audit cost: runs of `/bin/true` a second under them, and in turn with it on a gateway that has neither. */
export const guarded: Part = { name: "guarded", measure };

async function measure(): Promise<readonly Figure[]> {
  const policy = policyOf(rulesAll);
  const auditOf = (name: string) => ({ file: join(temporaryDirectory(), name), mode: "strict" });
  await using free = await startGatewayProcess();
  await using ruled = await startGatewayProcess({ settings: { policy } });
  await using audited = await startGatewayProcess({ settings: { audit: auditOf("audited.jsonl") } });
  await using both = await startGatewayProcess({ settings: { policy, audit: auditOf("both.jsonl") } });
  const gateways = [free, ruled, audited, both].map(({ port }) => ({ port, rates: [] as number[] }));
  for (const { port } of gateways) await measureRound(port);
  for (let round = 0; round < rounds; round++) {
    for (const { port, rates } of gateways) rates.push(await measureRound(port));
  }
  const [without = [], withRules = [], withAudit = [], withBoth = []] = gateways.map(({ rates }) => rates);
  return [
    { name: "exec at 16, without policy and audit", value: median(without), unit: "/s" },
    { name: "1000 rules / without", value: median(ratios(withRules, without)), unit: "×", aim: { is: "atLeast", limit: 0.9 } },
    { name: "strict audit / without", value: median(ratios(withAudit, without)), unit: "×", aim: { is: "atLeast", limit: 0.9 } },
    {
      name: "1000 rules and strict audit / without",
      value: median(ratios(withBoth, without)),
      unit: "×",
      aim: { is: "atLeast", limit: 0.9 },
    },
  ];
}

/** On connections of its own: those of the other gateway's round would have stood idle for too long. */
async function measureRound(port: number): Promise<number> {
  const clients = await Promise.all(Array.from({ length: concurrency }, () => openHttpClient(port)));
  const ways = clients.map((client) => () => client.exec(body));
  const rate = await rateOf(ways, runsARound);
  for (const client of clients) client[Symbol.dispose]();
  return rate;
}

/** So many rules in all, every one bound to the caller and about the very target: each must be looked at. The last one allows. */
function policyOf(rules: number): Pick<PolicyDocument, "roles"> & { bindings: object[] } {
  const roles = Object.fromEntries(
    Array.from({ length: rules / rulesARole }, (_, role): [string, RoleDocument] => [
      `role-${role}`,
      {
        allow: Array.from({ length: rulesARole - 1 }, (_, i) => ({
          verbs: ["exec"],
          targets: ["host", `docker:app-${role}-*`],
          commands: role === rules / rulesARole - 1 && i === rulesARole - 2 ? [["/bin/true"]] : [[`/opt/tool-${role}-${i}`, "--check"]],
        })),
        deny: [{ targets: ["host"], commands: [[`/opt/secret-${role}`]] }],
      },
    ]),
  );
  return { roles, bindings: [{ subjects: ["user:owner"], roles: Object.keys(roles) }] };
}
