import type { ExecRequest } from "../exec/request.ts";

/** Who is calling, as an authenticator found it. */
export interface Principal {
  /** What policy binds roles to, for example `user:alice@example.com`. */
  readonly subject: string;
  /** The names of the groups it is in, without `group:` in front. */
  readonly groups: readonly string[];
  /** What was presented, by a name that is stable and no secret: `owner`, `token:ci`, `jwt:<issuer>`, `mtls:<fingerprint>`. */
  readonly credential: string;
  /** When the credential ends, milliseconds since 1970; undefined when it does not end by itself. */
  readonly expiresAt: number | undefined;
}

/** What a principal wants to do to a target; never derived from the HTTP method. */
export type Verb = "exec" | "attach" | "view" | "kill";

/** Who asks for something, and why. */
export interface Caller {
  readonly principal: Principal;
  /** The address that it comes from, or `unix`. */
  readonly from: string;
  /** The reason that was given, for rules that want one. */
  readonly reason: string | undefined;
  /** Where they stand in a trace, as W3C writes it. */
  readonly trace?: string | undefined;
  /** By leave of this share: then all that may be done is to watch the session that runs this very request. */
  readonly share?: { readonly id: string; readonly request: ExecRequest } | undefined;
}
