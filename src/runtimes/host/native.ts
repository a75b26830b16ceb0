import { createRequire } from "node:module";

/** What `spawn` needs to know. Every string is free of NUL; `files` are tried in order, as the target user. */
export interface SpawnOptions {
  readonly files: readonly string[];
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  /** Entered first; `/` stands in for it, and for the first entry of `envp` when `homeInEnv`, if that fails. */
  readonly home: string;
  readonly homeInEnv: boolean;
  readonly cwd: string | undefined;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly changeUser: boolean;
  readonly noNewPrivileges: boolean;
  /** The soft limit of open files; the hard one stays. */
  readonly nofileSoft: number;
  /** The slave of a terminal, or -1 for pipes. */
  readonly tty: number;
  /** False makes /dev/null the standard input. */
  readonly stdin: boolean;
}

export type SpawnStage = "options" | "pipe" | "clone" | "descriptors" | "terminal" | "limits" | "user" | "cwd" | "exec" | "interpreter";

export interface SpawnFailure {
  readonly errno: number;
  readonly stage: SpawnStage;
}

/** The gateway's ends are non-blocking and close-on-exec; -1 where there is none. */
export interface Spawned {
  readonly pid: number;
  readonly pidfd: number;
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

/** What a descriptor is waited for. */
export const READABLE = 1;
export const WRITABLE = 2;

/** Calls back once for each event that it was armed for; a broken descriptor counts as ready. */
interface Poll {
  arm(events: number): void;
  disarm(events: number): void;
  close(): void;
}

/** The addon. What gives a number gives a negative errno when it fails; nothing but the constructor throws. */
interface Native {
  spawn(options: SpawnOptions): Spawned | SpawnFailure;
  exitOf(pidfd: number): { readonly code: number | null; readonly signal: number | null } | number | undefined;
  reap(pidfd: number): void;
  /** `isYoung`: so few processes can have been started since the leader that their numbers have not come round. */
  membersOf(session: number, isYoung: boolean): readonly number[] | number;
  readonly Poll: new (fd: number, callback: (events: number) => void) => Poll;
  read(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  write(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  available(fd: number): number;
  close(fd: number): number;
  closeOnExec(fd: number): number;
}

export type { Poll };

/** It is compiled on Linux only; elsewhere the fallback, which uses nothing of it, takes its place. */
export const native: Native = process.platform === "linux" ? load() : ({} as Native);

/** The addon is built beside its source, which is four folders above the compiled module. */
function load(): Native {
  const path = new URL("../../../../src/runtimes/host/native/build/Release/spawn.node", import.meta.url).pathname;
  return createRequire(import.meta.url)(decodeURIComponent(path)) as Native;
}
