import type { Readable } from "node:stream";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { Audit } from "../access/audit/audit.ts";
import type { Authentication } from "../access/authentication.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { Grants } from "../access/grants.ts";
import type { Principal } from "../access/principal.ts";
import type { Share, Shares } from "../access/shares.ts";
import type { Tickets } from "../access/tickets.ts";
import type { ErrorCode } from "../errors.ts";
import type { Clock } from "../exec/clock.ts";
import type { Permit } from "../exec/permit.ts";
import type { ExecRequest } from "../exec/request.ts";
import type { Runtime } from "../exec/runtime.ts";
import type { Session } from "../exec/session.ts";
import type { Sessions } from "../exec/sessions.ts";
import type { Witness } from "../exec/witness.ts";
import type { Probes } from "../probes/probes.ts";
import type { ReadFront } from "./front.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { OriginRules } from "./origin.ts";
import type { TicketPurpose } from "./ticket-purpose.ts";

/** The limits that the server keeps or tells. All of them are options of the configuration. */
export interface ServerLimits {
  readonly execTimeoutMsDefault: number;
  readonly execTimeoutMsMax: number;
  readonly outputBytesDefault: number;
  readonly outputBytesMax: number;
  readonly bodyBytesMax: number;
  readonly keepMsDefault: number;
  readonly keepMsMax: number;
  readonly slowClientMs: number;
  readonly heartbeatMs: number;
  readonly replayBytes: number;
  readonly shareMsMax: number;
}

/** What the metrics give the server, and take from it. */
export interface MetricsPort {
  readonly contentType: string;
  render(): Promise<string>;
  refused(code: ErrorCode): void;
  clientCame(protocol: string): void;
  clientLeft(protocol: string): void;
}

/** A recording as it is listed, with the request that policy is asked about. */
export interface ListedRecording {
  readonly id: string;
  readonly request: ExecRequest;
  readonly cols: number;
  readonly rows: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly writtenAt: number;
  /** Whether it is still being written. */
  readonly isLive: boolean;
}

/** What recording gives the server. */
export interface RecordingPort {
  modeOf(permit: Permit): Permit["record"];
  witness(mode: Permit["record"]): Witness | undefined;
  /** Newest first, from behind the id `after` on. */
  list(after: string | undefined): AsyncIterable<ListedRecording>;
  find(id: string): Promise<ListedRecording | undefined>;
  /** The file's whole lines; all of them when the session has ended. */
  read(id: string, isEnded: boolean): Promise<{ readonly bytes: number; readonly stream: Readable } | undefined>;
}

/** Everything that the server is built from. */
export interface AppDeps {
  readonly sessions: Sessions;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly authorizer: Authorizer;
  readonly grants: Grants;
  readonly authentication: Authentication;
  readonly tickets: Tickets<TicketPurpose>;
  readonly shares: Shares;
  readonly audit: Audit;
  readonly recordings: RecordingPort;
  readonly probes: Probes;
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly origins: OriginRules;
  readonly readFront: ReadFront;
  readonly metrics: MetricsPort;
  readonly log: FastifyBaseLogger;
  readonly version: string;
  /** Whose ancestors may embed the page. */
  readonly frameAncestors: readonly string[];
  readonly publicDir: string;
}

/** The Fastify instance, with the types of requests taken from the schemas of their routes. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What the routes get: the same, and what the server itself keeps. */
export interface RouteDeps extends AppDeps {
  readonly heartbeat: Heartbeat;
}

/** Who may come to a route: everybody, or whoever is authenticated. Asking for the Host can be left out. */
export interface AccessRule {
  readonly access: "public" | "authenticated";
  readonly anyHost?: boolean;
  /** Whether this very request needs neither credential nor one of our names for Host, although others to the route do. */
  readonly isOpen?: (request: FastifyRequest) => boolean;
  /** The route speaks WebSocket. */
  readonly isSocket?: boolean;
}

declare module "fastify" {
  interface FastifyContextConfig extends Partial<AccessRule> {}
  interface FastifyRequest {
    /** Set for every route that is not public. */
    principal: Principal;
    /** Why the caller says that they ask. */
    reason: string | undefined;
    /** Where the caller stands in a trace, as W3C writes it. */
    trace: string | undefined;
    /** The address that it comes from, or `unix`; by what trusted proxies say. */
    from: string;
    /** What the ticket that it presents is for; undefined when it presents none. */
    ticket: TicketPurpose | undefined;
    /** The share that it presents; undefined when it presents none. */
    share: Share | undefined;
    /** The subprotocols offered beside credentials. */
    subprotocols: readonly string[];
    /** A session that was admitted before the upgrade and is started after it. */
    admitted: Session | undefined;
    /** Leaves the admitted session to its socket, which the connection spoke for until then. */
    releaseAdmitted: (() => void) | undefined;
  }
}
