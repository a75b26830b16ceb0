import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { ExecgateError } from "../../errors.ts";
import type { Chunk, ExecSpec, Exit, OutputSource, Process, Signal, Size, StreamName, Termination } from "../../exec/runtime.ts";
import { sendSignal, signalName } from "../signals.ts";
import { refuseUnpassable } from "../unpassable.ts";
import type { Account } from "./account.ts";
import { environment } from "./environment.ts";

/**
 * Starts a command where the addon is not built: for development on other systems, over pipes only, as the gateway's own
 * user, with none of the guarantees that the host runtime gives on Linux.
 * @throws NOT_SUPPORTED for a terminal; COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, OVERLOADED
 */
export async function startFallback(account: Account, spec: ExecSpec, onRelease: (released: Process) => void): Promise<Process> {
  if (spec.tty)
    throw new ExecgateError("NOT_SUPPORTED", "On this system the host runs commands without a terminal only.", { field: "tty" });
  refuseUnpassable(spec);
  const [file = account.shell, ...args] = spec.command;
  const env = Object.fromEntries(
    environment(account, false, spec.env).map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
  const child = spawn(file, args, {
    argv0: spec.command[0] ?? basename(account.shell),
    cwd: spec.cwd ?? account.home,
    env,
    detached: true,
    stdio: [spec.stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  try {
    await once(child, "spawn");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw new ExecgateError("COMMAND_NOT_FOUND", `${JSON.stringify(file)} was not found.`, { field: "command" }, { cause });
    if (code === "EAGAIN" || code === "EMFILE")
      throw new ExecgateError("OVERLOADED", "The host has no room for another command now.", {}, { cause });
    throw new ExecgateError("COMMAND_NOT_EXECUTABLE", `${JSON.stringify(file)} cannot be executed.`, { field: "command" }, { cause });
  }
  return new FallbackProcess(child, onRelease);
}

class FallbackProcess implements Process {
  readonly output: OutputSource;
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #onRelease: (released: Process) => void;

  constructor(child: ChildProcess, onRelease: (released: Process) => void) {
    this.#child = child;
    this.#onRelease = onRelease;
    this.output = new StreamSource(child);
    child.stdin?.on("error", () => {});
    this.exit = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        const number = signal ? constants.signals[signal] : 0;
        resolve({ code: code ?? 128 + number, signal: signalName(number) });
      });
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.stdin?.writable) this.#child.stdin.write(bytes, () => resolve());
      else resolve();
    });
  }

  async endInput(): Promise<void> {
    this.#child.stdin?.end();
  }

  async resize(_size: Size): Promise<void> {}

  async signal(name: Signal): Promise<void> {
    if (this.#child.pid !== undefined) sendSignal(-this.#child.pid, name);
  }

  async terminate(): Promise<Termination> {
    await this.signal("SIGKILL");
    return "bestEffort";
  }

  release(): void {
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#onRelease(this);
  }
}

/** Both streams by `read`, which takes what has arrived: a stream that nobody reads from stops at its high-water mark. */
class StreamSource implements OutputSource {
  #streams: (readonly [StreamName, Readable])[] = [];
  #complete = true;
  #wake: (() => void) | undefined;

  constructor({ stdout, stderr }: ChildProcess) {
    if (stdout) this.#streams.push(["stdout", stdout]);
    if (stderr) this.#streams.push(["stderr", stderr]);
    for (const [, stream] of this.#streams)
      for (const event of ["readable", "end", "close", "error"]) stream.on(event, () => this.#wake?.());
  }

  get complete(): boolean {
    return this.#complete && this.#streams.length === 0;
  }

  async next(): Promise<Chunk | undefined> {
    for (;;) {
      for (const [name, stream] of this.#streams) {
        const bytes = stream.read() as Buffer | null;
        if (bytes) return { stream: name, bytes };
      }
      this.#streams = this.#streams.filter(([, stream]) => !stream.readableEnded && !stream.destroyed);
      if (this.#streams.length === 0) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  cut(): void {
    this.#complete = this.#streams.every(([, stream]) => stream.readableEnded);
    for (const [, stream] of this.#streams) stream.destroy();
  }
}
