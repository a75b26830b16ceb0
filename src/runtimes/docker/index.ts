import type { Capabilities, ExecSpec, Process, Runtime, Target } from "../../exec/runtime.ts";
import { ContainerCgroups } from "../container/cgroup.ts";
import { endRunning } from "../end-running.ts";
import { refuseUnpassable } from "../unpassable.ts";
import { type Container, inspectContainer, listContainers, notRunning } from "./containers.ts";
import { Engine, type EngineAddress, type TlsPaths } from "./engine.ts";
import { startExec } from "./start.ts";

export interface DockerOptions {
  /** The path of the daemon's socket. Default: /var/run/docker.sock */
  readonly socket?: string | undefined;
  /** `tcp://host:port` in its place. */
  readonly host?: string | undefined;
  /** The files of TLS, with `host`. */
  readonly tls?: TlsPaths | undefined;
}

/** How long what was found out about a container is good for the start that follows, milliseconds. */
const freshMs = 1000;

/**
 * The runtime of containers behind a daemon that speaks the Engine API: docker, or podman's service.
 * @param cgroups how processes are held that run on this machine. Default: by what is here
 */
export function createDockerRuntime(name: string, options: DockerOptions = {}, cgroups = new ContainerCgroups()): Runtime {
  return new DockerRuntime(name, options, cgroups);
}

class DockerRuntime implements Runtime {
  readonly name: string;
  readonly kind = "docker";
  readonly capabilities: Capabilities = { tty: true, signal: true, user: true };
  readonly isolation: Readonly<Record<string, string>>;
  readonly #engine: Engine;
  readonly #cgroups: ContainerCgroups;
  readonly #running = new Set<Process>();
  /** What was found out when a target was resolved. */
  readonly #found = new WeakMap<Target, { readonly container: Container; readonly atMs: number }>();

  constructor(name: string, options: DockerOptions, cgroups: ContainerCgroups) {
    this.name = name;
    this.#cgroups = cgroups;
    this.#engine = new Engine(addressOf(options));
    this.isolation = { termination: this.#cgroups.isThere && options.host === undefined ? "cgroup" : "bestEffort" };
  }

  async targets(): Promise<readonly Target[]> {
    return await listContainers(this.#engine, this.name);
  }

  async resolve(id: string): Promise<Target> {
    const container = await inspectContainer(this.#engine, id.slice(this.name.length + 1), id);
    const { name, id: immutableId, state, labels } = container;
    const target = Object.freeze({ id: `${this.name}:${name}`, runtime: this.name, name, immutableId, state, labels });
    this.#found.set(target, { container, atMs: performance.now() });
    return target;
  }

  async start(target: Target, spec: ExecSpec, signal: AbortSignal): Promise<Process> {
    signal.throwIfAborted();
    refuseUnpassable(spec);
    const container = await this.#look(target);
    if (container.state !== "running") throw notRunning(target.id, container.state);
    const place = { engine: this.#engine, cgroups: this.#cgroups, id: target.id, container, running: this.#running };
    return await startExec(place, spec, signal);
  }

  async ping(signal: AbortSignal): Promise<void> {
    await this.#engine.ping(signal);
  }

  async close(): Promise<void> {
    await endRunning(this.#running);
    this.#cgroups.close();
    this.#engine.close();
  }

  /** By its immutable id, so that what was authorized is what is used. */
  async #look(target: Target): Promise<Container> {
    const found = this.#found.get(target);
    if (found !== undefined && performance.now() - found.atMs < freshMs) return found.container;
    return await inspectContainer(this.#engine, target.immutableId, target.id);
  }
}

function addressOf({ socket, host, tls }: DockerOptions): EngineAddress {
  if (host === undefined) return { socket: socket ?? "/var/run/docker.sock" };
  const { hostname, port } = new URL(host);
  return { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (tls ? 2376 : 2375)), tls };
}
