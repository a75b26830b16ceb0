import type { Runtime } from "../exec/runtime.ts";
import { createHostRuntime } from "./host/index.ts";

/** What the configuration says of each runtime. */
export interface RuntimesConfig {
  readonly host: { readonly user?: string; readonly usersAllowed: readonly string[]; readonly noNewPrivileges: boolean };
}

/**
 * Makes every configured runtime: name → runtime.
 * @throws USER_NOT_FOUND, NOT_SUPPORTED when commands on the host cannot run as the configured user
 */
export async function createRuntimes({ host: options }: RuntimesConfig): Promise<ReadonlyMap<string, Runtime>> {
  const host = createHostRuntime({ name: "host", ...options });
  await host.ping(new AbortController().signal);
  return new Map([[host.name, host]]);
}
