import { type Static, type TSchema, Value } from "../typebox.ts";
import { ConfigError } from "./config-error.ts";
import { section } from "./fields.ts";

/**
 * Checks what the file says before anything is filled in, so that a wrong value is named and never replaced by a default.
 * @throws ConfigError naming the key path, what was expected and what was there
 */
export function validate<T extends TSchema>(schema: T, given: unknown): Static<T> {
  const filled = Value.Default(schema, Value.Clone(given));
  const errors = Value.Errors(schema, filled);
  // A key that is mistyped is missed where it should be, too: what is there says more than what is not.
  const error = errors.find(isUnknownKey) ?? errors[0];
  if (error !== undefined) throw new ConfigError(explain(schema, filled, error));
  return filled as Static<T>;
}

/**
 * Checks an entry that goes by a name of the file's own choice, as {@link validate} does the whole: the message names it as
 * it stands in the file.
 * @param key the section that it stands in
 */
export function validateEntry<T extends TSchema>(key: string, name: string, schema: T, given: unknown): Static<T> {
  const filled: unknown = validate(section({ [key]: section({ [name]: schema }) }), { [key]: { [name]: given } });
  return (filled as Record<string, Record<string, Static<T>>>)[key]?.[name] as Static<T>;
}

function explain(whole: TSchema, value: unknown, error: ReturnType<typeof Value.Errors>[number]): string {
  const keys = error.instancePath.split("/").slice(1).map(unescapePointer);
  if (isUnknownKey(error)) return `${keys.join(".")}: unknown key`;
  if (error.keyword === "required") {
    const { requiredProperties } = error.params as { requiredProperties: string[] };
    return `${[...keys, requiredProperties[0]].join(".")}: missing`;
  }
  const schema = keys.reduce<unknown>((at, key) => childSchema(at, key), whole);
  const expected = (schema as { expected?: string } | undefined)?.expected ?? error.message;
  const got = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value);
  return `${keys.join(".") || "the file"}: expected ${expected}, got ${JSON.stringify(got)}`;
}

/** What no property allows is refused by the schema `false` that stands for all others. */
function isUnknownKey({ keyword }: { keyword: string }): boolean {
  return keyword === "boolean";
}

function childSchema(schema: unknown, key: string): unknown {
  const { properties, patternProperties, items } = (schema ?? {}) as {
    properties?: Record<string, unknown>;
    patternProperties?: Record<string, unknown>;
    items?: unknown;
  };
  return properties?.[key] ?? Object.values(patternProperties ?? {})[0] ?? items;
}

function unescapePointer(key: string): string {
  return key.replaceAll("~1", "/").replaceAll("~0", "~");
}
