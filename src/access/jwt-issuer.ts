import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { ExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import type { KeySet } from "./key-set.ts";
import type { Principal } from "./principal.ts";
import { ownerName } from "./static-tokens.ts";

/** How tokens of one issuer are checked. */
export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string | readonly string[];
  /** Of public keys only: a shared secret would let everybody who can check a token make one. */
  readonly algorithms: readonly string[];
  /** The claim that names the user. */
  readonly subjectClaim: string;
  /** The claim that lists groups. */
  readonly groupsClaim?: string | undefined;
  /** By how much the issuer's clock may differ from ours, milliseconds. */
  readonly clockToleranceMs: number;
}

/** More than any identity provider sends; more groups than these are refused, not cut. */
const tokenLengthMax = 16_384;
const groupsMax = 1000;

/** Whether a bearer has the form of a JWT: then it is one, and nothing else. */
export function isJwt(token: string): boolean {
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return false;
  try {
    return typeof decodeProtectedHeader(token).alg === "string";
  } catch {
    return false;
  }
}

/** Who claims to have issued a token; nothing of it is checked yet. */
export function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** Checks the tokens of one issuer. */
export class JwtIssuer {
  readonly #settings: JwtSettings;
  readonly #keys: KeySet;
  readonly #clock: Clock;

  constructor(settings: JwtSettings, keys: KeySet, clock: Clock) {
    this.#settings = settings;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** @throws UNAUTHENTICATED that says which check the token fails, and nothing that stands in it */
  async authenticate(token: string): Promise<Principal> {
    if (token.length > tokenLengthMax) throw refusal(`is longer than ${tokenLengthMax} characters`);
    const { issuer, audience, algorithms, clockToleranceMs } = this.#settings;
    const nowMs = this.#clock.now();
    const { payload } = await jwtVerify(token, this.#keys.find, {
      issuer,
      audience: [audience].flat() as string[],
      algorithms: [...algorithms],
      requiredClaims: ["exp", this.#settings.subjectClaim],
      clockTolerance: clockToleranceMs / 1000,
      currentDate: new Date(nowMs),
    }).catch((cause: unknown) => {
      throw refusal(explain(cause));
    });
    if (payload.iat !== undefined && payload.iat * 1000 > nowMs + clockToleranceMs) throw refusal("was issued in the future");
    return this.#principalOf(payload, nowMs);
  }

  #principalOf(payload: JWTPayload, nowMs: number): Principal {
    const { issuer, subjectClaim, groupsClaim, clockToleranceMs } = this.#settings;
    const name = payload[subjectClaim];
    if (typeof name !== "string" || !/^[\x21-\x7e]{1,256}$/.test(name)) throw refusal(`names no user in ${subjectClaim}`);
    if (name === ownerName) throw refusal(`calls its user ${ownerName}, which is the gateway's own name`);
    if (subjectClaim === "email" && payload.email_verified === false) throw refusal("has an email that is not verified");
    const endMs = (payload.exp ?? 0) * 1000;
    return Object.freeze({
      subject: `user:${name}`,
      groups: groupsOf(groupsClaim === undefined ? undefined : payload[groupsClaim]),
      credential: `jwt:${issuer}`,
      // What is let in only because clocks differ lives as long as that is allowed for.
      expiresAt: endMs > nowMs ? endMs : endMs + clockToleranceMs,
    });
  }
}

function groupsOf(claim: unknown): readonly string[] {
  const groups = claim === undefined ? [] : typeof claim === "string" ? [claim] : claim;
  const isList = Array.isArray(groups) && groups.every((group) => typeof group === "string");
  if (!isList || groups.length > groupsMax) throw refusal("has groups that are no list of names");
  return Object.freeze(groups.map(String));
}

export function refusal(why: string): ExecgateError {
  return new ExecgateError("UNAUTHENTICATED", `The token ${why}.`);
}

/** Which check failed, in our words: the library's could repeat what the token says. */
function explain(cause: unknown): string {
  if (cause instanceof errors.JWTExpired) return "has expired";
  if (cause instanceof errors.JWTClaimValidationFailed) {
    if (cause.claim === "nbf") return "is not valid yet";
    if (cause.claim === "iss") return "is of another issuer";
    if (cause.claim === "aud") return "is for another audience";
    return `lacks a valid ${cause.claim} claim`;
  }
  if (cause instanceof errors.JOSEAlgNotAllowed) return "is signed with an algorithm that is not allowed";
  if (cause instanceof errors.JWKSNoMatchingKey) return "is signed with a key that is not known";
  if (cause instanceof errors.JWSSignatureVerificationFailed) return "has a signature that is not valid";
  return "is not well formed";
}
