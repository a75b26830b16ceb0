/**
 * What a runtime is: the place where commands run, seen from the core. A runtime knows nothing of clients, limits or
 * timeouts; the core knows nothing of descriptors, sockets or daemons.
 */

export type StreamName = "stdout" | "stderr";

/** A piece of output. The bytes belong to the receiver: the runtime does not touch them again. */
export interface Chunk {
  readonly stream: StreamName;
  readonly bytes: Buffer;
}

/** A terminal's size in character cells, each side 1 to 65535. */
export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** What the process itself said at its end: `code` is 128 + n when signal n, named in `signal`, ended it. */
export interface Exit {
  readonly code: number;
  readonly signal: Signal | null;
}

export const signals = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGKILL",
  "SIGUSR1",
  "SIGSEGV",
  "SIGUSR2",
  "SIGPIPE",
  "SIGALRM",
  "SIGTERM",
  "SIGSTKFLT",
  "SIGCHLD",
  "SIGCONT",
  "SIGSTOP",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGURG",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGPROF",
  "SIGWINCH",
  "SIGIO",
  "SIGPWR",
  "SIGSYS",
] as const;

export type Signal = (typeof signals)[number];

/** `verified`: every descendant is known to be gone. `bestEffort`: what could be reached was killed. */
export type Termination = "verified" | "bestEffort";

/** What is to run. Frozen when it is made: what was authorized is the very object that is started. */
export interface ExecSpec {
  /** argv; empty means the target's login shell. Never given to a shell. */
  readonly command: readonly string[];
  /** Added to the target's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** An absolute path; the target's own default when undefined. */
  readonly cwd: string | undefined;
  readonly user: string | undefined;
  /** The terminal's first size, or undefined for pipes. */
  readonly tty: Size | undefined;
  /** False when stdin is to be at its end from the start. */
  readonly stdin: boolean;
}

export type Labels = Readonly<Record<string, string>>;

export interface Target {
  /** As a client writes it: `RUNTIME:NAME`, or `host`. */
  readonly id: string;
  readonly runtime: string;
  readonly name: string;
  /** The identity that never moves to another thing, such as a container's full id. */
  readonly immutableId: string;
  readonly state: string;
  /** Undefined where the runtime was not asked for them. */
  readonly labels: Labels | undefined;
}

/** The output of a process, pulled: a runtime reads from its source only when `next` is waited for. */
export interface OutputSource {
  /** The next piece, or undefined when the streams have ended or, after `cut`, when what had arrived is delivered. One call at a time. */
  next(): Promise<Chunk | undefined>;
  /** Ends the output after the bytes that have arrived by now, although somebody may still hold the streams. */
  cut(): void;
  /** True once every stream was seen to end by itself; false when `cut` ended the output. */
  readonly complete: boolean;
}

export interface Process {
  readonly output: OutputSource;
  /** Settles when the command itself ends. A non-zero exit is no rejection; a rejection means that the exit will never be known. */
  readonly exit: Promise<Exit>;
  /** Resolves when the bytes are accepted; at once, and to no effect, when nobody can read them any more. Calls are served in order. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends stdin behind what was written: half-close on pipes, the end-of-file character on a tty. */
  endInput(): Promise<void>;
  /** Sets the terminal's size; harmless without one. */
  resize(size: Size): Promise<void>;
  /** To the foreground process group on a tty, else to the command's own group. Harmless after the end. */
  signal(name: Signal): Promise<void>;
  /** Kills the whole tree. Idempotent, harmless after exit. */
  terminate(): Promise<Termination>;
  /** Gives up what is held for the process, descendants left alone. Called once, last, after `exit` settled. */
  release(): void;
}

export interface Capabilities {
  readonly tty: boolean;
  readonly signal: boolean;
  readonly user: boolean;
}

export interface Runtime {
  /** The name in the configuration, which is the first part of target ids. */
  readonly name: string;
  readonly kind: string;
  readonly capabilities: Capabilities;
  /** What the runtime promises on this machine, for `/readyz` and the log; keys and values are short words. */
  readonly isolation: Readonly<Record<string, string>>;
  targets(): Promise<readonly Target[]>;
  /** Name → immutable target. @throws TARGET_NOT_FOUND, TARGET_NOT_RUNNING, TARGET_AMBIGUOUS, RUNTIME_UNAVAILABLE */
  resolve(id: string): Promise<Target>;
  /**
   * Starts `spec`. When `signal` aborts before the command was let run, what was begun is undone and the promise rejects. A
   * command that runs by then, or of which nobody knows whether it does, is given back all the same: nobody is to hear that it
   * never ran.
   * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, CWD_NOT_FOUND, USER_NOT_FOUND, NOT_SUPPORTED, OVERLOADED, RUNTIME_UNAVAILABLE
   */
  start(target: Target, spec: ExecSpec, signal: AbortSignal): Promise<Process>;
  /** Settles when the runtime answers. @throws RUNTIME_UNAVAILABLE */
  ping(signal: AbortSignal): Promise<void>;
  /** Ends everything that the runtime still has running and lets go of it. */
  close(): Promise<void>;
}
