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

/** What is said of the connection is not said of the command, which may go on without it. */
const closeCodes: Readonly<Record<number, string>> = {
  1001: "the gateway is shutting down",
  4401: "the token or the link has ended or was revoked",
  4403: "no longer allowed",
  4408: "the output was not read fast enough",
  4409: "taken over by another page",
  4410: "idle for too long",
};

/** A session that was lost with the gateway, or that was not waited for any longer. */
const errors: Readonly<Record<string, string>> = {
  SESSION_NOT_FOUND: "the session is no more: the gateway was started anew, or it ended too long ago",
  UNAUTHENTICATED: "the token or the link has ended or was revoked",
};

const commandLengthMax = 200;

/** A command as a line to know it by; the whole of it may be 128 KiB. */
export function describeCommand(command: readonly string[]): string {
  const text = command.length === 0 ? "login shell" : command.join(" ");
  return text.length > commandLengthMax ? `${text.slice(0, commandLengthMax)}…` : text;
}

/** What is said of runtimes that cannot be asked. */
export function describeUnavailable(names: readonly string[]): string {
  return `${names.join(", ")} cannot be asked: what is there is not listed.`;
}

/** How a session ended, as far as the page knows, for people. */
export function describeEnd(end: ConnectionEnd): string {
  switch (end.kind) {
    case "exit":
      return describeExit(end.exit);
    case "error":
      return errors[end.code] ?? `failed: ${end.message} (${end.code})`;
    case "lost":
      return closeCodes[end.closeCode] ?? "the connection was lost";
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
