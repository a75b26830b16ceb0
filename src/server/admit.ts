import type { Audit } from "../access/audit/audit.ts";
import type { Authorized } from "../access/authorizer.ts";
import type { Grants } from "../access/grants.ts";
import type { Session } from "../exec/session.ts";
import type { Sessions } from "../exec/sessions.ts";
import { combineWitnesses } from "../exec/witness.ts";
import type { RecordingPort } from "./deps.ts";

export interface AdmitDeps {
  readonly sessions: Sessions;
  readonly grants: Grants;
  readonly audit: Audit;
  readonly recordings: RecordingPort;
}

/**
 * Takes an authorized request in, for as long as it stays allowed: the session is the caller's to start.
 * @throws DRAINING, TOO_MANY_SESSIONS, TOO_MANY_REQUESTS, OVERLOADED, RUNTIME_UNAVAILABLE
 */
export function admit({ caller, request, permit }: Authorized, { sessions, grants, audit, recordings }: AdmitDeps): Session {
  const record = recordings.modeOf(permit);
  // Audited first: that somebody tried is told also of what could not be recorded.
  const witness = combineWitnesses(audit.witness(caller), recordings.witness(record));
  const session = sessions.admit(request, record === permit.record ? permit : Object.freeze({ ...permit, record }), witness);
  const { principal, from, reason, share } = caller;
  const release = grants.add({ principal, from, reason, share, verb: "exec", request, end: () => session.stop("policy") });
  void session.finished.then(release);
  return session;
}
