import { createHash } from "node:crypto";
import { ExecgateError } from "../errors.ts";
import type { Principal } from "./principal.ts";

/** A token as it is configured: known by its digest alone. */
export interface StaticToken {
  readonly id: string;
  /** Of the secret, in hexadecimal. */
  readonly sha256: string;
  readonly groups: readonly string[];
  /** Milliseconds since 1970; undefined when it does not expire. */
  readonly expiresAt: number | undefined;
}

/** The subject and the credential of whoever holds the gateway's own token. */
export const ownerName = "owner";

/** The secrets that were given out beforehand, the owner's among them. */
export class StaticTokens {
  readonly #byDigest: ReadonlyMap<string, StaticToken>;
  readonly #owner: string | undefined;

  /** @param owner the owner's token itself; undefined when there is no owner */
  constructor(tokens: readonly StaticToken[], owner: string | undefined) {
    this.#owner = owner === undefined ? undefined : digestOf(owner);
    this.#byDigest = new Map([...tokens, ...ownerToken(this.#owner)].map((token) => [token.sha256.toLowerCase(), token]));
  }

  /**
   * Who presents this secret. It is looked up by its digest, so that neither its length nor its content shows in the time it takes.
   * @throws UNAUTHENTICATED
   */
  authenticate(secret: string, nowMs: number): Principal {
    const digest = digestOf(secret);
    const token = this.#byDigest.get(digest);
    if (token === undefined) throw new ExecgateError("UNAUTHENTICATED", "The token is not valid.");
    if (token.expiresAt !== undefined && token.expiresAt <= nowMs) throw new ExecgateError("UNAUTHENTICATED", "The token has expired.");
    return this.#principalOf(digest, token);
  }

  /** The same principal as these tokens have it; undefined when its secret is not among them. */
  renew(digest: string): Principal | undefined {
    const token = this.#byDigest.get(digest);
    return token && this.#principalOf(digest, token);
  }

  #principalOf(digest: string, { id, groups, expiresAt }: StaticToken): Principal {
    const credential = digest === this.#owner ? ownerName : `token:${id}`;
    return Object.freeze({ subject: `user:${id}`, groups, credential, expiresAt });
  }
}

function ownerToken(sha256: string | undefined): StaticToken[] {
  return sha256 === undefined ? [] : [{ id: ownerName, sha256, groups: [], expiresAt: undefined }];
}

/** What a secret is known by: its SHA-256 in hexadecimal. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
