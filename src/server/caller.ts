import type { Caller } from "../access/principal.ts";

/** Who sent a request, to be kept without the request. */
export function callerOf({ principal, from, reason, share }: Caller): Caller {
  return { principal, from, reason, share };
}
