import { ExecgateError } from "../errors.ts";

/** How deep objects and arrays may be nested. */
const depthMax = 16;
/** How many names all objects of a body may have: with a hundred thousand, a body holds everybody up for a second. */
const namesMax = 4096;
/** Where text may hold NUL, because it is data for a stream and no name or argument. */
const dataFields = new Set(["stdin", "data"]);

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a JSON body as strictly as it can be read: valid UTF-8, no duplicate key, no `__proto__`, no deep nesting, not too
 * many names, no lone surrogate, no NUL outside data.
 * @param coding what Content-Encoding says: nothing is unpacked, because what comes out would have no bound
 * @throws BAD_REQUEST naming the field; UNSUPPORTED_MEDIA_TYPE
 */
export function parseJsonBody(body: Buffer, coding = "identity"): unknown {
  if (coding.toLowerCase() !== "identity") {
    const message = "Send the body as it is, without Content-Encoding.";
    throw new ExecgateError("UNSUPPORTED_MEDIA_TYPE", message, { field: "Content-Encoding" });
  }
  const text = decode(body);
  let value: unknown;
  try {
    checkNames(text);
    value = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof ExecgateError) throw cause;
    // The engine's own words quote the body, where a secret may stand.
    const position = /at position (\d+)/.exec(String(cause))?.[1];
    throw new ExecgateError("BAD_REQUEST", `The body is not JSON${position === undefined ? "" : `: see character ${position}`}.`);
  }
  checkText(value, []);
  return value;
}

function decode(body: Buffer): string {
  if (body.length === 0) throw new ExecgateError("BAD_REQUEST", "The body is empty; send a JSON object.");
  try {
    return strictUtf8.decode(body);
  } catch {
    throw new ExecgateError("BAD_REQUEST", "The body is not valid UTF-8; send bytes as base64 (stdinEncoding).");
  }
}

/** Characters by their codes, which are compared several times as fast as texts of one character. */
const [quote, backslash, comma, openBrace, closeBrace, openBracket, closeBracket] = [0x22, 0x5c, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d];

/** An object or array that is being read: the names so far, none in an array, and the name or the index that is under way. */
interface Level {
  readonly names: Set<string> | undefined;
  at: string | number;
}

/**
 * One pass over the text before anything is built from it, for what JSON.parse takes without a word or in bad time: a
 * name given twice, `__proto__`, depth, too many names. What is no JSON, or has no names, passes, for JSON.parse to refuse or take.
 */
function checkNames(text: string): void {
  const levels: Level[] = [];
  let isName = false;
  let names = 0;
  for (let i = 0; i < text.length; i++) {
    const mark = text.charCodeAt(i);
    if (mark === quote) {
      const begin = i;
      const level = levels[levels.length - 1];
      if (level === undefined) return;
      i = closingQuote(text, begin);
      if (isName && level.names !== undefined) {
        if (++names > namesMax) {
          throw new ExecgateError("BAD_REQUEST", `The body has more than ${namesMax} names.`, { field: String(levels[0]?.at) });
        }
        addName(level.names, JSON.parse(text.slice(begin, i + 1)), level, levels);
      }
      isName = false;
    } else if (mark === openBrace || mark === openBracket) {
      isName = mark === openBrace;
      levels.push(isName ? { names: new Set(), at: "" } : { names: undefined, at: 0 });
      if (levels.length > depthMax) throw new ExecgateError("BAD_REQUEST", `The body is nested deeper than ${depthMax}.`);
    } else if (mark === closeBrace || mark === closeBracket) {
      if (levels.pop() === undefined) return;
    } else if (mark === comma) {
      const level = levels[levels.length - 1];
      if (level === undefined) return;
      isName = level.names !== undefined;
      if (typeof level.at === "number") level.at++;
    }
  }
}

/** Where the string ends that begins at `begin`; the end of the text for one that does not. */
function closingQuote(text: string, begin: number): number {
  let i = begin + 1;
  while (i < text.length) {
    const mark = text.charCodeAt(i);
    if (mark === quote) break;
    i += mark === backslash ? 2 : 1;
  }
  return i;
}

function addName(names: Set<string>, name: string, level: Level, levels: readonly Level[]): void {
  level.at = name;
  if (name === "__proto__" || names.has(name)) {
    const path = levels.map(({ at }) => at);
    refuse(path, name === "__proto__" ? "is not a name" : "is given twice");
  }
  names.add(name);
}

/** @param path where `value` stands; it is the same at the end as it was before */
function checkText(value: unknown, path: (string | number)[]): void {
  if (typeof value === "string") {
    if (!value.isWellFormed()) refuse(path, "holds half a surrogate pair, which is no text");
    const isData = path.length === 1 && dataFields.has(String(path[0]));
    if (!isData && value.includes("\0")) refuse(path, "holds a NUL byte");
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) checkItem(value[index], index, path);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      checkItem(key, key, path);
      checkItem(item, key, path);
    }
  }
}

function checkItem(item: unknown, at: string | number, path: (string | number)[]): void {
  path.push(at);
  checkText(item, path);
  path.pop();
}

function refuse(path: readonly (string | number)[], what: string): never {
  const field = path.join(".").replaceAll("\0", "\\0");
  throw new ExecgateError("BAD_REQUEST", `${field} ${what}.`, { field });
}
