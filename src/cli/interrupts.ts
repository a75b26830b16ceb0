import { constants } from "node:os";
import type { Connection } from "../client/connection.ts";
import type { ClientIo } from "./io.ts";

/** Signals to the client, as far as they have ended it. */
export interface Interrupts {
  /** 128 + n when signal n made the client give up, else undefined. */
  readonly status: () => number | undefined;
  stop(): void;
}

const names = ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP"] as const;

/**
 * For what has no command of the caller's to pass a signal on to: at the first one `signal` is aborted, so that nothing is left
 * behind; a second ends the client at once.
 */
export function abortAtInterrupt({ signals }: ClientIo): Interrupts & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  let status: number | undefined;
  const listen = (name: (typeof names)[number]): void => {
    status = 128 + constants.signals[name];
    stop();
    controller.abort();
  };
  const stop = (): void => {
    for (const name of names) signals.off(name, listen);
  };
  for (const name of names) signals.on(name, listen);
  return { signal: controller.signal, status: () => status, stop };
}

/**
 * Passes the first SIGINT, SIGTERM or SIGQUIT on to the command, whose end is then awaited; at a second one, before there
 * is a command, and at SIGHUP, which says that nobody is there any more, `leave` is called.
 */
export function passInterrupts(io: ClientIo, connection: Connection, isOpen: () => boolean, leave: () => void): Interrupts {
  let status: number | undefined;
  let wasPassed = false;
  const listen = (name: (typeof names)[number]): void => {
    if (!wasPassed && name !== "SIGHUP" && isOpen()) {
      wasPassed = true;
      connection.signal(name);
      return;
    }
    status ??= 128 + constants.signals[name];
    leave();
  };
  for (const name of names) io.signals.on(name, listen);
  return {
    status: () => status,
    stop: () => {
      for (const name of names) io.signals.off(name, listen);
    },
  };
}
