import { ExecgateError } from "../../errors.ts";
import type { Chunk, ExecSpec } from "../../exec/runtime.ts";
import type { ExecStream } from "./exec-stream.ts";
import { type GateSaid, gateWord, readGate } from "./gate.ts";
import type { StreamsSeen } from "./shellless.ts";
import type { Verdict } from "./status.ts";

/** How long a started stream may take until the gate has spoken. */
const gateMsMax = 15_000;
/** What may come before the gate's line: the echo of what it was told, and what the shell has to complain of. */
const echoBytesMax = 1024 * 1024;

/** Thrown when the container has no shell to be the gate. */
export class NoShell extends Error implements StreamsSeen {
  readonly canEndInput: boolean;

  constructor({ canEndInput }: StreamsSeen) {
    super("The container has no shell.");
    this.canEndInput = canEndInput;
  }
}

/**
 * Lets the gate go and reads until it has spoken; what the command has said behind it is put back.
 * @returns undefined when nobody knows what became of it: it is silent, or the stream broke off
 * @throws NoShell; RUNTIME_UNAVAILABLE, NOT_SUPPORTED where no gate came to be
 */
export async function passGate(stream: ExecStream, spec: ExecSpec, cookie: string): Promise<GateSaid | undefined> {
  await stream.write(gateWord(spec));
  const deadline = AbortSignal.timeout(gateMsMax);
  const cut = (): void => stream.output.cut();
  deadline.addEventListener("abort", cut, { once: true });
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
    deadline.removeEventListener("abort", cut);
  }
  const verdict = deadline.aborted ? undefined : await stream.verdict.catch(() => undefined);
  if (verdict === undefined) return undefined;
  throw whyNoGate(stream, verdict, Buffer.concat([seen, ...errors.map(({ bytes }) => bytes)]));
}

/** An exec whose program is not there ends before it has said anything, and the Status has the runtime's words for it. */
function whyNoGate(stream: ExecStream, verdict: Verdict, seen: Buffer): Error {
  const said = "failure" in verdict ? verdict.failure : seen.toString("utf8", 0, 500).replace(/[\p{Cc}\p{Cf}\s]+/gu, " ");
  if (ofShell.test(said) && (notFound.test(said) || notExecutable.test(said))) return new NoShell(stream);
  if ("failure" in verdict) return new ExecgateError("RUNTIME_UNAVAILABLE", `The API server could not run the command: ${said}.`);
  return new ExecgateError("NOT_SUPPORTED", `The container's shell cannot prepare the command (exit code ${verdict.exitCode}): ${said}`);
}

/** The shell's name as these words quote it: what else is not there says nothing of it. */
const ofShell = /["'`]sh\\?["'`]/;

/** The words of runc, crun and youki for a program that is not there, or is none. */
export const notFound = /executable file [^ ]*( `?\S+`?)? ?not found|not found in \$?PATH|no such file or directory/i;
export const notExecutable = /permission denied|exec format error|is a directory/i;
