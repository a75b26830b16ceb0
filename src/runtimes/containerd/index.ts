import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock, within } from "../../exec/clock.ts";
import type { Capabilities, ExecSpec, Process, Runtime, Target } from "../../exec/runtime.ts";
import { Entry } from "../container/entry.ts";
import { endRunning } from "../end-running.ts";
import { refuseUnpassable } from "../unpassable.ts";
import { Api } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { Containers, requireRunning } from "./containers.ts";
import { Exec } from "./exec.ts";
import { toRuntimeError, toStartError } from "./failure.ts";
import { FifoFolder, type Fifos } from "./fifos.ts";
import { Marks } from "./mark.ts";
import { MarkGuard } from "./mark-guard.ts";
import { endMarked } from "./marked-tree.ts";
import { execPrefix, startExec } from "./start.ts";

export interface ContainerdOptions {
  /** The name in the configuration. Default: `containerd` */
  readonly name?: string;
  /** The daemon's socket. Default: /run/containerd/containerd.sock */
  readonly socket?: string;
  /** The namespaces whose containers are targets. Default: default, k8s.io */
  readonly namespaces?: readonly string[];
  /** Where the FIFOs of commands are made: a directory that the daemon sees by the same path. Default: /run/execgate/fifo */
  readonly fifoDir?: string;
}

/** How long the end of what is left of execs is waited for at a close, milliseconds. */
const closeMsMax = 3000;

/** The containers of a containerd on this machine. It need not be there: what asks for it is told so until it is. */
export function createContainerdRuntime(options: ContainerdOptions = {}): Runtime {
  return new ContainerdRuntime(options);
}

class ContainerdRuntime implements Runtime {
  readonly name: string;
  readonly kind = "containerd";
  readonly capabilities: Capabilities = { tty: true, signal: true, user: true };
  readonly isolation = { termination: "verified" };
  readonly #api: Api;
  readonly #containers: Containers;
  readonly #fifos: FifoFolder;
  readonly #entry = new Entry();
  readonly #marks = new Marks();
  readonly #guard = new MarkGuard(this.#marks);
  readonly #running = new Set<Process>();
  readonly #closing = new AbortController();
  /** What goes on behind the answers: execs that are deleted, and the sweep. */
  readonly #leftovers = new Set<Promise<void>>();

  constructor(options: ContainerdOptions) {
    this.name = options.name ?? "containerd";
    this.#api = new Api(options.socket ?? "/run/containerd/containerd.sock");
    this.#containers = new Containers(this.name, this.#api, options.namespaces ?? ["default", "k8s.io"]);
    this.#fifos = new FifoFolder(options.fifoDir ?? "/run/execgate/fifo");
    void this.#leave(this.#sweep());
  }

  async targets(): Promise<readonly Target[]> {
    return await this.#containers.list();
  }

  async resolve(id: string): Promise<Target> {
    return await this.#containers.resolve(id);
  }

  async start(target: Target, spec: ExecSpec, signal: AbortSignal): Promise<Process> {
    signal.throwIfAborted();
    refuseUnpassable(spec);
    const found = await this.#containers.of(target);
    requireRunning(found);
    signal.throwIfAborted();
    this.#guard.watch();
    const entered = this.#entry.expect();
    try {
      return await startExec(
        {
          api: this.#api,
          fifos: this.#fifos,
          marks: this.#marks,
          discard: (exec, fifos) => this.#leave(this.#discard(exec, fifos)),
          running: this.#running,
        },
        found,
        spec,
        signal,
      );
    } catch (cause) {
      throw signal.aborted ? cause : await this.#explain(cause, target, spec);
    } finally {
      entered();
    }
  }

  async ping(signal: AbortSignal): Promise<void> {
    try {
      await this.#api.call("version.v1.Version/Version", "", {}, { signal });
    } catch (cause) {
      throw toRuntimeError(cause);
    }
  }

  async close(): Promise<void> {
    await endRunning(this.#running);
    await within(systemClock, closeMsMax, Promise.all(this.#leftovers));
    this.#closing.abort();
    await Promise.all(this.#leftovers);
    this.#guard.close();
    this.#fifos.close();
    this.#containers.close();
    this.#api.close();
  }

  /** Why a start failed: the container may have changed meanwhile, which the messages of its parts do not say. */
  async #explain(cause: unknown, target: Target, spec: ExecSpec): Promise<unknown> {
    if (!(cause instanceof ApiError) || cause.isLate) return toRuntimeError(cause);
    const refusal = toStartError(cause, spec.command[0] ?? "the login shell", spec.cwd ?? "");
    try {
      requireRunning(await this.#containers.now(target));
    } catch (changed) {
      return changed;
    }
    return refusal ?? toRuntimeError(cause);
  }

  /** Behind the answer, which does not wait for it. */
  async #discard(exec: Exec, fifos: Fifos): Promise<void> {
    await nextTurn();
    if (await exec.delete(this.#closing.signal)) fifos.remove();
  }

  /** Ends what gateways that are gone have left running. */
  async #sweep(): Promise<void> {
    await this.#fifos.sweep(async (exec) => {
      const mark = Number(exec.execId.slice(execPrefix.length));
      await endMarked((found) => found === mark);
      return await new Exec(this.#api, exec).delete(this.#closing.signal);
    });
  }

  /** Settles when it is done; what fails is left to the next gateway's sweep. */
  #leave(work: Promise<void>): Promise<void> {
    const done = work.catch(() => undefined).finally(() => this.#leftovers.delete(done));
    this.#leftovers.add(done);
    return done;
  }
}
