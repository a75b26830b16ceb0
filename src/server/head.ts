import type { IncomingMessage } from "node:http";
import { ExecgateError } from "../errors.ts";

/** How many headers a request may have. */
export const headersMax = 1000;

/** Of these the parser keeps the first and drops the rest without a word, where a proxy in front may have gone by another. */
const single: ReadonlySet<string> = new Set(["host", "authorization", "content-type"]);

/**
 * Refuses a head that can be read in more than one way.
 * @throws BAD_REQUEST naming the header; HEADERS_TOO_LARGE
 */
export function checkHead({ rawHeaders, httpVersion }: IncomingMessage): void {
  if (rawHeaders.length > 2 * headersMax) {
    throw new ExecgateError("HEADERS_TOO_LARGE", `The request has more than ${headersMax} headers.`);
  }
  const seen = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    if (!single.has(name)) continue;
    if (seen.has(name)) refuse(rawHeaders[i] as string, "is sent twice");
    seen.add(name);
  }
  if (!seen.has("host") && httpVersion === "1.1") refuse("Host", "is missing");
}

function refuse(field: string, what: string): never {
  throw new ExecgateError("BAD_REQUEST", `The header ${field} ${what}.`, { field });
}
