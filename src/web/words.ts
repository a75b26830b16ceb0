import type { ConnectionEnd } from "../client/connection-end.ts";

type Exit = Extract<ConnectionEnd, { kind: "exit" }>["exit"];

/** Keyed by what ended the command; a word from a later server is shown as it is. */
const endedBy: Readonly<Record<string, string>> = {
  client: "ended: by a client",
  operator: "ended: by an operator",
  disconnect: "ended: the connection was lost",
  policy: "ended: no longer allowed",
  shutdown: "ended: the gateway is shutting down",
  idle: "ended: idle for too long",
  slow: "ended: the output was not read fast enough",
};

const closeCodes: Readonly<Record<number, string>> = {
  1001: "the gateway is shutting down; the command was ended",
  4401: "the token has expired or was revoked; the command was ended",
  4403: "no longer allowed; the command was ended",
  4408: "the output was not read fast enough; the command was ended",
  4410: "idle for too long; the command was ended",
};

/** How a session ended, for people. The page's sessions are not kept, so that a lost connection is the command's end. */
export function describeEnd(end: ConnectionEnd): string {
  switch (end.kind) {
    case "exit":
      return describeExit(end.exit);
    case "error":
      return `failed: ${end.message} (${end.code})`;
    case "lost":
      return closeCodes[end.closeCode] ?? "the connection was lost; the command was ended";
    case "detached":
    case "closed":
      return "closed";
  }
}

function describeExit(exit: Exit): string {
  switch (exit.outcome) {
    case "exited":
      return exit.signal === null ? `exited with code ${exit.exitCode}` : `ended by ${exit.signal} (code ${exit.exitCode})`;
    case "timeout":
      return "ended: timeout";
    case "killed":
      return endedBy[exit.endedBy ?? ""] ?? `ended: ${exit.endedBy ?? "killed"}`;
    case "lost":
      return "the target went away; how the command ended is not known";
  }
}
