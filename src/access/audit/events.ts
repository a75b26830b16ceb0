import type { Target } from "../../exec/runtime.ts";
import { escapeUnseen } from "../../unseen.ts";
import type { Caller, Verb } from "../principal.ts";
import type { DescribedCommand } from "./command.ts";

/** Who did it, by what credential, from where, and why. */
export interface Actor {
  readonly principal: string;
  readonly credential: string;
  /** The address that the request came from, or `unix`. */
  readonly source: string;
  readonly reason: string | undefined;
  /** The share by which somebody acted for whom the rest says. */
  readonly share: string | undefined;
}

export function actorOf({ principal, from, reason, share }: Caller): Actor {
  return { principal: principal.subject, credential: principal.credential, source: from, reason, share: share?.id };
}

/** A target by the name that was asked for and by the identity that the name stood for. */
export interface AuditedTarget {
  readonly id: string;
  readonly immutableId: string;
}

export function targetFacts({ id, immutableId }: Target): AuditedTarget {
  return { id, immutableId };
}

/** A credential that was not valid, and what it was presented to. */
export interface Failure {
  readonly event: "authn.failure" | "ticket.refuse";
  readonly source: string;
  readonly method: string;
  /** Without the query, in which a credential may stand by mistake. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** What is written down beside the time and the place in the chain: one line each. */
export type AuditEvent =
  | (Actor &
      DescribedCommand & {
        readonly event: "exec.start";
        readonly session: string;
        readonly target: AuditedTarget;
        readonly envNames: readonly string[];
        readonly cwd: string | undefined;
        readonly user: string | undefined;
        readonly tty: boolean;
        readonly mode: string;
        readonly timeoutMs: number;
        readonly rule: string | null;
      })
  | (Actor & {
      readonly event: "exec.end";
      readonly session: string;
      readonly target: AuditedTarget;
      /** `refused` when the command was never started; `code` says why. */
      readonly outcome: string;
      readonly code?: string;
      readonly exitCode?: number | null;
      readonly signal?: string | null;
      readonly endedBy?: string | null;
      readonly termination?: string | null;
      readonly durationMs?: number;
      readonly stdinBytes: number;
      readonly stdoutBytes: number;
      readonly stderrBytes: number;
    })
  | (Actor & {
      readonly event: "session.attach";
      readonly session: string;
      /** Whose it is. */
      readonly owner: string;
      readonly verb: Verb;
      /** `socket`, or what was asked for without one. */
      readonly by: string;
    })
  | (Actor & { readonly event: "session.kill"; readonly session: string; readonly owner: string })
  | (Actor & {
      readonly event: "share.issue" | "share.revoke";
      readonly session: string;
      readonly owner: string;
      /** The id of the share that is given out or revoked. */
      readonly subject: string;
    })
  | (Failure & {
      /** Failures before this one that were too many to be written. */
      readonly unwritten: number;
    })
  | (Actor &
      Partial<DescribedCommand> & {
        readonly event: "authz.deny";
        /** `see` where the target itself is hidden. */
        readonly verb: Verb | "see";
        readonly target: AuditedTarget;
        readonly code: string;
        /** The rule that denies, or that came nearest to allowing; null where none is about it. */
        readonly rule: string | null;
        readonly condition: string | null;
      })
  | (Actor &
      Partial<DescribedCommand> & {
        readonly event: "ticket.issue";
        /** That of the WebSocket. */
        readonly path: string;
        readonly target?: AuditedTarget;
      })
  | { readonly event: "policy.reload"; readonly outcome: "applied" | "kept"; readonly sha256: string | undefined; readonly reason?: string }
  | {
      readonly event: "audit.gap";
      /** Why nothing could be written. */
      readonly reason: string;
      readonly since: string;
      /** Events that were let go, and execs that were refused meanwhile. */
      readonly lost: number;
      readonly refused: number;
      /** Bytes of half a line that were cut off. */
      readonly cutBytes: number;
    }
  | { readonly event: "recording.failure"; readonly session: string; readonly reason: string }
  | { readonly event: "server.start"; readonly version: string; readonly listen: readonly string[] }
  | { readonly event: "server.stop" };

export type AuditEventName = AuditEvent["event"];

const names: Readonly<Record<AuditEventName, true>> = {
  "exec.start": true,
  "exec.end": true,
  "session.attach": true,
  "session.kill": true,
  "authn.failure": true,
  "authz.deny": true,
  "ticket.issue": true,
  "ticket.refuse": true,
  "share.issue": true,
  "share.revoke": true,
  "policy.reload": true,
  "audit.gap": true,
  "recording.failure": true,
  "server.start": true,
  "server.stop": true,
};

/** Every event there is. */
export const auditEventNames = Object.keys(names) as readonly AuditEventName[];

/** The event as the JSON text of a line behind its place in the chain. */
export function restOfLine(event: AuditEvent, nowMs: number): string {
  return `"time":"${new Date(nowMs).toISOString()}",${escapeUnseen(JSON.stringify(event)).slice(1)}`;
}
