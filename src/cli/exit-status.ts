import type { ConnectionEnd } from "../client/connection-end.ts";
import { failedStatus } from "../output-end.ts";

/** What the client exits with and what it says of it on stderr, if anything. */
export interface Ending {
  readonly status: number;
  readonly message?: string;
}

const timeoutStatus = 124;
/** That of a command that SIGKILL ended, which is how the gateway ends one. */
const killedStatus = 137;

/** The client's own end for that of its exec: the command's exit code wherever the command had one. */
export function endingOf(end: ConnectionEnd): Ending {
  switch (end.kind) {
    case "exit":
      return exitEnding(end.exit);
    case "error":
      return { status: failedStatus, message: end.code === "" ? end.message : `${end.code}: ${end.message}` };
    case "lost":
      return { status: failedStatus, message: `the connection was lost: ${end.reason || `close code ${end.closeCode}`}` };
    case "detached":
      return { status: 0 };
    case "closed":
      return { status: failedStatus };
  }
}

function exitEnding({ outcome, exitCode, endedBy }: Extract<ConnectionEnd, { kind: "exit" }>["exit"]): Ending {
  if (outcome === "exited" && exitCode !== null) return { status: exitCode };
  if (outcome === "timeout") return { status: timeoutStatus, message: "the command was ended: timeout" };
  if (outcome === "killed") return { status: killedStatus, message: `the command was ended: killed by ${endedBy ?? "the gateway"}` };
  return { status: failedStatus, message: "the command was lost: its exit code is not known" };
}
