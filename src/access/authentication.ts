import { isDeepStrictEqual } from "node:util";
import { ExecgateError } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import { type Authorities, certificatePrincipal, isTrusted, readAuthorities } from "./client-certificate.ts";
import type { Credential, PeerCertificate } from "./credential.ts";
import { Guesses } from "./guesses.ts";
import { claimedIssuer, isJwt, JwtIssuer, type JwtSettings, refusal } from "./jwt-issuer.ts";
import { type KeyLog, KeySet, type KeySource } from "./key-set.ts";
import { fileKeySource, urlKeySource } from "./key-sources.ts";
import type { Principal } from "./principal.ts";
import { digestOf, type StaticToken, StaticTokens } from "./static-tokens.ts";

/** An issuer of JWTs, and where its keys and its tokens are found. */
export interface IssuerSettings extends JwtSettings {
  readonly jwksUrl?: string | undefined;
  readonly jwksFile?: string | undefined;
  /** The header, lower-case, in which a trusted proxy gives the token, beside `Authorization`. */
  readonly header?: string | undefined;
}

/** Whose credentials are accepted. */
export interface AuthSettings {
  readonly tokens: readonly StaticToken[];
  readonly jwt: readonly IssuerSettings[];
}

/** What a principal was let in by, so that it can be asked later whether that still holds. */
interface Standing {
  /** When the credential ends, on the clock that only grows: setting the wall's clock neither ends nor prolongs a session. */
  readonly dueMs: number;
  /** The principal as the configuration has it now; undefined when its credential was taken back. */
  renew(): Principal | undefined;
  /** What that was when it was last asked: while it is the same, nothing has changed. */
  known: Principal | undefined;
}

interface Issuer {
  readonly settings: IssuerSettings;
  readonly tokens: JwtIssuer;
}

/** A ticket and a share stand for a principal that was let in before. */
type Presented = Exclude<Credential, { scheme: "ticket" | "share" }>;

/** The one place that says who somebody is; every way in asks it. */
export class Authentication {
  readonly #clock: Clock;
  readonly #log: KeyLog;
  readonly #guesses: Guesses;
  readonly #standings = new WeakMap<Principal, Standing>();
  /** By where they stand: keys that were read outlive a reload of the configuration. */
  #keySets: ReadonlyMap<string, KeySet> = new Map();
  #tokens = new StaticTokens([], undefined);
  #issuers: ReadonlyMap<string, Issuer> = new Map();
  #authorities: Authorities = [];

  /** @param owner the owner's token; undefined when there is no owner */
  constructor(settings: AuthSettings, owner: string | undefined, clock: Clock, log: KeyLog) {
    this.#clock = clock;
    this.#log = log;
    this.#guesses = new Guesses(clock);
    this.configure(settings, owner);
  }

