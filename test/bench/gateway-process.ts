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
  /** Resident memory, bytes. */
  residentBytes(): number;
}

/** Starts the gateway as a user would. EXECGATE_BENCH_NODE_OPTIONS goes to its Node, for profiles. */
export async function startGatewayProcess(): Promise<GatewayProcess> {
  const stateDir = mkdtempSync(join(temporaryDirectory(), "state-"));
  const env = { ...process.env, EXECGATE_TOKEN: token, EXECGATE_STATE_DIR: stateDir };
  const flags = process.env.EXECGATE_BENCH_NODE_OPTIONS?.split(" ") ?? [];
  const child = spawn(process.execPath, [...flags, program, "serve", "--listen", "127.0.0.1:0"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const port = await readPort(child);
  return {
    port,
    residentBytes: () => residentBytes(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The address is in the line of the log that says that the gateway is ready; the log is read on, so that it never blocks. */
async function readPort(child: ChildProcess): Promise<number> {
  if (child.stderr === null) throw new Error("the gateway has no log");
  const lines = createInterface(child.stderr);
  const port = await new Promise<number>((resolve, reject) => {
    lines.on("line", (line) => {
      const { msg, urls } = JSON.parse(line) as { msg: string; urls?: string[] };
      if (msg === "execgate is ready") resolve(Number(new URL(urls?.[0] ?? "").port));
    });
    child.once("exit", () => reject(new Error("the gateway did not start")));
  });
  lines.close();
  child.stderr.resume();
  return port;
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}
