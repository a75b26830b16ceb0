import { ExecgateError } from "../../errors.ts";
import type { Permit } from "../../exec/permit.ts";
import type { ExecRequest } from "../../exec/request.ts";
import type { Verb } from "../principal.ts";
import { type AllowRule, type Condition, conditions, type DenyRule, type Question } from "./rule.ts";

export type Decision = Allowed | Refused;

export interface Allowed {
  readonly isAllowed: true;
  readonly permit: Permit;
  /** Every rule that allows it, by name. */
  readonly rules: readonly string[];
}

export interface Refused {
  readonly isAllowed: false;
  /** The rule that denies it, or the one that came nearest to allowing it; undefined when no rule is about it. */
  readonly rule: string | undefined;
  /** What that rule does not allow; undefined when it denies. */
  readonly condition: Condition | undefined;
  /** What the caller is told. */
  readonly refusal: ExecgateError;
}

/** What all the rules that allow a question give together: each limit is the widest of them, and only what all ask for is asked for. */
export function allow(rules: readonly AllowRule[]): Allowed {
  const names = rules.map(({ name }) => name).sort();
  const widest = (limit: "sessionsPerPrincipalMax" | "execsPerMinutePerPrincipal"): number | undefined => {
    const values = rules.map(({ terms }) => terms[limit] || Number.POSITIVE_INFINITY);
    const value = Math.max(...values);
    return value === Number.POSITIVE_INFINITY ? undefined : value;
  };
  const asked = rules.map(({ terms }) => terms.record ?? "off");
  const permit: Permit = Object.freeze({
    rule: names[0] ?? null,
    record: (["off", "bestEffort", "strict"] as const).find((record) => asked.includes(record)) ?? "off",
    sessionsPerPrincipalMax: widest("sessionsPerPrincipalMax"),
    execsPerMinutePerPrincipal: widest("execsPerMinutePerPrincipal"),
  });
  return { isAllowed: true, permit, rules: names };
}

/** The refusal of somebody whom no rule lets near the target: the one of a target that is not there. */
export function hide(targetId: string): Refused {
  return { isAllowed: false, rule: undefined, condition: undefined, refusal: targetNotFound(targetId) };
}

/** What is said of a target that is not there, and of one that the caller is not near. */
export function targetNotFound(targetId: string): ExecgateError {
  return new ExecgateError("TARGET_NOT_FOUND", `There is no target ${JSON.stringify(targetId)}.`);
}

/** The refusal by a rule that denies. */
export function deny(rule: DenyRule, question: Question): Refused {
  return { isAllowed: false, rule: rule.name, condition: undefined, refusal: forbid(`Policy denies ${saying(question)}.`) };
}

/** The refusal when no rule allows, by the rule that comes nearest to it. */
export function refuse(near: readonly AllowRule[], question: Question): Refused {
  const misses = near.flatMap((rule) => {
    const condition = rule.miss(question);
    return condition === undefined ? [] : [{ rule, condition }];
  });
  const rank = ({ condition }: { condition: Condition }): number => conditions.indexOf(condition);
  const [nearest] = misses.sort((a, b) => rank(b) - rank(a) || (a.rule.name < b.rule.name ? -1 : 1));
  if (nearest === undefined) {
    return { isAllowed: false, rule: undefined, condition: undefined, refusal: forbid(`Policy does not let you ${saying(question)}.`) };
  }
  const rules = misses.filter(({ condition }) => condition === nearest.condition).map(({ rule }) => rule);
  return { isAllowed: false, rule: nearest.rule.name, condition: nearest.condition, refusal: explain(nearest.condition, rules, question) };
}

function forbid(message: string, field?: string): ExecgateError {
  return new ExecgateError("FORBIDDEN", message, field === undefined ? {} : { field });
}

const phrases: Readonly<Record<Verb, (request: ExecRequest) => string>> = {
  exec: ({ target }) => `exec on ${target.id}`,
  attach: ({ target }) => `attach to this session on ${target.id}`,
  view: ({ target }) => `view this session on ${target.id}`,
  kill: ({ target }) => `kill this session on ${target.id}`,
};

function saying({ verb, request }: Question): string {
  return phrases[verb](request);
}

/** The sentence for what is missing, and the field that is wrong. */
function explain(condition: Condition, rules: readonly AllowRule[], question: Question): ExecgateError {
  const { verb, request } = question;
  if (condition === "reason") {
    return forbid(`Policy wants a reason to ${saying(question)}: give it as reason, or in the header Execgate-Reason.`, "reason");
  }
  if (verb !== "exec") return forbid(`Policy does not let you ${saying(question)}.`);
  const { id } = request.target;
  if (condition === "command") return forbid(`Policy does not let you run this command on ${id}.`, "command");
  if (condition === "mode") {
    return forbid(`Policy does not let you run this on ${id} ${request.mode === "sync" ? "by POST /v1/exec" : "interactively"}.`);
  }
  if (condition === "user") return forbid(`Policy does not let you run this as ${JSON.stringify(request.spec.user)} on ${id}.`, "user");
  if (condition === "env") {
    const [name] =
      rules.map((rule) => rule.envBeyond(request)).sort((a, b) => a.length - b.length || (a.join() < b.join() ? -1 : 1))[0] ?? [];
    return forbid(`Policy does not let you set ${JSON.stringify(name)} for this on ${id}.`, `env.${name}`);
  }
  const maximum = Math.max(...rules.map(({ terms }) => terms.timeoutMsMax ?? 0));
  const given = request.timeoutMs === 0 ? "0, which is none" : request.timeoutMs;
  return forbid(`timeoutMs is ${given}; policy allows from 1 to ${maximum} for this on ${id}.`, "timeoutMs");
}
