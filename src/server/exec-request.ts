import type { Audit } from "../access/audit/audit.ts";
import type { Authorized, Authorizer } from "../access/authorizer.ts";
import type { Caller } from "../access/principal.ts";
import { ExecgateError } from "../errors.ts";
import { type ExecMode, freezeRequest } from "../exec/request.ts";
import type { Runtime } from "../exec/runtime.ts";
import { flagOf, listOf, numberOf } from "./query.ts";
import { chooseReason } from "./reason.ts";
import { commandBytesMax, commandItemsMax, type ExecBody, type ExecQuery, type SessionBody, type TicketExec } from "./schemas.ts";
import { findContainer, findTarget } from "./target.ts";

/** The defaults and maxima that requests are held to. */
export interface RequestLimits {
  readonly execTimeoutMsDefault: number;
  readonly execTimeoutMsMax: number;
  readonly outputBytesDefault: number;
  readonly outputBytesMax: number;
  readonly keepMsDefault: number;
  readonly keepMsMax: number;
}

export interface RequestDeps {
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly authorizer: Authorizer;
  readonly audit: Audit;
  readonly limits: RequestLimits;
}

/** What a request says of the command. */
type Asked = Omit<SessionBody, "stdin" | "stdinEncoding"> & { readonly container?: string };

/** What follows from the way in. */
interface Manner {
  readonly mode: ExecMode;
  readonly stdin: boolean;
  /** How much of it came with the request. */
  readonly stdinBytes: number;
  readonly isCollected: boolean;
}

/** The request of `POST /v1/exec`: its answer is collected. */
export function requestFromExec(body: ExecBody, caller: Caller, deps: RequestDeps): Promise<Authorized> {
  return createRequest(
    body,
    { mode: "sync", stdin: body.stdin !== undefined, stdinBytes: lengthOf(body.stdin), isCollected: true },
    caller,
    deps,
  );
}

/** The request of `POST /v1/sessions`: collected too, and open for stdin where that is asked. */
export function requestFromSession(body: SessionBody, caller: Caller, deps: RequestDeps): Promise<Authorized> {
  const stdin = body.stdin !== undefined && body.stdin !== false;
  return createRequest(body, { mode: "interactive", stdin, stdinBytes: lengthOf(body.stdin), isCollected: true }, caller, deps);
}

/** The request of a WebSocket: no timeout and a terminal for a shell, unless the query says otherwise. */
export function requestFromQuery(query: ExecQuery, caller: Caller, deps: RequestDeps): Promise<Authorized> {
  const command = listOf(query.command);
  const asked: Asked = {
    command: [...command],
    env: environmentOf(listOf(query.env)),
    tty: flagOf(query.tty, command.length === 0),
    timeoutMs: numberOf(query.timeoutMs, 0),
    ...(query.target !== undefined && { target: query.target }),
    ...(query.container !== undefined && query.container !== "" && { container: query.container }),
    ...(query.cols !== undefined && { cols: Number(query.cols) }),
    ...(query.rows !== undefined && { rows: Number(query.rows) }),
    ...(query.cwd !== undefined && { cwd: query.cwd }),
    ...(query.user !== undefined && { user: query.user }),
    ...(query.reason !== undefined && { reason: query.reason }),
    ...(query.descendants !== undefined && { descendants: query.descendants }),
    ...(query.keepMs !== undefined && { keepMs: Number(query.keepMs) }),
  };
  return createRequest(asked, { mode: "interactive", stdin: flagOf(query.stdin, true), stdinBytes: 0, isCollected: false }, caller, deps);
}

