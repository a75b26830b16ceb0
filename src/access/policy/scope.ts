import type { Verb } from "../principal.ts";
import type { AllowRule, DenyRule, Place } from "./rule.ts";
import { RuleIndex } from "./rule-index.ts";

const verbs: readonly Verb[] = ["exec", "attach", "view", "kill"];

/** What one binding gives each of its subjects. */
export interface Binding {
  readonly allow: readonly AllowRule[];
  readonly deny: readonly DenyRule[];
  /** Milliseconds since 1970; undefined when it does not end. */
  readonly expiresAt: number | undefined;
}

/** The rules that are about one verb. */
interface RulesOfVerb {
  readonly allow: RuleIndex<AllowRule>;
  readonly deny: RuleIndex<DenyRule>;
}

const noRules: RulesOfVerb = { allow: new RuleIndex([]), deny: new RuleIndex([]) };

/** What all rules together say to one principal of one target: found once, and asked for every request after that. */
export class Scope {
  /** Some verb is possible. */
  readonly isNear: boolean;
  readonly #madeAt: number;
  /** When the next of its bindings ends. */
  readonly #expiresAt: number;
  readonly #byVerb: ReadonlyMap<Verb, RulesOfVerb>;

  /**
   * @param bindings those that hold at `now`
   * @param now milliseconds since 1970
   */
  constructor(bindings: readonly Binding[], place: Place, now: number) {
    this.#madeAt = now;
    this.#expiresAt = Math.min(...bindings.map(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt));
    const allow = bindings.flatMap((binding) => binding.allow).filter((rule) => rule.isOn(place));
    const deny = bindings.flatMap((binding) => binding.deny).filter((rule) => rule.isOn(place));
    const about = (verb: Verb): RulesOfVerb => ({
      allow: new RuleIndex(allow.filter((rule) => rule.isAbout(verb))),
      deny: new RuleIndex(deny.filter((rule) => rule.isAbout(verb))),
    });
    this.#byVerb = new Map(verbs.map((verb) => [verb, about(verb)]));
    this.isNear = verbs.some((verb) => this.isPossible(verb));
  }

  /** Whether the verb is allowed in some way, and not denied in every way. */
  isPossible(verb: Verb): boolean {
    const { allow, deny } = this.rulesFor(verb);
    return allow.all.length > 0 && !deny.all.some((rule) => rule.isUnconditional);
  }

  /** Whether the same bindings hold at `now`; not before it was made either, when somebody set the clock back. */
  holdsAt(now: number): boolean {
    return this.#madeAt <= now && now < this.#expiresAt;
  }

  rulesFor(verb: Verb): RulesOfVerb {
    return this.#byVerb.get(verb) ?? noRules;
  }
}
