import type { Authorized } from "../access/authorizer.ts";
import type { Grants } from "../access/grants.ts";
import type { Session } from "../exec/session.ts";
import type { Sessions } from "../exec/sessions.ts";

/**
 * Takes an authorized request in, for as long as it stays allowed: the session is the caller's to start.
 * @throws DRAINING, TOO_MANY_SESSIONS, TOO_MANY_REQUESTS, OVERLOADED, RUNTIME_UNAVAILABLE
 */
export function admit({ caller, request, permit }: Authorized, { sessions, grants }: { sessions: Sessions; grants: Grants }): Session {
  const session = sessions.admit(request, permit);
  const release = grants.add({ ...caller, verb: "exec", request, end: () => session.stop("policy") });
  void session.finished.then(release);
  return session;
}
