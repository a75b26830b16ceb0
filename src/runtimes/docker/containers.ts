import { ExecgateError } from "../../errors.ts";
import type { Target } from "../../exec/runtime.ts";
import type { Answer, Engine } from "./engine.ts";

/** What a container is, as far as an exec in it is concerned. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of its first process, as the daemon's machine numbers it; 0 when it does not run. */
  readonly pid: number;
  /** Its own PATH. */
  readonly searchPath: string;
  /** Whether root in it could leave a control group. */
  readonly isPrivileged: boolean;
}

/** What runc is for a moment, in the container, before it becomes the command. */
const starterThreads = 8;

/** What the daemon gives to those that say nothing. */
const searchPathDefault = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Status: string; readonly Pid: number };
  readonly Config: { readonly Env?: readonly string[] | null; readonly Labels?: Readonly<Record<string, string>> | null };
  readonly HostConfig?: { readonly Privileged?: boolean; readonly CapAdd?: readonly string[] | null };
}

interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/**
 * The one container that goes by `name`: its name, its id, or the beginning of its id when no other begins so.
 * @throws TARGET_NOT_FOUND, TARGET_AMBIGUOUS, RUNTIME_UNAVAILABLE
 */
export async function inspectContainer(engine: Engine, name: string, targetId: string): Promise<Container> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw notFound(targetId);
  const answer = await engine.call("GET", `/containers/${name}/json`);
  if (answer.status !== 200) throw toTargetError(answer, targetId);
  const { Id: id, Name, State, Config, HostConfig } = answer.body as Inspected;
  const path = Config.Env?.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
  return {
    id,
    name: Name.replace(/^\//, ""),
    state: State.Status,
    labels: Config.Labels ?? {},
    pid: State.Pid,
    searchPath: path ?? searchPathDefault,
    isPrivileged: HostConfig?.Privileged === true || (HostConfig?.CapAdd ?? []).some((name) => /^(CAP_)?(ALL|SYS_ADMIN)$/.test(name)),
  };
}

/** All of them, also those that do not run. @throws RUNTIME_UNAVAILABLE */
export async function listContainers(engine: Engine, runtime: string): Promise<Target[]> {
  const answer = await engine.call("GET", "/containers/json?all=true");
  if (answer.status !== 200) throw refusal(answer);
  return (answer.body as Listed[]).map(({ Id: immutableId, Names, State: state, Labels }) => {
    // A container that another is linked to has further names, with a slash within.
    const name = (Names.find((entry) => entry.lastIndexOf("/") <= 0) ?? immutableId).replace(/^\//, "");
    return Object.freeze({ id: `${runtime}:${name}`, runtime, name, immutableId, state, labels: Labels ?? {} });
  });
}

/** Whether a container has as many processes as it may. It is asked when a start failed for a reason that its text does not tell. */
export async function isFull(engine: Engine, id: string): Promise<boolean> {
  const answer = await engine.call("GET", `/containers/${id}/stats?stream=false&one-shot=true`).catch(() => undefined);
  const { current = 0, limit } = (answer?.body as { pids_stats?: { current?: number; limit?: number } } | undefined)?.pids_stats ?? {};
  return limit !== undefined && limit > 0 && current + starterThreads >= limit;
}

/** Says in the words of the interface why a container cannot be used. */
export function toTargetError(answer: Answer, targetId: string): ExecgateError {
  const text = messageOf(answer);
  if (/multiple|ambiguous|more than one/i.test(text)) {
    return new ExecgateError("TARGET_AMBIGUOUS", `Several containers begin with ${JSON.stringify(targetId)}; say more of the id.`);
  }
  if (answer.status === 404) return notFound(targetId);
  if (answer.status !== 409) return refusal(answer);
  const state = ["paused", "restarting"].find((word) => text.includes(word)) ?? "exited";
  return notRunning(targetId, state);
}

export function notRunning(targetId: string, state: string): ExecgateError {
  return new ExecgateError("TARGET_NOT_RUNNING", `${targetId} is ${state}; it must be running.`, { state });
}

export function refusal(answer: Answer): ExecgateError {
  return new ExecgateError("RUNTIME_UNAVAILABLE", `The daemon refused (${answer.status}): ${messageOf(answer)}`);
}

export function messageOf({ body }: Answer): string {
  const { message } = (body ?? {}) as { message?: unknown };
  return String(message ?? "no reason given").slice(0, 300);
}

function notFound(targetId: string): ExecgateError {
  return new ExecgateError("TARGET_NOT_FOUND", `There is no target ${JSON.stringify(targetId)}.`);
}
