import { join } from "node:path";
import type { PolicyDocument, RoleDocument } from "../../src/access/policy/document.ts";
import { temporaryDirectory } from "./temporary.ts";

const rulesAll = 1000;
const rulesARole = 10;
let files = 0;

/** The settings of an audit into a file of its own, without which nothing runs. */
export function strictAudit(): { file: string; mode: "strict" } {
  return { file: join(temporaryDirectory(), `audit-${++files}.jsonl`), mode: "strict" };
}

/** 1000 rules, every one bound to the caller and about the very target: each must be looked at. The last one allows. */
export function manyRules(): Pick<PolicyDocument, "roles"> & { bindings: object[] } {
  const roles = Object.fromEntries(
    Array.from({ length: rulesAll / rulesARole }, (_, role): [string, RoleDocument] => [
      `role-${role}`,
      {
        allow: Array.from({ length: rulesARole - 1 }, (_, i) => ({
          verbs: ["exec"],
          targets: ["host", `docker:app-${role}-*`],
          commands: role === rulesAll / rulesARole - 1 && i === rulesARole - 2 ? [["/bin/true"]] : [[`/opt/tool-${role}-${i}`, "--check"]],
        })),
        deny: [{ targets: ["host"], commands: [[`/opt/secret-${role}`]] }],
      },
    ]),
  );
  return { roles, bindings: [{ subjects: ["user:owner"], roles: Object.keys(roles) }] };
}
