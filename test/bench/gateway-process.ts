import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "./temporary.ts";

const program = fileURLToPath(new URL("../../src/main.js", import.meta.url));

export const token = "the-token-of-this-bench";

/** A gateway of its own for one part, so that what another part left in its heap is not measured. */
export interface GatewayProcess extends AsyncDisposable {
  readonly port: number;
  /** The address of Node's inspector, where `--inspect` was among the flags. */
  readonly inspectorUrl: string | undefined;
  /** Resident memory, bytes. */
  residentBytes(): number;
}

/**
 * Starts the gateway as a user would.
 * @param flags for its Node; those in EXECGATE_BENCH_NODE_OPTIONS come to them, for profiles
 */
export async function startGatewayProcess(...flags: string[]): Promise<GatewayProcess> {
  const stateDir = mkdtempSync(join(temporaryDirectory(), "state-"));
  const env = { ...process.env, EXECGATE_TOKEN: token, EXECGATE_STATE_DIR: stateDir };
  const nodeArguments = [...flags, ...(process.env.EXECGATE_BENCH_NODE_OPTIONS?.split(" ") ?? [])];
  const child = spawn(process.execPath, [...nodeArguments, program, "serve", "--listen", "127.0.0.1:0"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const { port, inspectorUrl } = await readAddresses(child);
  return {
    port,
    inspectorUrl,
    residentBytes: () => residentBytes(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** What the log says up to the line that tells that the gateway is ready; it is read on, so that it never blocks. */
async function readAddresses(child: ChildProcess): Promise<{ port: number; inspectorUrl: string | undefined }> {
  if (child.stderr === null) throw new Error("the gateway has no log");
  const lines = createInterface(child.stderr);
  let inspectorUrl: string | undefined;
  const port = await new Promise<number>((resolve, reject) => {
    lines.on("line", (line) => {
      inspectorUrl ??= /^Debugger listening on (ws:\S+)$/.exec(line)?.[1];
      if (!line.includes('"execgate is ready"')) return;
      const { urls } = JSON.parse(line) as { urls: string[] };
      resolve(Number(new URL(urls[0] ?? "").port));
    });
    child.once("exit", () => reject(new Error("the gateway did not start")));
  });
  lines.close();
  child.stderr.resume();
  return { port, inspectorUrl };
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}
