import type { Principal, Verb } from "../principal.ts";
import { allow, type Decision, deny, hide, refuse } from "./decision.ts";
import { type Asked, argvKey, type Place, type Question } from "./rule.ts";
import { type Binding, Scope } from "./scope.ts";

/** Scopes that are kept; a principal on a target is one, and finding it again costs as much as there are rules. */
const scopesMax = 1000;

/** Who may do what: roles bound to subjects. What no rule allows is refused, and what any rule denies is too. */
export class Policy {
  readonly #bySubject: ReadonlyMap<string, readonly Binding[]>;
  readonly #asksForLabels: boolean;
  /** The one that was found first stands first. */
  readonly #scopes = new Map<string, Scope>();

  /** @param bySubject what is bound to `user:NAME` and `group:NAME` */
  constructor(bySubject: ReadonlyMap<string, readonly Binding[]>) {
    this.#bySubject = bySubject;
    const rules = [...bySubject.values()].flat().flatMap(({ allow, deny }) => [...allow, ...deny]);
    this.#asksForLabels = rules.some(({ asksForLabels }) => asksForLabels);
  }

  /** @param now milliseconds since 1970 */
  decide(principal: Principal, asked: Asked, now: number): Decision {
    const { verb, request, reason } = asked;
    const question: Question = { verb, request, reason, argv: argvKey(request.spec.command) };
    const scope = this.#scopeOf(principal, request.target, now);
    if (!scope.isNear) return hide(request.target.id);
    const rules = scope.rulesFor(verb);
    const denied = rules.deny.taking(question.argv).find((rule) => rule.matches(question));
    if (denied !== undefined) return deny(denied, question);
    const allowing = rules.allow.taking(question.argv).filter((rule) => rule.miss(question) === undefined);
    return allowing.length > 0 ? allow(allowing) : refuse(rules.allow.all, question);
  }

  /** Whether any rule lets the principal do anything on this target. */
  isNear(principal: Principal, place: Place, now: number): boolean {
    return this.#scopeOf(principal, place, now).isNear;
  }

  /** Whether any rule lets the principal do this on this target in some way. */
  isPossible(principal: Principal, verb: Verb, place: Place, now: number): boolean {
    return this.#scopeOf(principal, place, now).isPossible(verb);
  }

  /** When the next binding after `now` ends; undefined when none does. */
  nextExpiry(now: number): number | undefined {
    const times = [...this.#bySubject.values()].flat().flatMap(({ expiresAt }) => expiresAt ?? []);
    const next = Math.min(...times.filter((time) => time > now));
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  #scopeOf(principal: Principal, place: Place, now: number): Scope {
    const { subject, groups } = principal;
    const key = JSON.stringify(this.#asksForLabels ? [subject, groups, place.id, place.labels] : [subject, groups, place.id]);
    const known = this.#scopes.get(key);
    if (known?.holdsAt(now)) return known;
    const scope = new Scope(this.#bindingsOf(principal, now), place, now);
    const [oldest] = this.#scopes.keys();
    if (this.#scopes.size >= scopesMax && oldest !== undefined) this.#scopes.delete(oldest);
    this.#scopes.set(key, scope);
    return scope;
  }

  #bindingsOf({ subject, groups }: Principal, now: number): readonly Binding[] {
    const subjects = new Set([subject, ...groups.map((group) => `group:${group}`)]);
    return [...subjects]
      .flatMap((name) => this.#bySubject.get(name) ?? [])
      .filter(({ expiresAt = Number.POSITIVE_INFINITY }) => now < expiresAt);
  }
}
