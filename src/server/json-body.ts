import { visit } from "jsonc-parser";
import { ExecgateError } from "../errors.ts";

/** How deep objects and arrays may be nested. */
const depthMax = 16;
/** Where text may hold NUL, because it is data for a stream and no name or argument. */
const dataFields = new Set(["stdin", "data"]);

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a JSON body as strictly as it can be read: valid UTF-8, no duplicate key, no `__proto__`, no deep nesting, no
 * lone surrogate, no NUL outside data.
 * @throws BAD_REQUEST naming the field
 */
export function parseJsonBody(body: Buffer): unknown {
  const text = decode(body);
  scan(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ExecgateError("BAD_REQUEST", `The body is not JSON: ${cause instanceof Error ? cause.message : cause}.`);
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

/** One pass over the tokens, before anything is built from them. */
function scan(text: string): void {
  const seen: Set<string>[] = [];
  let depth = 0;
  const enter = (): void => {
    if (++depth > depthMax) throw new ExecgateError("BAD_REQUEST", `The body is nested deeper than ${depthMax}.`);
  };
  const begin = (): boolean => {
    enter();
    seen.push(new Set());
    return true;
  };
  visit(text, {
    onObjectBegin: begin,
    onObjectEnd: () => {
      depth--;
      seen.pop();
    },
    onArrayBegin: () => {
      enter();
      return true;
    },
    onArrayEnd: () => {
      depth--;
    },
    onObjectProperty: (key, _offset, _length, _line, _column, pathSupplier) => {
      const names = seen.at(-1);
      if (key === "__proto__" || names?.has(key))
        refuse([...pathSupplier(), key], key === "__proto__" ? "is not a name" : "is given twice");
      names?.add(key);
    },
  });
}

function checkText(value: unknown, path: readonly (string | number)[]): void {
  if (typeof value === "string") {
    if (!value.isWellFormed()) refuse(path, "holds half a surrogate pair, which is no text");
    const isData = path.length === 1 && dataFields.has(String(path[0]));
    if (!isData && value.includes("\0")) refuse(path, "holds a NUL byte");
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkText(item, [...path, index]);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      checkText(key, [...path, key]);
      checkText(item, [...path, key]);
    }
  }
}

function refuse(path: readonly (string | number)[], what: string): never {
  const field = path.join(".").replaceAll("\0", "\\0");
  throw new ExecgateError("BAD_REQUEST", `${field} ${what}.`, { field });
}
