import type { Runtime } from "../exec/runtime.ts";
import { createHostRuntime } from "./host/index.ts";

/** What the configuration says of each runtime. */
export interface RuntimesConfig {
  readonly host: {
    readonly user?: string;
    readonly dynamicUsers: { readonly first: number; readonly last: number };
    readonly usersAllowed: readonly string[];
    readonly noNewPrivileges: boolean;
  };
}

/** What a session may use, 0 is no limit. */
export interface RuntimeLimits {
  readonly processesPerSessionMax: number;
  readonly memoryBytesPerSessionMax: number;
  readonly cpusPerSessionMax: number;
  readonly openFilesPerSessionMax: number;
}

/**
 * Makes every configured runtime: name → runtime.
 * @throws USER_NOT_FOUND, NOT_SUPPORTED when commands on the host cannot run as the configured user
 */
export async function createRuntimes({ host: options }: RuntimesConfig, limits: RuntimeLimits): Promise<ReadonlyMap<string, Runtime>> {
  const host = createHostRuntime({
    name: "host",
    ...options,
    limits: {
      processesMax: limits.processesPerSessionMax,
      memoryBytesMax: limits.memoryBytesPerSessionMax,
      cpusMax: limits.cpusPerSessionMax,
      openFilesMax: limits.openFilesPerSessionMax,
    },
  });
  await host.ping(new AbortController().signal);
  return new Map([[host.name, host]]);
}
