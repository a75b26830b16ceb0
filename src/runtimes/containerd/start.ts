import { closeSync } from "node:fs";
import { ExecgateError } from "../../errors.ts";
import type { ExecSpec } from "../../exec/runtime.ts";
import { ForeignProcess } from "../container/foreign-process.ts";
import type { Api } from "./api.ts";
import type { Found } from "./containers.ts";
import { Exec } from "./exec.ts";
import type { FifoFolder, Fifos } from "./fifos.ts";
import type { Marks } from "./mark.ts";
import { MarkedTree } from "./marked-tree.ts";
import { ContainerdProcess } from "./process.ts";
import { isPowerful, type OciProcess, toExecProcess } from "./process-spec.ts";
import { ContainerRoot } from "./root.ts";
import { surroundingsOf } from "./surroundings.ts";
import { ContainerUsers, type OciUser } from "./user.ts";

/** How long containerd may take to start a command, milliseconds: who waits is told within 5 s. */
const startMsMax = 4000;

/** What begins an exec's id; behind it stands the mark of its processes. */
export const execPrefix = "execgate-";

export interface StartDeps {
  readonly api: Api;
  readonly fifos: FifoFolder;
  readonly marks: Marks;
  /** Takes over what is left of an exec: ends it, deletes it and removes its FIFOs. */
  readonly discard: (exec: Exec, fifos: Fifos) => void;
  readonly released: (process: ContainerdProcess) => void;
}

/**
 * Starts a command in a container that was found to run: the exec is created, then started while its exit is waited for
 * already. What was begun is undone when it fails.
 * @throws ApiError, USER_NOT_FOUND, RUNTIME_UNAVAILABLE; the reason of `signal`, when nothing runs of what was begun
 */
export async function startExec(deps: StartDeps, found: Found, spec: ExecSpec, signal: AbortSignal): Promise<ContainerdProcess> {
  const { api, marks } = deps;
  const { own, pid: containerPid, group } = surroundingsOf(found);
  const { args, user } = whatAndWho(own, containerPid, spec);
  const isTerminal = spec.tty !== undefined;
  const mark = marks.take();
  const exec = new Exec(api, { namespace: found.namespace, containerId: found.container.id, execId: `${execPrefix}${mark}` });
  const fifos = deps.fifos.make(exec.place, { stdin: spec.stdin || isTerminal, stderr: !isTerminal });
  const outputs: number[] = [];
  let onMachine: ForeignProcess | undefined;
  try {
    const deadline = performance.now() + startMsMax;
    for (const fifo of isTerminal ? [fifos.stdout] : [fifos.stdout, fifos.stderr]) outputs.push(fifos.openOutput(fifo));
    await exec.create(fifos, isTerminal, toExecProcess(own, { args, spec, user, mark }), startMsMax);
    signal.throwIfAborted();
    const starting = exec.start(Math.max(1, deadline - performance.now()));
    const status = exec.status();
    const isOver = settled(status);
    const pid = await starting;
    onMachine = ForeignProcess.open(pid);
    const tree = new MarkedTree({ marks, mark, pid, group, canLeave: isPowerful(own) });
    const stdin = fifos.stdin === "" ? undefined : await fifos.openInput(isOver);
    const parts = { exec, status, tree, onMachine, ends: { stdin, outputs }, isTerminal };
    const process: ContainerdProcess = new ContainerdProcess(parts, () => {
      deps.released(process);
      deps.discard(exec, fifos);
    });
    if (isTerminal && !spec.stdin) void process.endInput();
    return process;
  } catch (error) {
    exec.forget();
    onMachine?.close();
    for (const fd of outputs) closeSync(fd);
    deps.discard(exec, fifos);
    marks.giveBack(mark);
    throw error;
  }
}

/** The command, or the login shell of whoever it runs as; and who that is, undefined for the container's own user. */
function whatAndWho(own: OciProcess, pid: number | undefined, spec: ExecSpec): { args: readonly string[]; user: OciUser | undefined } {
  const root = new ContainerRoot(pid);
  const users = new ContainerUsers(root);
  const user = spec.user === undefined ? undefined : users.find(spec.user);
  const [name, ...rest] = spec.command;
  if (name === undefined) return { args: [users.shellOf((user ?? own.user)?.uid ?? 0)], user };
  return { args: [inOwnPath(name, own, root, spec), ...rest], user };
}

/** A PATH that is given is the command's to use, and not where it is looked for: that is the container's own. */
function inOwnPath(name: string, own: OciProcess, root: ContainerRoot, { env }: ExecSpec): string {
  if (env.PATH === undefined || name.includes("/")) return name;
  const path = root.find(name, own.env?.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length));
  if (path !== undefined) return path;
  throw new ExecgateError("COMMAND_NOT_FOUND", `${JSON.stringify(name)} was not found in the container's PATH.`, { field: "command" });
}

/** Whether a promise has settled, to be asked at any time. */
function settled(promise: Promise<unknown>): () => boolean {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  return () => isSettled;
}
