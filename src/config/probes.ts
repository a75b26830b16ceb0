import { compileGlob, faultOfGlob } from "../access/policy/glob.ts";
import type { ProbeDefinition, Selection } from "../probes/definition.ts";
import { compilePattern } from "../probes/pattern.ts";
import { type Static, Type } from "../typebox.ts";
import { ConfigError } from "./config-error.ts";
import { count, flag, section, text } from "./fields.ts";
import { validateEntry } from "./validate.ts";

const globs = Type.Array(text("a target id, or a glob on target ids"), {
  minItems: 1,
  expected: "a list, each a target id or a glob on target ids",
});

const probe = Type.Object(
  {
    target: Type.Optional(text("a target id")),
    targets: Type.Optional(globs),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String({ expected: "a label's value" }), { minProperties: 1, expected: "labels with their values" }),
    ),
    command: Type.Array(Type.String({ expected: "an argument" }), { minItems: 1, expected: "an argv" }),
    timeoutMs: count(5000, 1),
    cacheMs: Type.Optional(Type.Integer({ minimum: 0, expected: "a whole number" })),
    intervalMs: count(0),
    failureThreshold: count(1, 1),
    expect: section({ exitCode: count(0, 0, 255), stdoutMatches: Type.Optional(text("a regular expression")) }),
    public: flag(false),
  },
  { additionalProperties: false, expected: "a probe" },
);

/** `probes` as it stands in the file: commands that are run by their names, as health checks. */
export const probesSchema = Type.Record(Type.String(), Type.Unknown(), { default: {}, expected: "probes by their names" });

type ProbeFile = Static<typeof probe>;

/** How old an answer may be where neither `cacheMs` nor `intervalMs` says it, milliseconds. */
const cacheMsDefault = 1000;

/** @throws ConfigError for what each value for itself does not show */
export function readProbes(file: Readonly<Record<string, unknown>>): readonly ProbeDefinition[] {
  return Object.entries(file).map(([name, probe]) => readProbe(name, probe));
}

function readProbe(name: string, given: unknown): ProbeDefinition {
  const key = `probes.${name}`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    throw new ConfigError(`${key}: expected a name of letters, digits, dots, dashes and underscores, at most 63`);
  }
  const declared = validateEntry("probes", name, probe, given);
  if (declared.command[0] === "") throw new ConfigError(`${key}.command.0: expected a command, got ""`);
  const { command, timeoutMs, intervalMs, failureThreshold, expect } = declared;
  return {
    name,
    selection: readSelection(key, declared),
    command,
    timeoutMs,
    cacheMs: declared.cacheMs ?? (intervalMs || cacheMsDefault),
    intervalMs,
    failureThreshold,
    expect: { exitCode: expect.exitCode, stdoutMatches: readPattern(`${key}.expect.stdoutMatches`, expect.stdoutMatches) },
    isPublic: declared.public,
  };
}

function readSelection(key: string, { target, targets, labels }: Pick<ProbeFile, "target" | "targets" | "labels">): Selection {
  if ([target, targets, labels].filter((given) => given !== undefined).length !== 1) {
    throw new ConfigError(`${key}: expected one of target, targets and labels`);
  }
  if (labels !== undefined) return { kind: "labels", labels };
  if (target !== undefined && /[*?]/.test(target)) throw new ConfigError(`${key}.target: expected a target id; write globs as targets`);
  const texts = target === undefined ? (targets ?? []) : [target];
  for (const [i, glob] of texts.entries()) {
    const fault = faultOfGlob(glob);
    if (fault !== undefined) throw new ConfigError(`${key}.${target === undefined ? `targets.${i}` : "target"}: the glob ${fault}`);
  }
  return { kind: "targets", globs: texts.map(compileGlob) };
}

function readPattern(key: string, source: string | undefined) {
  try {
    return source === undefined ? undefined : compilePattern(source);
  } catch (cause) {
    throw new ConfigError(`${key}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
