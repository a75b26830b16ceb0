import type { Logger } from "pino";
import type { Audit } from "./access/audit/audit.ts";
import { Authentication, type AuthSettings } from "./access/authentication.ts";
import { Authorizer, type OnDenied } from "./access/authorizer.ts";
import { Grants } from "./access/grants.ts";
import { watchRights } from "./access/watch-rights.ts";
import { ConfigError } from "./config/config-error.ts";
import type { Config } from "./config.ts";
import { systemClock } from "./exec/clock.ts";
import { ownerToken } from "./state.ts";

/** Without an `auth` section the owner is the only one. */
const noAuth: AuthSettings = { tokens: [], jwt: [] };

/** What identity and policy are read from, and read again. */
type RightsConfig = Pick<Config, "auth" | "policy" | "token">;

/** Who somebody is, what they may do, and what goes on by that. */
export interface Rights {
  /** The owner's token; undefined when there is no owner. */
  readonly token: string | undefined;
  readonly authentication: Authentication;
  readonly authorizer: Authorizer;
  readonly grants: Grants;
  /** Lives by other settings from here on, and ends what they do not allow. Returns how much it ended. */
  reload(next: RightsConfig): number;
  /** Ends what goes on by a right that ends by itself; the returned function ends that. */
  watch(): () => void;
}

/** @throws ConfigError when the owner's token cannot be kept */
export async function createRights(config: Config, audit: Audit, log: Logger): Promise<Rights> {
  const { auth, policy } = config;
  const token = await findToken(config, log);
  warnOfNobody(config, token, log);
  const authentication = new Authentication(auth ?? noAuth, token, systemClock, log);
  const grants = new Grants();
  const authorizer = new Authorizer({ clock: systemClock, grants, policy, onDenied: tellDenials(log, audit) });
  return {
    token,
    authentication,
    authorizer,
    grants,
    reload(next) {
      // An `auth` section that was not there before takes the place of the token that was made at the start.
      authentication.configure(next.auth ?? noAuth, next.auth === undefined ? token : next.token);
      return grants.renew((principal) => authentication.current(principal)) + authorizer.replacePolicy(next.policy);
    },
    watch: () => watchRights(grants, authentication, authorizer, systemClock),
  };
}

async function findToken(config: Config, log: Logger): Promise<string | undefined> {
  if (config.token !== undefined || config.auth !== undefined) return config.token;
  const { token, file } = await ownerToken(config.stateDir).catch((cause: Error) => {
    throw new ConfigError(`the state directory ${config.stateDir}: ${cause.message}`);
  });
  if (token === "") throw new ConfigError(`${file}: there is no token in it; remove it, and one is made`);
  log.info({ tokenFile: file }, "the owner's token is in this file");
  return token;
}

function warnOfNobody({ auth, tls }: Config, token: string | undefined, log: Logger): void {
  const isSomebody = token !== undefined || auth?.tokens.length !== 0 || auth.jwt.length > 0 || tls?.clientCaFile !== undefined;
  if (!isSomebody) log.warn("auth names no credential, so that nobody can get in");
}

function tellDenials(log: Logger, audit: Audit): OnDenied {
  return (caller, verb, request, decision) => {
    log.info({ principal: caller.principal.subject, verb, target: request.target.id, rule: decision.rule }, "refused by policy");
    audit.denied(caller, verb, request, decision);
  };
}