/** The request that a ticket is for: that of a WebSocket, with the fields of a session. Its answer is collected where some of it is asked for. */
export function requestFromTicket(exec: TicketExec, caller: Caller, deps: RequestDeps): Promise<Authorized> {
  const asked: Asked = {
    ...exec,
    tty: exec.tty ?? (exec.command ?? []).length === 0,
    timeoutMs: exec.timeoutMs ?? 0,
  };
  const isCollected = [exec.outputBytesMax, exec.keep, exec.encoding].some((asked) => asked !== undefined);
  return createRequest(
    asked,
    { mode: "interactive", stdin: exec.stdin !== false, stdinBytes: lengthOf(exec.stdin), isCollected },
    caller,
    deps,
  );
}

/** Resolves the target, fills in the defaults, freezes all of it, and asks whether the principal may. */
async function createRequest(asked: Asked, manner: Manner, caller: Caller, deps: RequestDeps): Promise<Authorized> {
  const { authorizer, limits } = deps;
  const { principal } = caller;
  const command = asked.command ?? [];
  checkCommand(command);
  const timeoutMs = asked.timeoutMs ?? limits.execTimeoutMsDefault;
  const keepMs = asked.keepMs ?? limits.keepMsDefault;
  const bytesMax = asked.outputBytesMax ?? limits.outputBytesDefault;
  atMost("timeoutMs", timeoutMs, manner.isCollected ? limits.execTimeoutMsMax : Number.MAX_SAFE_INTEGER);
  atMost("keepMs", keepMs, limits.keepMsMax);
  atMost("outputBytesMax", bytesMax, limits.outputBytesMax);
  const { target: id = "host", container } = asked;
  const target = container === undefined ? await findTarget(id, caller, deps) : await findContainer(id, container, caller, deps);
  const tty = asked.tty === true ? { cols: asked.cols ?? 80, rows: asked.rows ?? 24 } : undefined;
  const request = freezeRequest({
    target,
    spec: { command, env: asked.env ?? {}, cwd: asked.cwd, user: asked.user, tty, stdin: manner.stdin },
    mode: manner.mode,
    principal: principal.subject,
    reason: chooseReason(asked.reason, caller.reason),
    trace: caller.trace,
    timeoutMs,
    descendants: asked.descendants ?? "end",
    keepMs,
    stdinBytes: manner.stdinBytes,
    collect: manner.isCollected ? { bytesMax, keep: asked.keep ?? "head", encoding: asked.encoding ?? "auto" } : undefined,
  });
  return authorizer.authorizeExec({ principal, from: caller.from, reason: request.reason }, request);
}

/** How long stdin is at the most, as it came: base64 makes it shorter. */
function lengthOf(stdin: string | boolean | undefined): number {
  return typeof stdin === "string" ? Buffer.byteLength(stdin) : 0;
}

function checkCommand(command: readonly string[]): void {
  if (command[0] === "") throw new ExecgateError("BAD_REQUEST", "command.0 is empty; name a command.", { field: "command.0" });
  if (command.length > commandItemsMax) {
    throw new ExecgateError("BAD_REQUEST", `command has more than ${commandItemsMax} items.`, { field: "command" });
  }
  const bytes = command.reduce((sum, argument) => sum + Buffer.byteLength(argument), 0);
  if (bytes <= commandBytesMax) return;
  throw new ExecgateError("BAD_REQUEST", `command is longer than ${commandBytesMax} bytes; give data by stdin.`, { field: "command" });
}

function atMost(field: string, value: number, maximum: number): void {
  if (value > maximum) throw new ExecgateError("BAD_REQUEST", `${field} is ${value}; here it is at most ${maximum}.`, { field });
}

function environmentOf(pairs: readonly string[]): Record<string, string> {
  const entries = pairs.map((pair, index) => {
    const equals = pair.indexOf("=");
    if (equals < 1) throw new ExecgateError("BAD_REQUEST", `env.${index} is not of the form NAME=VALUE.`, { field: `env.${index}` });
    return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
  });
  if (new Set(entries.map(([name]) => name)).size < entries.length) {
    throw new ExecgateError("BAD_REQUEST", "env names a variable twice.", { field: "env" });
  }
  return Object.fromEntries(entries);
}
