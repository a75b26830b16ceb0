import { randomBytes } from "node:crypto";
import { ExecgateError } from "../../errors.ts";
import type { ExecSpec, Process } from "../../exec/runtime.ts";
import type { InsideProcess } from "../container/inside.ts";
import { strayProcess } from "../container/stray.ts";
import type { Container } from "./container.ts";
import type { ExecStream } from "./exec-stream.ts";
import { type GateSaid, gateCommand, turnAway } from "./gate.ts";
import { NoShell, passGate } from "./pass-gate.ts";
import { PodProcess, type Reach } from "./process.ts";
import type { StreamsSeen } from "./shellless.ts";
import { unlessLeft } from "./unless-left.ts";

/**
 * Starts `spec` behind a gate: the stream is opened first, then `verify` looks whether the pod is still the one that was
 * resolved, and only then the gate lets the command be. When nobody knows whether it did, a process is given back of which
 * nothing else is known either.
 * @throws NoShell; what the API server refuses, and COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, CWD_NOT_FOUND, NOT_SUPPORTED
 */
export async function startGated(
  container: Container,
  spec: ExecSpec,
  verify: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  onRelease: (released: Process) => void,
): Promise<Process> {
  const cookie = randomBytes(16).toString("hex");
  const isTerminal = spec.tty !== undefined;
  const channels = { stdin: true, tty: isTerminal };
  const reach: ReachOf = (process = { cookie, pid: 0, startedTicks: 0, initTicks: 0 }) => container.reach(process, isTerminal);
  let stream: ExecStream | undefined;
  let isTold = false;
  try {
    stream = await container.exec(gateCommand(cookie, spec.command), channels, signal);
    refuseEndless(stream, spec);
    await verify(signal);
    if (spec.tty !== undefined) await stream.resize(spec.tty);
    signal.throwIfAborted();
    // From here on the command may run, and the gate's answer alone says whether it does.
    isTold = true;
    const passing = passGate(stream, spec, cookie);
    const said = await unlessLeft(passing, signal);
    if (said === undefined) return giveUp(stream, passing, reach, onRelease);
    const { process } = refuseUnready(said, spec);
    const running = new PodProcess(stream, reach(process), isTerminal, onRelease);
    if (!spec.stdin) void running.endInput();
    return running;
  } catch (error) {
    if (!isTold) await stream?.write(turnAway);
    stream?.close();
    // The gate goes when it is turned away, or its input ends. Of its end a terminal does not tell it, and what it has let through is not its own any more.
    const mayBeLeft = stream === undefined ? isTerminal && signal.aborted : (isTerminal || isTold) && !hasEnded(error);
    if (mayBeLeft) await reach().kill();
    throw error;
  }
}

/**
 * Without the channel's end a command that reads to the end of its input would wait for ever, and nobody could tell why.
 * @throws NOT_SUPPORTED
 */
export function refuseEndless({ canEndInput }: StreamsSeen, spec: ExecSpec): void {
  if (canEndInput || !spec.stdin || spec.tty !== undefined) return;
  throw new ExecgateError(
    "NOT_SUPPORTED",
    "This API server speaks v4.channel.k8s.io only, which cannot say that stdin is at its end; run the command without stdin, or on a tty.",
    { field: "stdin" },
  );
}

/** The way to the command as the gate told of it, or to whatever has the cookie. */
type ReachOf = (process?: InsideProcess) => Reach;

/** What was told to go and has not answered may run, now or later. It is nobody's any more, and is ended when it shows. */
function giveUp(
  stream: ExecStream,
  passing: Promise<GateSaid | undefined>,
  reach: ReachOf,
  onRelease: (released: Process) => void,
): Process {
  const ending = passing.then(async (said) => {
    if (said !== undefined) await reach(said.process).kill();
  });
  void ending.catch(() => undefined).finally(() => stream.close());
  return strayProcess("The container's shell did not say whether it let the command run.", reach().kill, onRelease);
}

function refuseUnready(said: GateSaid, { command, cwd }: ExecSpec): GateSaid {
  const name = JSON.stringify(command[0] ?? "sh");
  switch (said.verdict) {
    case "missing":
      throw new ExecgateError("COMMAND_NOT_FOUND", `There is no command ${name} in the container.`);
    case "denied":
      throw new ExecgateError("COMMAND_NOT_EXECUTABLE", `${name} cannot be executed in the container.`);
    case "cwd":
      throw new ExecgateError("CWD_NOT_FOUND", `The working directory ${JSON.stringify(cwd)} cannot be entered.`, { field: "cwd" });
    default:
      return said;
  }
}

/** Whether the error tells that nothing has been started, or not for long. */
function hasEnded(error: unknown): boolean {
  return error instanceof NoShell || (error instanceof ExecgateError && endings.has(error.code));
}

const endings: ReadonlySet<string> = new Set(["COMMAND_NOT_FOUND", "COMMAND_NOT_EXECUTABLE", "CWD_NOT_FOUND"]);
