/** Version 00 as W3C Trace Context has it, and what later versions promise to begin with. */
const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?=$|-)/;

/** The caller's place in a trace, from its `traceparent`; undefined where that is not well formed, which W3C says to pass over. */
export function readTrace(header: string | string[] | undefined): string | undefined {
  if (typeof header !== "string") return undefined;
  const [trace] = form.exec(header) ?? [];
  return trace !== undefined && header.startsWith("00-") && header !== trace ? undefined : trace;
}
