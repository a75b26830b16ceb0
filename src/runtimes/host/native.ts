import { addon, builtPath, type DescriptorAddon } from "../descriptor/native.ts";

/** What to start, as whom, on which streams. Every string is free of NUL; `files` are tried in order, as the target user. */
export interface Launch {
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
  /** The slave of a terminal, or -1 for pipes. */
  readonly tty: number;
  /** False makes /dev/null the standard input. */
  readonly stdin: boolean;
}

/** What the started process is kept from. */
export interface Bounds {
  readonly noNewPrivileges: boolean;
  /** False for what is to outlive the gateway. */
  readonly diesWithGateway: boolean;
  /** Limits, 0 leaves as it is: open files, soft and hard; processes of the user. */
  readonly openFilesSoft: number;
  readonly openFilesMax: number;
  readonly processesMax: number;
  /** The path of the supervisor that is to stand over the command, or undefined for none. */
  readonly supervisor: string | undefined;
}

/** The directory of the control group of version 2 that a command is born in; those of version 1 are the calling thread's. */
export type Birthplace = string | undefined;

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

/** A thread that starts processes one after the other; the constructor throws when there can be no further one. */
interface LauncherThread {
  readonly tid: number;
  spawn(launch: Launch, bounds: Bounds, birthplace: Birthplace, callback: (result: Spawned | SpawnFailure) => void): void;
  /** Waits for what it is at; what was to die with the gateway dies with it. */
  close(): void;
}

/** What the addon can do for this runtime alone. What gives a number gives a negative errno when it fails; nothing else throws. */
interface Native extends DescriptorAddon {
  /** Starts a process in this thread, which stands still until that runs. */
  spawn(launch: Launch, bounds: Bounds, birthplace: Birthplace): Spawned | SpawnFailure;
  /** `isConfined`: of commands that can never regain what they give up, and of no others. */
  readonly Launcher: new (
    isConfined: boolean,
  ) => LauncherThread;
  /** What a file of the kernel's says in a few words, up to 256 bytes; undefined when it cannot be read. */
  readWords(path: string): string | undefined;
  exitOf(pidfd: number): { readonly code: number | null; readonly signal: number | null } | number | undefined;
  signal(pidfd: number, signal: number): void;
  reap(pidfd: number): void;
  foregroundGroup(master: number): number;
}

export const native = addon as Native;

/** The program of native/supervisor.c. */
export const supervisorPath = builtPath("supervisor");
