import { ExecgateError } from "../../errors.ts";
import type { Capabilities, ExecSpec, Process, Runtime, Target } from "../../exec/runtime.ts";
import { endRunning } from "../end-running.ts";
import { refuseUnpassable } from "../unpassable.ts";
import type { WatchOptions } from "./bounded-watch.ts";
import type { Cluster, ClusterOptions } from "./cluster.ts";
import { Container } from "./container.ts";
import type { StreamOptions } from "./exec-stream.ts";
import { NoShell } from "./pass-gate.ts";
import type { Pods } from "./pods.ts";
import { Shellless } from "./shellless.ts";
import { startGated } from "./start.ts";
import { startUngated } from "./ungated.ts";

export interface KubernetesOptions extends ClusterOptions, Partial<StreamOptions>, Partial<WatchOptions> {
  /** Whose pods are targets; `*` for all. Default: the namespace of the context, or of the gateway's own pod */
  readonly namespaces: readonly string[];
}

/** The runtime of a cluster's pods. The kubeconfig is read when it is first needed, and again while it cannot be used. */
export function createKubernetesRuntime(name: string, options: KubernetesOptions): Runtime {
  return new KubernetesRuntime(name, options);
}

/** The cluster, and what is known of its pods. */
interface Opened {
  readonly cluster: Cluster;
  readonly pods: Pods;
}

class KubernetesRuntime implements Runtime {
  readonly name: string;
  readonly kind = "kubernetes";
  readonly capabilities: Capabilities = { tty: true, signal: true, user: false };
  readonly isolation: Readonly<Record<string, string>> = { termination: "bestEffort" };
  readonly #options: KubernetesOptions;
  readonly #stream: StreamOptions;
  #opened: Promise<Opened> | undefined;
  readonly #running = new Set<Process>();
  readonly #shellless = new Shellless();

  constructor(name: string, options: KubernetesOptions) {
    this.name = name;
    this.#options = options;
    this.#stream = { pingMs: options.pingMs ?? 10_000 };
  }

  async targets(): Promise<readonly Target[]> {
    return (await this.#open()).pods.list();
  }

  async resolve(id: string): Promise<Target> {
    return (await this.#open()).pods.resolve(id);
  }

  async start(target: Target, spec: ExecSpec, signal: AbortSignal): Promise<Process> {
    signal.throwIfAborted();
    refuseUnpassable(spec);
    refuseUnsaid(spec);
    const { cluster, pods } = await this.#open();
    const container = new Container(target, cluster, this.#stream);
    const verify = (unlessAborted: AbortSignal): Promise<void> => pods.verify(target, unlessAborted);
    const forget = (released: Process): void => {
      this.#running.delete(released);
    };
    try {
      const running = await this.#start(container, spec, verify, signal, forget);
      this.#running.add(running);
      return running;
    } catch (error) {
      signal.throwIfAborted();
      // Of a pod that is gone, or does not run, that is the reason, whatever the stream's words for it are.
      if (error instanceof ExecgateError && refusedByServer.has(error.code)) await verify(signal);
      throw error;
    }
  }

  async ping(signal: AbortSignal): Promise<void> {
    await (await this.#open()).pods.ping(signal);
  }

  async close(): Promise<void> {
    await endRunning(this.#running);
    const opened = await this.#opened?.catch(() => undefined);
    opened?.pods.close();
    opened?.cluster.close();
  }

  #open(): Promise<Opened> {
    this.#opened ??= open(this.name, this.#options).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #start(...[container, spec, verify, signal, forget]: Parameters<typeof startGated>): Promise<Process> {
    const id = container.target.immutableId;
    let seen = this.#shellless.get(id);
    if (seen === undefined) {
      try {
        return await startGated(container, spec, verify, signal, forget);
      } catch (error) {
        if (!(error instanceof NoShell)) throw error;
        seen = { canEndInput: error.canEndInput };
        this.#shellless.add(id, seen);
      }
    }
    return await startUngated(container, seen, spec, verify, signal, forget);
  }
}

/** What uses the library is loaded here and not before, because it takes a quarter of a second and 80 MB. */
async function open(name: string, options: KubernetesOptions): Promise<Opened> {
  const [{ openCluster }, { Pods }] = await Promise.all([import("./cluster.ts"), import("./pods.ts")]);
  const cluster = openCluster(options);
  const watch = { watchMs: options.watchMs ?? 60_000, watchPauseMs: options.watchPauseMs ?? 1000 };
  return { cluster, pods: new Pods(name, cluster, options.namespaces, watch) };
}

const refusedByServer: ReadonlySet<string> = new Set(["TARGET_NOT_FOUND", "RUNTIME_UNAVAILABLE"]);

/** @throws NOT_SUPPORTED for what an exec in a pod cannot be told */
function refuseUnsaid({ user, env }: ExecSpec): void {
  if (user !== undefined) {
    throw new ExecgateError("NOT_SUPPORTED", "user: Kubernetes runs commands as the container's own user.", { field: "user" });
  }
  const unsettable = Object.keys(env).find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (unsettable !== undefined) {
    throw new ExecgateError("NOT_SUPPORTED", `env: a shell cannot set ${JSON.stringify(unsettable)}.`, { field: "env" });
  }
}
