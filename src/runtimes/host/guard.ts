import { Descriptor } from "../descriptor/descriptor.ts";
import { type Bounds, type Launch, native, supervisorPath } from "./native.ts";

/** How soon a guard that was ended is followed by another, at most, milliseconds. */
const restartMs = 1000;

/** It outlives the gateway, and gains nothing that the gateway does not have. */
const bounds: Bounds = {
  noNewPrivileges: true,
  diesWithGateway: false,
  openFilesSoft: 0,
  openFilesMax: 0,
  processesMax: 0,
  supervisor: undefined,
};

/**
 * A process beside the gateway that outlives it: when the gateway is gone, in whichever way, it ends and removes the control groups below
 * `directories`. It runs as the gateway's user, whom no command can end.
 */
export class Guard {
  readonly #directories: readonly string[];
  /** The pipe whose end tells the guard that the gateway is gone. */
  #lifeline: number | undefined;
  #process: Descriptor | undefined;
  #closed = false;

  /** @throws Error when it cannot be started */
  constructor(directories: readonly string[]) {
    this.#directories = directories;
    this.#start();
  }

  /** Lets the guard do its work now. */
  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #start(): void {
    const launch: Launch = {
      files: [supervisorPath],
      argv: ["execgate-guard", "guard", ...this.#directories],
      envp: [],
      home: "/",
      homeInEnv: false,
      cwd: undefined,
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
      groups: [],
      changeUser: false,
      tty: -1,
      stdin: true,
    };
    const spawned = native.spawn(launch, bounds, undefined);
    if (!("pid" in spawned))
      throw new Error(`the guard of the control groups cannot be started (${spawned.stage}, errno ${spawned.errno})`);
    native.close(spawned.stdout);
    native.close(spawned.stderr);
    this.#lifeline = spawned.stdin;
    this.#process = new Descriptor(spawned.pidfd);
    this.#process.whenReadable(() => this.#ended());
    this.#process.unref();
  }

  #ended(): void {
    const { fd } = this.#process ?? {};
    if (fd !== undefined) native.reap(fd);
    this.#process?.close();
    this.#drop();
    this.#startAgain();
  }

  #startAgain(): void {
    const start = (): void => {
      if (this.#closed) return;
      try {
        this.#start();
      } catch {
        this.#startAgain();
      }
    };
    setTimeout(start, restartMs).unref();
  }

  #drop(): void {
    if (this.#lifeline !== undefined) native.close(this.#lifeline);
    this.#lifeline = undefined;
  }
}
