import type { PolicyDocument, RoleDocument } from "../../src/access/policy/document.ts";
import { rateOf, ratios } from "./busy.ts";
import { type Figure, median, type Part } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";

const rounds = 12;
const concurrency = 16;
const runsARound = 1000;
const rulesAll = 1000;
const rulesARole = 10;
const body = JSON.stringify({ command: ["/bin/true"] });

/** What policy costs: runs of `/bin/true` a second under 1000 rules, and in turn with it on a gateway without a policy. */
export const guarded: Part = { name: "guarded", measure };

async function measure(): Promise<readonly Figure[]> {
  await using free = await startGatewayProcess();
  await using strict = await startGatewayProcess({ settings: { policy: policyOf(rulesAll) } });
  const [without, withPolicy]: [number[], number[]] = [[], []];
  await measureRound(free.port);
  await measureRound(strict.port);
  for (let round = 0; round < rounds; round++) {
    withPolicy.push(await measureRound(strict.port));
    without.push(await measureRound(free.port));
  }
  return [
    { name: "exec at 16, without a policy", value: median(without), unit: "/s" },
    { name: "exec at 16, 1000 rules", value: median(withPolicy), unit: "/s" },
    { name: "1000 rules / without", value: median(ratios(withPolicy, without)), unit: "×", aim: { is: "atLeast", limit: 0.9 } },
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
