import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

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
  /** False for what is to outlive the gateway. */
  readonly diesWithGateway: boolean;
  /** Limits, 0 leaves as it is: open files, soft and hard; processes of the user. */
  readonly openFilesSoft: number;
  readonly openFilesMax: number;
  readonly processesMax: number;
  /** The cgroup.procs files by which the command enters its control groups. */
  readonly cgroups: readonly string[];
  /** The path of the supervisor that is to stand over the command, or undefined for none. */
  readonly supervisor: string | undefined;
  /** The slave of a terminal, or -1 for pipes. */
  readonly tty: number;
  /** False makes /dev/null the standard input. */
  readonly stdin: boolean;
}

export type SpawnStage =
  | "options"
  | "pipe"
  | "clone"
  | "descriptors"
  | "terminal"
  | "cgroup"
  | "limits"
  | "user"
  | "cwd"
  | "exec"
  | "interpreter"
  | "supervisor";

export interface SpawnFailure {
  readonly errno: number;
  readonly stage: SpawnStage;
}

/** The gateway's ends are non-blocking and close-on-exec; -1 where there is none. */
export interface Spawned {
  readonly pid: number;
  /** Of the command, or of its supervisor where there is one: it is the gateway's child, which has to be waited for. */
  readonly pidfd: number;
  /** Where the supervisor reports and takes orders. */
  readonly control: number;
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
  /** Does not keep the process from ending. */
  unref(): void;
  close(): void;
}

/** The addon. What gives a number gives a negative errno when it fails; nothing but the constructor throws. */
interface Native {
  spawn(options: SpawnOptions): Spawned | SpawnFailure;
  exitOf(pidfd: number): { readonly code: number | null; readonly signal: number | null } | number | undefined;
  signal(pidfd: number, signal: number): void;
  reap(pidfd: number): void;
  foregroundGroup(master: number): number;
  /** A descriptor that holds the lock of a directory; `wait`: until whoever has it lets go. */
  lock(directory: string, wait: boolean): number;
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

/** The program of native/supervisor.c. */
export const supervisorPath = builtPath("supervisor");

function load(): Native {
  return createRequire(import.meta.url)(builtPath("spawn.node")) as Native;
}

/** What is compiled lies beside its source, which is four folders above the compiled module. */
function builtPath(name: string): string {
  return fileURLToPath(new URL(`../../../../src/runtimes/host/native/build/Release/${name}`, import.meta.url));
}
