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
  readonly #byDigest: ReadonlyMap<string, Principal>;

  /** @param owner the owner's token itself; undefined when there is no owner */
  constructor(tokens: readonly StaticToken[], owner: string | undefined) {
    const principals = tokens.map((token) => [token.sha256.toLowerCase(), principalOf(token, `token:${token.id}`)] as const);
    this.#byDigest = new Map([...principals, ...(owner === undefined ? [] : [[digestOf(owner), theOwner] as const])]);
  }

  /**
   * Who presents this secret. It is looked up by its digest, so that neither its length nor its content shows in the time it takes.
   * @throws UNAUTHENTICATED
   */
  authenticate(secret: string, nowMs: number): Principal {
    const digest = digestOf(secret);
    const principal = this.#byDigest.get(digest);
    if (principal === undefined) throw new ExecgateError("UNAUTHENTICATED", "The token is not valid.");
    if (principal.expiresAt !== undefined && principal.expiresAt <= nowMs) {
      throw new ExecgateError("UNAUTHENTICATED", "The token has expired.");
    }
    return principal;
  }

  /** The principal of the secret with this digest; undefined when it is not among these tokens. */
  renew(digest: string): Principal | undefined {
    return this.#byDigest.get(digest);
  }
}

function principalOf({ id, groups, expiresAt }: Pick<StaticToken, "id" | "groups" | "expiresAt">, credential: string): Principal {
  return Object.freeze({ subject: `user:${id}`, groups, credential, expiresAt });
}

const theOwner = principalOf({ id: ownerName, groups: [], expiresAt: undefined }, ownerName);

/** What a secret is known by: its SHA-256 in hexadecimal. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