  /** Takes other settings from now on. What was let in by a credential that is no longer there has lost its standing. */
  configure({ tokens, jwt }: AuthSettings, owner: string | undefined): void {
    this.#tokens = new StaticTokens(tokens, owner);
    const keySets = new Map<string, KeySet>();
    const keysOf = (settings: IssuerSettings): KeySet => {
      const source = keySourceOf(settings);
      const keys = keySets.get(source.name) ?? this.#keySets.get(source.name) ?? new KeySet(source, this.#clock, this.#log);
      keySets.set(source.name, keys);
      return keys;
    };
    this.#issuers = new Map(
      jwt.map((settings) => [settings.issuer, { settings, tokens: new JwtIssuer(settings, keysOf(settings), this.#clock) }]),
    );
    this.#keySets = keySets;
  }

  /** Takes these authorities for the certificates of clients, in PEM, from now on. */
  trustAuthorities(pem: string | undefined): void {
    this.#authorities = readAuthorities(pem ?? "");
  }

  /** The headers, lower-case, in which a trusted proxy may give a token. */
  get proxyHeaders(): readonly string[] {
    return [...this.#issuers.values()].flatMap(({ settings }) => settings.header ?? []);
  }

  /**
   * Who presents this credential. Reading an issuer's keys is the only thing that is waited for, and bounded.
   * @param source where the request comes from; what it presents in vain is counted
   * @throws UNAUTHENTICATED; TOO_MANY_REQUESTS for one more that is not valid
   */
  async authenticate(presented: Presented | undefined, source: string): Promise<Principal> {
    if (presented === undefined) {
      throw new ExecgateError("UNAUTHENTICATED", "Send the token: Authorization: Bearer TOKEN, or the bearer subprotocol on a WebSocket.");
    }
    return await this.attempt(source, () => this.#identify(presented));
  }

  /** Tries a credential; one that is not valid is counted against its source. */
  async attempt<T>(source: string, check: () => T | Promise<T>): Promise<T> {
    try {
      return await check();
    } catch (cause) {
      if (cause instanceof ExecgateError && cause.code === "UNAUTHENTICATED") this.#guesses.failed(source);
      throw cause;
    }
  }

  /**
   * The principal as it is now, with the groups that the configuration gives it by now; undefined when its credential has
   * expired or was taken back.
   */
  current(principal: Principal): Principal | undefined {
    const standing = this.#standings.get(principal);
    const now = standing?.renew();
    if (standing === undefined || now === undefined) return undefined;
    const dueMs = now.expiresAt === principal.expiresAt ? standing.dueMs : this.#dueMs(now);
    if (dueMs <= this.#clock.monotonicMs()) return undefined;
    if (now === standing.known || isDeepStrictEqual(now, principal)) {
      standing.known = now;
      return principal;
    }
    return this.#stand({ ...now }, dueMs, standing.renew);
  }

  async #identify(presented: Presented): Promise<Principal> {
    switch (presented.scheme) {
      case "bearer":
        return this.#issuers.size > 0 && isJwt(presented.token) ? await this.#jwt(presented.token) : this.#secret(presented.token);
      case "header":
        return await this.#jwt(presented.token, presented.header);
      case "certificate":
        return this.#certificate(presented.certificate);
      case "malformed":
        throw new ExecgateError("UNAUTHENTICATED", presented.message);
    }
  }

  #secret(secret: string): Principal {
    const digest = digestOf(secret);
    const known = this.#tokens.authenticate(secret, this.#clock.now());
    const { subject, groups, credential, expiresAt } = known;
    // Each has a standing of its own, counted from when the credential was presented.
    return this.#stand({ subject, groups, credential, expiresAt }, this.#dueMs(known), () => this.#tokens.renew(digest));
  }

  #certificate(certificate: PeerCertificate): Principal {
    // The authorities may have changed since the connection was opened.
    const principal = certificatePrincipal(certificate, this.#authorities, this.#clock.now());
    let asked = this.#authorities;
    return this.#stand(principal, this.#dueMs(principal), () => {
      if (asked !== this.#authorities && !isTrusted(certificate.x509, this.#authorities)) return undefined;
      asked = this.#authorities;
      return principal;
    });
  }

  async #jwt(token: string, header?: string): Promise<Principal> {
    const issuer = this.#issuers.get(claimedIssuer(token) ?? "");
    if (issuer === undefined) throw refusal("is not well formed, or of an issuer that is not configured");
    if (header !== undefined && issuer.settings.header !== header) throw refusal("stands in a header that its issuer does not use");
    const principal = await issuer.tokens.authenticate(token);
    const { issuer: name } = issuer.settings;
    return this.#stand(principal, this.#dueMs(principal), () => (this.#issuers.has(name) ? principal : undefined));
  }

  #stand(principal: Principal, dueMs: number, renew: () => Principal | undefined): Principal {
    this.#standings.set(Object.freeze(principal), { dueMs, renew, known: renew() });
    return principal;
  }

  #dueMs({ expiresAt }: Principal): number {
    return expiresAt === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonicMs() + expiresAt - this.#clock.now();
  }
}

/** The configuration has seen to it that one of the two is there. */
function keySourceOf({ jwksUrl, jwksFile = "" }: IssuerSettings): KeySource {
  return jwksUrl === undefined ? fileKeySource(jwksFile) : urlKeySource(jwksUrl);
}
