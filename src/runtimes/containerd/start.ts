import { closeSync } from "node:fs";
import { ExecgateError } from "../../errors.ts";
import type { ExecSpec, Process } from "../../exec/runtime.ts";
import { ForeignProcess } from "../container/foreign-process.ts";
import { strayProcess } from "../container/stray.ts";
import type { Api } from "./api.ts";
import { ApiError } from "./api-error.ts";
import type { Found } from "./containers.ts";
import { Exec } from "./exec.ts";
import type { FifoFolder, Fifos } from "./fifos.ts";
import { FifoInput } from "./input.ts";
import type { Mark, Marks } from "./mark.ts";
import { endMarked, MarkedTree } from "./marked-tree.ts";
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
  /** Takes over what is left of an exec: ends it, deletes it and removes its FIFOs. Settles when that is done, or given up. */
  readonly discard: (exec: Exec, fifos: Fifos) => Promise<void>;
  /** What runs, until it is released. */
  readonly running: Set<Process>;
}

/** What an exec needs before containerd is told of it. */
interface Taken {
  readonly mark: Mark;
  readonly exec: Exec;
  readonly fifos: Fifos;
  readonly outputs: readonly number[];
}

/**
 * Starts a command in a container that was found to run: the exec is created, then started while its exit is waited for
 * already. What was begun is undone when it fails; a command that may run by then is lost.
 * @throws ApiError, USER_NOT_FOUND, OVERLOADED, RUNTIME_UNAVAILABLE; the reason of `signal`, when nothing runs of what was begun
 */
export async function startExec(deps: StartDeps, found: Found, spec: ExecSpec, signal: AbortSignal): Promise<Process> {
  const { marks } = deps;
  const { own, pid: containerPid, group } = surroundingsOf(found);
  const { args, user } = whatAndWho(own, containerPid, spec);
  const isTerminal = spec.tty !== undefined;
  const { mark, exec, fifos, outputs } = take(deps, found, spec);
  let status: Promise<number> | undefined;
  try {
    const deadline = performance.now() + startMsMax;
    await exec.create(fifos, isTerminal, toExecProcess(own, { args, spec, user, mark }), startMsMax);
    signal.throwIfAborted();
    const starting = exec.start(Math.max(1, deadline - performance.now()));
    status = exec.status();
    status.catch(() => undefined);
    const pid = await starting;
    const onMachine = ForeignProcess.open(pid);
    const tree = new MarkedTree({ marks, mark, pid, group, canLeave: isPowerful(own) });
    const input = fifos.stdin === "" ? undefined : new FifoInput(fifos, isTerminal);
    const process: ContainerdProcess = new ContainerdProcess({ exec, status, tree, onMachine, input, outputs, isTerminal }, () => {
      deps.running.delete(process);
      void deps.discard(exec, fifos);
    });
    deps.running.add(process);
    if (isTerminal && !spec.stdin) void process.endInput();
    return process;
  } catch (error) {
    exec.forget();
    for (const fd of outputs) closeSync(fd);
    const discarded = deps.discard(exec, fifos);
    if (status !== undefined && error instanceof ApiError && error.isUnanswered) {
      void endLost(marks, mark, discarded);
      return strayProcess("containerd did not say whether the command runs.");
    }
    marks.giveBack(mark);
    throw error;
  }
}

/** @throws OVERLOADED, RUNTIME_UNAVAILABLE when nothing was taken */
function take({ api, fifos: folder, marks }: StartDeps, { namespace, container }: Found, { stdin, tty }: ExecSpec): Taken {
  const mark = marks.take();
  const exec = new Exec(api, { namespace, containerId: container.id, execId: `${execPrefix}${mark}` });
  let fifos: Fifos | undefined;
  try {
    fifos = folder.make(exec.place, { stdin: stdin || tty !== undefined, stderr: tty === undefined });
    return { mark, exec, fifos, outputs: fifos.openOutputs() };
  } catch (error) {
    fifos?.remove();
    marks.giveBack(mark);
    throw error;
  }
}

/** Ends what may run now, and what may have begun before its exec was deleted. */
async function endLost(marks: Marks, mark: Mark, discarded: Promise<void>): Promise<void> {
  const end = () => endMarked((found) => found === mark);
  await end();
  await discarded;
  await end();
  marks.giveBack(mark);
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
