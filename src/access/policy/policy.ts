import type { Principal, Verb } from "../principal.ts";
import { allow, type Decision, deny, hide, refuse } from "./decision.ts";
import type { AllowRule, DenyRule, Question } from "./rule.ts";

/** What one binding gives each of its subjects. */
export interface Binding {
  readonly allow: readonly AllowRule[];
  readonly deny: readonly DenyRule[];
  /** Milliseconds since 1970; undefined when it does not end. */
  readonly expiresAt: number | undefined;
}

const verbs: readonly Verb[] = ["exec", "attach", "view", "kill"];

/** Who may do what: roles bound to subjects. What no rule allows is refused, and what any rule denies is too. */
export class Policy {
  readonly #bySubject: ReadonlyMap<string, readonly Binding[]>;

  /** @param bySubject what is bound to `user:NAME` and `group:NAME` */
  constructor(bySubject: ReadonlyMap<string, readonly Binding[]>) {
    this.#bySubject = bySubject;
  }

  /** @param now milliseconds since 1970 */
  decide(principal: Principal, question: Question, now: number): Decision {
    const { verb, request } = question;
    const bindings = this.#bindingsOf(principal, now);
    const { id } = request.target;
    if (!isNear(bindings, id)) return hide(id);
    const denied = find(bindings, (binding) => binding.deny, verb, id).find((rule) => rule.matches(question));
    if (denied !== undefined) return deny(denied, question);
    const near = find(bindings, (binding) => binding.allow, verb, id);
    const allowing = near.filter((rule) => rule.miss(question) === undefined);
    return allowing.length > 0 ? allow(allowing) : refuse(near, question);
  }

  /** Whether any rule lets the principal do anything on this target. */
  isNear(principal: Principal, targetId: string, now: number): boolean {
    return isNear(this.#bindingsOf(principal, now), targetId);
  }

  /** When the next binding after `now` ends; undefined when none does. */
  nextExpiry(now: number): number | undefined {
    const times = [...this.#bySubject.values()].flat().flatMap(({ expiresAt }) => expiresAt ?? []);
    const next = Math.min(...times.filter((time) => time > now));
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  #bindingsOf({ subject, groups }: Principal, now: number): readonly Binding[] {
    const subjects = new Set([subject, ...groups.map((group) => `group:${group}`)]);
    return [...subjects].flatMap((name) => this.#bySubject.get(name) ?? []).filter(({ expiresAt = Infinity }) => now < expiresAt);
  }
}

/** Some verb is allowed on it in some way, and not denied on it in every way. */
function isNear(bindings: readonly Binding[], targetId: string): boolean {
  return verbs.some(
    (verb) =>
      bindings.some((binding) => binding.allow.some((rule) => rule.covers(verb, targetId))) &&
      !bindings.some((binding) => binding.deny.some((rule) => rule.isUnconditional && rule.covers(verb, targetId))),
  );
}

function find<R extends AllowRule | DenyRule>(
  bindings: readonly Binding[],
  rulesOf: (binding: Binding) => readonly R[],
  verb: Verb,
  targetId: string,
): R[] {
  return bindings.flatMap((binding) => rulesOf(binding).filter((rule) => rule.covers(verb, targetId)));
}
