import type { Runtime } from "../exec/runtime.ts";
import { createHostRuntime } from "./host/index.ts";

/** What the configuration says of each runtime. */
export interface RuntimesConfig {
  readonly host: { readonly user?: string; readonly usersAllowed: readonly string[]; readonly noNewPrivileges: boolean };
}

/** Makes every configured runtime: name → runtime. */
export async function createRuntimes({ host }: RuntimesConfig): Promise<ReadonlyMap<string, Runtime>> {
  const runtimes = [await createHostRuntime({ name: "host", ...host, user: host.user })];
  return new Map(runtimes.map((runtime) => [runtime.name, runtime]));
}
