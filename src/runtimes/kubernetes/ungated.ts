import { setTimeout as delay } from "node:timers/promises";
import { ExecgateError } from "../../errors.ts";
import type { ExecSpec, Process } from "../../exec/runtime.ts";
import { strayProcess } from "../container/stray.ts";
import type { Container } from "./container.ts";
import type { ExecStream } from "./exec-stream.ts";
import { notExecutable, notFound } from "./pass-gate.ts";
import { PodProcess, type Reach } from "./process.ts";
import type { StreamsSeen } from "./shellless.ts";
import { refuseEndless } from "./start.ts";
import { unlessLeft } from "./unless-left.ts";

/** How long a command that says nothing is watched for not being there. */
const settleMs = 250;

const never = new AbortController().signal;

/** Where there is no shell nobody can look for the processes. */
const unreachable: Reach = {
  signal: () => Promise.reject(new ExecgateError("NOT_SUPPORTED", "The container has no shell, through which a signal could be sent.")),
  kill: () => Promise.resolve("bestEffort"),
};

/**
 * Starts `spec` as the exec itself, in a container without a shell: what would need one is refused.
 *
 * Kubernetes binds an exec to a pod's name alone. One that has taken the name since `verify` looked has the command by the time
 * that this is seen: nothing of it is handed on then, and it counts as lost.
 * @param streams what was seen when the shell was looked for
 * @throws NOT_SUPPORTED, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUNTIME_UNAVAILABLE and what the API server refuses
 */
export async function startUngated(
  container: Container,
  streams: StreamsSeen,
  spec: ExecSpec,
  verify: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  onRelease: (released: Process) => void,
): Promise<Process> {
  if (spec.command.length === 0) throw new ExecgateError("COMMAND_NOT_FOUND", "The container has no shell; name a command.");
  if (spec.cwd !== undefined) throw withoutShell("cwd");
  if (Object.keys(spec.env).length > 0) throw withoutShell("env");
  refuseEndless(streams, spec);
  await verify(signal);
  signal.throwIfAborted();
  const isTerminal = spec.tty !== undefined;
  // A terminal whose input is not held open hangs up; its end is a character of its own.
  const opening = container.exec(spec.command, { stdin: spec.stdin || isTerminal, tty: isTerminal }, never);
  // The command may run before the server says so, also for who leaves meanwhile.
  const stream = await unlessLeft(opening, signal);
  if (stream === undefined) {
    void opening.then((late) => late.close()).catch(() => undefined);
    return strayProcess("The API server did not say whether the command runs.", unreachable.kill, onRelease);
  }
  try {
    if (spec.tty !== undefined) await stream.resize(spec.tty);
    await refuseMissing(stream, spec, signal);
    if ((await unlessLeft(isTheSame(verify), signal)) !== true) {
      stream.close();
      return strayProcess("The pod was replaced while the command was started.", unreachable.kill, onRelease);
    }
    const running = new PodProcess(stream, unreachable, isTerminal, onRelease);
    if (isTerminal && !spec.stdin) void running.endInput();
    return running;
  } catch (error) {
    stream.close();
    throw error;
  }
}

/** Whether the pod is still the one that was resolved; one that is about to end is. */
async function isTheSame(verify: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
  try {
    await verify(never);
    return true;
  } catch (error) {
    return error instanceof ExecgateError && error.code === "TARGET_NOT_RUNNING";
  }
}

/** The first that is seen of a command tells that it runs; a Status without any output may tell that it does not. Whoever leaves waits no longer. */
async function refuseMissing(stream: ExecStream, { command }: ExecSpec, signal: AbortSignal): Promise<void> {
  const waiting = new AbortController();
  const settled = delay(settleMs, undefined, { signal: AbortSignal.any([waiting.signal, signal]) });
  const seen = await Promise.race([stream.output.begun, settled.catch(() => undefined)]);
  waiting.abort();
  if (seen !== false) return;
  const verdict = await stream.verdict;
  if ("exitCode" in verdict) return;
  const name = JSON.stringify(command[0]);
  if (notFound.test(verdict.failure)) throw new ExecgateError("COMMAND_NOT_FOUND", `There is no command ${name} in the container.`);
  if (notExecutable.test(verdict.failure))
    throw new ExecgateError("COMMAND_NOT_EXECUTABLE", `${name} cannot be executed in the container.`);
  throw new ExecgateError("RUNTIME_UNAVAILABLE", `The API server could not run the command: ${verdict.failure}.`);
}

function withoutShell(field: string): ExecgateError {
  return new ExecgateError("NOT_SUPPORTED", `${field}: the container has no shell, through which it could be set.`, { field });
}
