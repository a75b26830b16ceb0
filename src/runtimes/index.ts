import type { Runtime } from "../exec/runtime.ts";
import type { ContainerdOptions } from "./containerd/index.ts";
import { createDockerRuntime, type DockerOptions } from "./docker/index.ts";
import { createHostRuntime, type HostOptions } from "./host/index.ts";
import { createKubernetesRuntime, type KubernetesOptions } from "./kubernetes/index.ts";

/** What a session may use, 0 is no limit. */
export interface RuntimeLimits {
  readonly processesPerSessionMax: number;
  readonly memoryBytesPerSessionMax: number;
  readonly cpusPerSessionMax: number;
  readonly openFilesPerSessionMax: number;
}

/** How a runtime of each kind is made. None of them waits for a daemon: one that is away is back when it is back. */
const factories = {
  host: (name: string, options: Omit<HostOptions, "name" | "limits">, limits: RuntimeLimits): Runtime =>
    createHostRuntime({
      name,
      ...options,
      limits: {
        processesMax: limits.processesPerSessionMax,
        memoryBytesMax: limits.memoryBytesPerSessionMax,
        cpusMax: limits.cpusPerSessionMax,
        openFilesMax: limits.openFilesPerSessionMax,
      },
    }),
  docker: (name: string, options: DockerOptions): Runtime => createDockerRuntime(name, options),
  kubernetes: (name: string, options: KubernetesOptions): Runtime => createKubernetesRuntime(name, options),
  // Its library is large, and read only where it is wanted.
  containerd: async (name: string, options: Omit<ContainerdOptions, "name">): Promise<Runtime> => {
    const { createContainerdRuntime } = await import("./containerd/index.ts");
    return createContainerdRuntime({ name, ...options });
  },
};

type Kind = keyof typeof factories;
type Options = { readonly [K in Kind]: Parameters<(typeof factories)[K]>[1] };

/** A configured runtime. */
type RuntimeOf<K extends Kind> = { readonly [P in K]: { readonly name: string; readonly kind: P; readonly options: Options[P] } }[K];

/**
 * Makes every configured runtime: name → runtime.
 * @throws USER_NOT_FOUND, NOT_SUPPORTED when commands on the host cannot run as the configured user
 */
export async function createRuntimes(configured: readonly RuntimeOf<Kind>[], limits: RuntimeLimits): Promise<ReadonlyMap<string, Runtime>> {
  const created = configured.map(async (config) => [config.name, await create(config, limits)] as const);
  const runtimes = new Map(await Promise.all(created));
  await runtimes.get("host")?.ping(new AbortController().signal);
  return runtimes;
}

function create<K extends Kind>({ kind, name, options }: RuntimeOf<K>, limits: RuntimeLimits): Runtime | Promise<Runtime> {
  const table: { readonly [P in Kind]: (name: string, options: Options[P], limits: RuntimeLimits) => Runtime | Promise<Runtime> } =
    factories;
  return table[kind](name, options, limits);
}
