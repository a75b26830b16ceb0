import { randomBytes } from "node:crypto";
import { ExecgateError } from "../../errors.ts";
import type { Chunk, ExecSpec, Process } from "../../exec/runtime.ts";
import type { Container } from "./container.ts";
import type { ExecStream } from "./exec-stream.ts";
import { type GateSaid, gateCommand, gateWord, readGate, turnAway } from "./gate.ts";
import { PodProcess } from "./process.ts";

/** How long a started stream may take until the gate has spoken. */
const gateMsMax = 15_000;
/** What may come before the gate's line: the echo of what it was told, and what the shell has to complain of. */
const echoBytesMax = 1024 * 1024;

/** Thrown when the container has no shell to be the gate. */
export class NoShell extends Error {}

/**
 * Starts `spec` behind a gate: the stream is opened first, then `verify` looks whether the pod is still the one that was
 * resolved, and only then the gate lets the command be.
 * @throws NoShell; what the API server refuses, and COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, CWD_NOT_FOUND, NOT_SUPPORTED
 */
export async function startGated(
  container: Container,
  spec: ExecSpec,
  verify: () => Promise<void>,
  signal: AbortSignal,
  onRelease: (released: Process) => void,
): Promise<Process> {
  const cookie = randomBytes(16).toString("hex");
  const isTerminal = spec.tty !== undefined;
  const channels = { stdin: true, tty: isTerminal };
  let stream: ExecStream | undefined;
  let isTold = false;
  try {
    stream = await container.exec(gateCommand(cookie, spec.command), channels, signal);
    refuseEndless(stream, spec);
    await verify();
    if (spec.tty !== undefined) await stream.resize(spec.tty);
    signal.throwIfAborted();
    // From here on the command may run, and the gate's answer says whether it does, also to who left meanwhile.
    isTold = true;
    await stream.write(gateWord(spec));
    const { process } = refuseUnready(await passGate(stream, cookie), spec);
    const running = new PodProcess(stream, container.reach(process, isTerminal), isTerminal, onRelease);
    if (!spec.stdin) void running.endInput();
    return running;
  } catch (error) {
    if (!isTold) await stream?.write(turnAway);
    stream?.close();
    // The gate goes when it is turned away, or its input ends. Of its end a terminal does not tell it, and what it has let through is not its own any more.
    const mayBeLeft = stream === undefined ? isTerminal && signal.aborted : (isTerminal || isTold) && !hasEnded(error);
    if (mayBeLeft) await container.reach({ cookie, pid: 0, startedTicks: 0, initTicks: 0 }, isTerminal).kill();
    throw error;
  }
}

/**
 * Without the channel's end a command that reads to the end of its input would wait for ever, and nobody could tell why.
 * @throws NOT_SUPPORTED
 */
export function refuseEndless(stream: ExecStream, spec: ExecSpec): void {
  if (stream.canEndInput || !spec.stdin || spec.tty !== undefined) return;
  throw new ExecgateError(
    "NOT_SUPPORTED",
    "This API server speaks v4.channel.k8s.io only, which cannot say that stdin is at its end; run the command without stdin, or on a tty.",
    { field: "stdin" },
  );
}

/** Reads until the gate has spoken; what the command has said behind it is put back. */
async function passGate(stream: ExecStream, cookie: string): Promise<GateSaid> {
  const deadline = AbortSignal.timeout(gateMsMax);
  const giveUp = (): void => stream.output.cut();
  deadline.addEventListener("abort", giveUp, { once: true });
  let seen = Buffer.alloc(0);
  const errors: Chunk[] = [];
  try {
    for (let bytes = 0; ; ) {
      const chunk = await stream.output.next();
      if (chunk === undefined) break;
      bytes += chunk.bytes.length;
      if (bytes > echoBytesMax) throw new ExecgateError("RUNTIME_UNAVAILABLE", "What answers is not the shell that was asked for.");
      if (chunk.stream === "stderr") {
        errors.push(chunk);
        continue;
      }
      seen = Buffer.concat([seen, chunk.bytes]);
      const passed = readGate(cookie, seen);
      if (passed === undefined) continue;
      if (passed.rest.length > 0) stream.output.unread({ stream: "stdout", bytes: passed.rest });
      for (const error of errors.reverse()) stream.output.unread(error);
      return passed.said;
    }
  } finally {
    deadline.removeEventListener("abort", giveUp);
  }
  if (deadline.aborted)
    throw new ExecgateError("RUNTIME_UNAVAILABLE", `The container's shell did not answer within ${gateMsMax / 1000} s.`);
  throw await whyNoGate(stream, Buffer.concat([seen, ...errors.map(({ bytes }) => bytes)]));
}

/** An exec whose program is not there ends before it has said anything, and the Status has the runtime's words for it. */
async function whyNoGate(stream: ExecStream, seen: Buffer): Promise<Error> {
  const verdict = await stream.verdict;
  const said = "failure" in verdict ? verdict.failure : seen.toString("utf8", 0, 500).replace(/[\p{Cc}\p{Cf}\s]+/gu, " ");
  if (ofShell.test(said) && (notFound.test(said) || notExecutable.test(said))) return new NoShell();
  if ("failure" in verdict) return new ExecgateError("RUNTIME_UNAVAILABLE", `The API server could not run the command: ${said}.`);
  return new ExecgateError("NOT_SUPPORTED", `The container's shell cannot prepare the command (exit code ${verdict.exitCode}): ${said}`);
}

/** The shell's name as these words quote it: what else is not there says nothing of it. */
const ofShell = /["'`]sh\\?["'`]/;

/** The words of runc, crun and youki for a program that is not there, or is none. */
export const notFound = /executable file [^ ]*( `?\S+`?)? ?not found|not found in \$?PATH|no such file or directory/i;
export const notExecutable = /permission denied|exec format error|is a directory/i;

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
