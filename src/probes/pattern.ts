import { RE2JS } from "re2js";

/** A regular expression that finds in time proportional to the text, whatever either of them holds. */
export interface TextPattern {
  readonly source: string;
  /** Whether it matches anywhere in `text`. */
  isIn(text: string): boolean;
}

/**
 * Compiles the syntax of RE2, which has all of what is usual but look-around and back references: what a command writes,
 * which may be somebody else's to choose, cannot make the gateway stand still.
 * @throws Error that says what is wrong
 */
export function compilePattern(source: string): TextPattern {
  const pattern = RE2JS.compile(source);
  return { source, isIn: (text) => pattern.test(text) };
}
