import { compilePolicy, PolicyError } from "../access/policy/compile.ts";
import type { Policy } from "../access/policy/policy.ts";
import { type Static, Type } from "../typebox.ts";
import { ConfigError } from "./config-error.ts";
import { readDate } from "./date.ts";
import { optionalSection, text } from "./fields.ts";

const oneOf = <T extends string>(...values: T[]) => Type.Enum(values, { expected: `one of ${values.join(", ")}` });
const some = <T extends string>(what: string, ...values: T[]) =>
  Type.Array(oneOf(...values), { minItems: 1, expected: `a list of ${what}` });
const list = (what: string) => Type.Array(text(what), { minItems: 1, expected: `a list, each ${what}` });
const entry = { additionalProperties: false } as const;

/** The word `any`, or a list. */
const anyOr = <T>(items: object, what: string) =>
  Type.Unsafe<"any" | T[]>({ type: ["string", "array"], pattern: "^any$", items, expected: `any, or a list, each ${what}` });

const argv = { type: "array", items: { type: "string", expected: "an argument" }, expected: "a list of arguments" };
const most = (what: string) => Type.Optional(Type.Integer({ minimum: 1, expected: `a whole number from 1: ${what}` }));

/** Which runs a rule is about. */
const runs = {
  commands: Type.Optional(anyOr<string[]>(argv, "an argv")),
  modes: Type.Optional(some("modes", "sync", "interactive")),
  users: Type.Optional(anyOr<string>(text("a user's name"), "a user's name")),
};
const verbs = some("verbs", "exec", "attach", "view", "kill");
const targets = list("a glob on target ids");
const labels = Type.Optional(
  Type.Record(Type.String(), text("a glob on a label's value"), { minProperties: 1, expected: "labels with globs on their values" }),
);

const allowRule = Type.Object(
  {
    ...runs,
    verbs,
    targets,
    labels,
    env: Type.Optional(anyOr<string>(text("a variable's name"), "a variable's name")),
    timeoutMsMax: most("milliseconds"),
    record: Type.Optional(oneOf("off", "bestEffort", "strict")),
    reasonRequired: Type.Optional(Type.Boolean({ expected: "true or false" })),
    sessionsPerPrincipalMax: most("live sessions"),
    execsPerMinutePerPrincipal: most("execs a minute"),
  },
  { ...entry, expected: "a rule" },
);

const denyRule = Type.Object(
  {
    ...runs,
    verbs: Type.Optional(verbs),
    targets: Type.Optional(targets),
    labels,
    env: Type.Optional(list("a variable's name")),
  },
  { ...entry, expected: "a rule" },
);

const role = Type.Object(
  {
    allow: Type.Optional(Type.Array(allowRule, { expected: "a list of rules" })),
    deny: Type.Optional(Type.Array(denyRule, { expected: "a list of rules" })),
  },
  { ...entry, expected: "a role: { allow: […], deny: […] }" },
);

const binding = Type.Object(
  {
    subjects: list("user:NAME or group:NAME"),
    roles: list("a role's name"),
    expires: Type.Optional(text("a day such as 2027-06-01")),
  },
  { ...entry, expected: "a binding: { subjects: […], roles: […] }" },
);

/** `policy`: who may do what. Without it whoever is authenticated may do everything; with it what no rule allows is refused. */
export const policySchema = optionalSection({
  default: Type.Optional(oneOf("deny")),
  roles: Type.Optional(Type.Record(Type.String(), role, { expected: "roles by their names" })),
  bindings: Type.Optional(Type.Array(binding, { expected: "a list of bindings" })),
});

type PolicyFile = NonNullable<Static<typeof policySchema>>;

/** @throws ConfigError for what each value for itself does not show */
export function readPolicy(file: PolicyFile): Policy {
  const bindings = (file.bindings ?? []).map(({ expires, ...rest }, i) => ({
    ...rest,
    expiresAt: expires === undefined ? undefined : readDate(`policy.bindings.${i}.expires`, expires),
  }));
  try {
    return compilePolicy({ roles: file.roles ?? {}, bindings });
  } catch (cause) {
    if (cause instanceof PolicyError) throw new ConfigError(`policy.${cause.message}`);
    throw cause;
  }
}
