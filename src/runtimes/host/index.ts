import { ExecgateError } from "../../errors.ts";
import type { Capabilities, ExecSpec, Process, Runtime, Target } from "../../exec/runtime.ts";
import { type Account, Accounts } from "./account.ts";
import type { TreeLimits } from "./command-cgroup.ts";
import type { DynamicRange } from "./dynamic-users.ts";
import { startFallback } from "./fallback.ts";
import { Isolation } from "./isolation.ts";
import { startProcess } from "./start.ts";
import { loadTerminals } from "./tty.ts";

export interface HostOptions {
  /** The name in the configuration. Default: `host` */
  readonly name?: string;
  /** Who commands run as. Default: nobody when the gateway is root, else its own user. */
  readonly user?: string | undefined;
  /** Where the users are taken from when `user` is `dynamic`. Default: 10 000 ids from 1 900 000 000 on */
  readonly dynamicUsers?: DynamicRange;
  /** Other users that a request may name. Default: none */
  readonly usersAllowed?: readonly string[] | undefined;
  /** Default: true; false lets sudo and other set-user-ID programs work. */
  readonly noNewPrivileges?: boolean;
  /** What each command and all that it brings forth may use. Default: 0, no limit, but 512 processes */
  readonly limits?: Partial<HostLimits> | undefined;
}

/** Limits of one command with everything that it brings forth; 0 is no limit. */
export interface HostLimits extends TreeLimits {
  /** Files that each process may have open. */
  readonly openFilesMax: number;
}

/** The runtime of the machine that the gateway runs on. */
export function createHostRuntime(options: HostOptions = {}): Runtime {
  return new HostRuntime(options);
}

class HostRuntime implements Runtime {
  readonly name: string;
  readonly kind = "host";
  readonly capabilities: Capabilities;
  readonly isolation: Readonly<Record<string, string>>;
  readonly #accounts: Accounts;
  readonly #isolation: Isolation | undefined;
  readonly #target: Target;
  readonly #running = new Set<Process>();
  #starting = 0;

  constructor(options: HostOptions) {
    const isRoot = process.getuid?.() === 0;
    this.name = options.name ?? "host";
    this.#accounts = new Accounts({
      user: options.user,
      usersAllowed: options.usersAllowed ?? [],
      dynamicUsers: options.dynamicUsers ?? { first: 1_900_000_000, last: 1_900_009_999 },
    });
    const noNewPrivileges = options.noNewPrivileges ?? true;
    const limits: HostLimits = { processesMax: 512, memoryBytesMax: 0, cpusMax: 0, openFilesMax: 0, ...options.limits };
    this.#isolation = process.platform === "linux" ? new Isolation({ noNewPrivileges, ...limits }) : undefined;
    this.#target = Object.freeze({
      id: this.name,
      runtime: this.name,
      name: this.name,
      immutableId: this.name,
      state: "running",
      labels: {},
    });
    this.capabilities = { tty: true, signal: true, user: isRoot };
    this.isolation = {
      user: options.user ?? (isRoot ? "nobody" : "own"),
      noNewPrivileges: noNewPrivileges ? "yes" : "no",
      ...(this.#isolation?.facts ?? { termination: "bestEffort" }),
    };
    loadTerminals();
  }

  async targets(): Promise<readonly Target[]> {
    return [this.#target];
  }

  async resolve(id: string): Promise<Target> {
    if (id === this.#target.id) return this.#target;
    throw new ExecgateError("TARGET_NOT_FOUND", `There is no target ${JSON.stringify(id)}; the host is ${JSON.stringify(this.name)}.`);
  }

  async start(_target: Target, spec: ExecSpec, signal: AbortSignal): Promise<Process> {
    signal.throwIfAborted();
    const account = await this.#accounts.find(spec.user);
    const started = await this.#startUnlessAborted(account, spec, signal);
    this.#running.add(started);
    return started;
  }

  async #startUnlessAborted(account: Account, spec: ExecSpec, signal: AbortSignal): Promise<Process> {
    this.#starting++;
    try {
      signal.throwIfAborted();
      return await this.#startAs(account, spec, signal);
    } catch (error) {
      this.#accounts.giveBack(account);
      throw error;
    } finally {
      this.#starting--;
    }
  }

  /** The host answers as long as there is somebody to run commands as. @throws USER_NOT_FOUND, NOT_SUPPORTED */
  async ping(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#accounts.check();
  }

  #startAs(account: Account, spec: ExecSpec, signal: AbortSignal): Promise<Process> {
    const forget = (released: Process, isTreeGone: boolean): void => {
      this.#running.delete(released);
      // Who still runs keeps its user.
      if (isTreeGone) this.#accounts.giveBack(account);
    };
    const others = this.#running.size + this.#starting - 1;
    if (this.#isolation) return startProcess(account, spec, this.#isolation, others, signal, forget);
    return startFallback(account, spec, (released) => forget(released, true));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map(endAndRelease));
    this.#isolation?.close();
  }
}

async function endAndRelease(running: Process): Promise<void> {
  await running.terminate();
  await running.exit.catch(() => {});
  running.release();
}
