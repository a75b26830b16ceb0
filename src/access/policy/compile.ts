import type { AllowDocument, BindingDocument, DenyDocument, PolicyDocument } from "./document.ts";
import { faultOfGlob } from "./glob.ts";
import { Policy } from "./policy.ts";
import { AllowRule, DenyRule } from "./rule.ts";
import type { Binding } from "./scope.ts";

/** A policy that cannot be: the message names the key path within the section. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";

  constructor(path: string, message: string) {
    super(`${path}: ${message}`);
  }
}

type Role = Pick<Binding, "allow" | "deny">;

/** Makes a policy of what the file says. @throws PolicyError for what the shape of the section cannot tell */
export function compilePolicy({ roles, bindings }: PolicyDocument): Policy {
  const compiled = new Map(
    Object.entries(roles).map(([name, { allow = [], deny = [] }]): [string, Role] => [
      name,
      {
        allow: allow.map((rule, i) => new AllowRule(`${name}.allow.${i}`, checkAllow(rule, `roles.${name}.allow.${i}`))),
        deny: deny.map((rule, i) => new DenyRule(`${name}.deny.${i}`, checkRule(rule, `roles.${name}.deny.${i}`))),
      },
    ]),
  );
  const bySubject = new Map<string, Binding[]>();
  for (const [i, binding] of bindings.entries()) {
    const bound = bind(binding, compiled, `bindings.${i}`);
    for (const subject of binding.subjects) bySubject.set(subject, [...(bySubject.get(subject) ?? []), ...bound]);
  }
  return new Policy(bySubject);
}

function checkRule<R extends AllowDocument | DenyDocument>(rule: R, path: string): R {
  for (const [i, text] of (rule.targets ?? []).entries()) {
    const fault = faultOfGlob(text);
    if (fault !== undefined) throw new PolicyError(`${path}.targets.${i}`, `${JSON.stringify(text)} ${fault}`);
  }
  for (const [name, text] of Object.entries(rule.labels ?? {})) {
    const fault = faultOfGlob(text);
    if (fault !== undefined) throw new PolicyError(`${path}.labels.${name}`, `${JSON.stringify(text)} ${fault}`);
  }
  return rule;
}

function checkAllow(rule: AllowDocument, path: string): AllowDocument {
  if (rule.commands === undefined && (rule.verbs.includes("exec") || rule.verbs.includes("attach"))) {
    throw new PolicyError(`${path}.commands`, "missing; a rule that allows exec or attach says any, or lists commands");
  }
  return checkRule(rule, path);
}

function bind({ subjects, roles, expiresAt }: BindingDocument, compiled: ReadonlyMap<string, Role>, path: string): Binding[] {
  for (const [i, subject] of subjects.entries()) {
    if (/^(user|group):(?!\s)[^*\p{Cc}]+(?<!\s)$/u.test(subject)) continue;
    const message = `expected user:NAME or group:NAME, written out, got ${JSON.stringify(subject)}`;
    throw new PolicyError(`${path}.subjects.${i}`, message);
  }
  return roles.map((name, i) => {
    const role = compiled.get(name);
    if (role === undefined) throw new PolicyError(`${path}.roles.${i}`, `there is no role ${JSON.stringify(name)}`);
    return { ...role, expiresAt };
  });
}
