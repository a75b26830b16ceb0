import { type TSchema, Type } from "../typebox.ts";

/** The kinds of values that stand in the file. `expected` is how the message about a wrong one calls them. */

export const count = (fallback: number, minimum = 0, maximum?: number) => {
  const expected = ["a whole number", ...(minimum > 0 ? [`from ${minimum}`] : []), ...(maximum === undefined ? [] : [`up to ${maximum}`])];
  return Type.Integer({ minimum, maximum: maximum ?? Number.MAX_SAFE_INTEGER, default: fallback, expected: expected.join(" ") });
};

/** Root is nobody's to be given out. */
export const userId = (fallback: number) =>
  Type.Integer({ minimum: 1, maximum: 2 ** 32 - 2, default: fallback, expected: "a user's number from 1" });

/** One without a fallback has to be given. */
export const path = (fallback?: string) =>
  Type.String({ minLength: 1, expected: "a path", ...(fallback !== undefined && { default: fallback }) });

export const flag = (fallback: boolean) => Type.Boolean({ default: fallback, expected: "true or false" });

export const text = (what: string) => Type.String({ minLength: 1, expected: what });

export const texts = (what: string, fallback: readonly string[] = []) =>
  Type.Array(text(what), { default: [...fallback], expected: `a list, each ${what}` });

/** A part of the file with keys of its own, which is filled in when it is left out. */
export const section = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false, default: {}, expected: "a section" });

/** A part of the file that is there or not. */
export const optionalSection = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Optional(Type.Object(properties, { additionalProperties: false, expected: "a section" }));
