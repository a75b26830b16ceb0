import type { ExecRequest } from "../../exec/request.ts";
import type { ExecSpec, Target } from "../../exec/runtime.ts";
import type { Verb } from "../principal.ts";
import type { AllowDocument, DenyDocument } from "./document.ts";
import { compileGlob, type Glob } from "./glob.ts";

/** What of a target rules ask for. */
export type Place = Pick<Target, "id" | "labels">;

/** What is asked: to do `verb` to the run that `request` is. */
export interface Asked {
  readonly verb: Verb;
  readonly request: ExecRequest;
  /** Why, where a reason was given. */
  readonly reason: string | undefined;
}

/** The same, made ready for many rules. */
export interface Question extends Asked {
  /** The command of the request, by {@link argvKey}. */
  readonly argv: string;
}

/** An argv as one text, which no other argv has. */
export function argvKey(argv: readonly string[]): string {
  return JSON.stringify(argv);
}

/** A condition of a rule that a question does not meet; a later one of the list is nearer to being allowed. */
export const conditions = ["command", "mode", "user", "env", "timeoutMs", "reason"] as const;
export type Condition = (typeof conditions)[number];

type Terms = Pick<AllowDocument, "record" | "reasonRequired" | "timeoutMsMax" | "sessionsPerPrincipalMax" | "execsPerMinutePerPrincipal">;

/** What a rule says of targets, verbs and runs; what it leaves open is undefined. */
class Rule {
  /** Role, kind and number, such as `operator.allow.0`. */
  readonly name: string;
  /** The commands that it takes, by {@link argvKey}; undefined when it takes any. */
  readonly argvs: ReadonlySet<string> | undefined;
  protected readonly modes: ReadonlySet<string> | undefined;
  protected readonly users: ReadonlySet<string> | undefined;
  protected readonly env: ReadonlySet<string> | undefined;
  readonly #verbs: ReadonlySet<Verb> | undefined;
  readonly #targets: readonly Glob[] | undefined;
  readonly #labels: readonly (readonly [name: string, value: Glob])[];
  readonly #takesUnknown: boolean;

  /** @param takesUnknown whether labels that nobody knows are taken for those that it asks for */
  constructor(name: string, document: AllowDocument | DenyDocument, takesUnknown: boolean) {
    const { verbs, targets, labels = {}, commands, modes, users, env } = document;
    this.name = name;
    this.#takesUnknown = takesUnknown;
    this.#labels = Object.entries(labels).map(([label, value]) => [label, compileGlob(value)]);
    this.#verbs = verbs && new Set(verbs);
    this.#targets = targets?.map(compileGlob);
    this.argvs = commands === undefined || commands === "any" ? undefined : new Set(commands.map(argvKey));
    this.modes = modes && new Set(modes);
    this.users = users === undefined || users === "any" ? undefined : new Set(users);
    this.env = env === undefined || env === "any" ? undefined : new Set(env);
  }

  get asksForLabels(): boolean {
    return this.#labels.length > 0;
  }

  isOn({ id, labels }: Place): boolean {
    if (this.#targets?.some((glob) => glob.matches(id)) === false) return false;
    if (labels === undefined) return this.#takesUnknown || !this.asksForLabels;
    return this.#labels.every(([name, value]) => Object.hasOwn(labels, name) && value.matches(labels[name] ?? ""));
  }

  isAbout(verb: Verb): boolean {
    return this.#verbs?.has(verb) !== false;
  }

  protected hasCommand({ argv }: Question): boolean {
    return this.argvs === undefined || this.argvs.has(argv);
  }

  protected hasMode({ mode }: ExecRequest): boolean {
    return this.modes?.has(mode) !== false;
  }
}

/** A rule that allows what meets all its conditions. */
export class AllowRule extends Rule {
  readonly terms: Terms;
  /** Which verbs take a named user when the rule has no list of users: to look at a run or to end it is not to run as somebody. */
  readonly #anyUser: "every" | "watching" | "none";
  readonly #anyEnv: boolean;

  constructor(name: string, document: AllowDocument) {
    super(name, document, false);
    this.terms = document;
    this.#anyUser = document.users === "any" ? "every" : document.users === undefined ? "watching" : "none";
    this.#anyEnv = document.env === "any" || (document.env === undefined && this.argvs === undefined);
  }

  /** The first condition that the question does not meet; undefined when this rule allows it. It is to be about verb and target. */
  miss(question: Question): Condition | undefined {
    const { verb, request, reason } = question;
    if (!this.hasCommand(question)) return "command";
    if (!this.hasMode(request)) return "mode";
    if (!this.#hasUser(verb, request.spec.user)) return "user";
    if (verb === "exec" && !this.#anyEnv && this.envBeyond(request).length > 0) return "env";
    if (verb === "exec" && !this.#hasTime(request.timeoutMs)) return "timeoutMs";
    if (verb !== "view" && this.terms.reasonRequired === true && reason === undefined) return "reason";
    return undefined;
  }

  /** The names that a request sets and the rule does not list. */
  envBeyond({ spec }: ExecRequest): string[] {
    return namesSet(spec).filter((name) => this.env?.has(name) !== true);
  }

  #hasUser(verb: Verb, user: string | undefined): boolean {
    if (user === undefined || this.#anyUser === "every") return true;
    if (this.#anyUser === "watching") return verb === "view" || verb === "kill";
    return this.users?.has(user) === true;
  }

  #hasTime(timeoutMs: number): boolean {
    const { timeoutMsMax } = this.terms;
    return timeoutMsMax === undefined || (timeoutMs > 0 && timeoutMs <= timeoutMsMax);
  }
}

/** A rule that denies what all it says is true of. */
export class DenyRule extends Rule {
  constructor(name: string, document: DenyDocument) {
    super(name, document, true);
  }

  /** It says nothing of runs: verb and target are all that it needs to deny. */
  get isUnconditional(): boolean {
    return [this.argvs, this.modes, this.users, this.env].every((condition) => condition === undefined);
  }

  /** Whether it denies the question. It is to be about verb and target. */
  matches(question: Question): boolean {
    const { spec } = question.request;
    const { user } = spec;
    return (
      this.hasCommand(question) &&
      this.hasMode(question.request) &&
      (this.users === undefined || (user !== undefined && (this.users.has(user) || !isPlainName(user)))) &&
      (this.env === undefined || namesSet(spec).some((name) => this.env?.has(name)))
    );
  }
}

/** A number, or a user with a group, can stand for anybody by another name: who is denied by name must not come back as a number. */
function isPlainName(user: string): boolean {
  return !/^\d+$|:/.test(user);
}

/** What terminals are called unless somebody says otherwise: the one is the default, the other that of Kubernetes clients. */
const usualTerminals: readonly (string | undefined)[] = ["xterm-256color", "xterm"];

/** The variables that a request sets. The usual TERM of a terminal is there without being asked for. */
function namesSet({ env, tty }: ExecSpec): string[] {
  return Object.keys(env).filter((name) => name !== "TERM" || tty === undefined || !usualTerminals.includes(env.TERM));
}
