/** What an index needs to know of a rule. */
interface Indexed {
  /** The commands that it takes, as keys; undefined when it takes any. */
  readonly argvs: ReadonlySet<string> | undefined;
}

/** Rules by the commands that they take, so that what asks for one command does not ask all rules of all others. */
export class RuleIndex<R extends Indexed> {
  readonly all: readonly R[];
  readonly #any: readonly R[];
  readonly #byArgv = new Map<string, R[]>();

  constructor(rules: readonly R[]) {
    this.all = rules;
    this.#any = rules.filter(({ argvs }) => argvs === undefined);
    for (const rule of rules) {
      for (const argv of rule.argvs ?? []) {
        const same = this.#byArgv.get(argv);
        if (same === undefined) this.#byArgv.set(argv, [rule]);
        else same.push(rule);
      }
    }
  }

  /** Those that take this command, in no order. */
  taking(argv: string): readonly R[] {
    const exact = this.#byArgv.get(argv);
    return exact === undefined ? this.#any : [...this.#any, ...exact];
  }
}
