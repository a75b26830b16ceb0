/** Who is calling, as an authenticator found it. */
export interface Principal {
  /** For example `user:owner`. */
  readonly subject: string;
}

/** What a principal wants to do to a target; never derived from the HTTP method. */
export type Verb = "exec" | "attach" | "view" | "kill";
