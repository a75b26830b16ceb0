import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { residentBytes } from "../fixtures/resident-bytes.ts";
import { startFlags } from "../fixtures/start-flags.ts";
import { testToken } from "../fixtures/token.ts";
import { temporaryDirectory } from "./temporary.ts";

const program = fileURLToPath(new URL("../../src/main.js", import.meta.url));

/** A gateway of its own for one part, so that what another part left in its heap is not measured. */
export interface GatewayProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** The address of Node's inspector, where `--inspect` was among the flags. */
  readonly inspectorUrl: string | undefined;
  /** Resident memory, bytes. */
  residentBytes(): number;
}

export interface BenchGateway {
  /** For its Node; those in EXECGATE_BENCH_NODE_OPTIONS come to them, for profiles. */
  readonly flags?: readonly string[];
  /** What stands in the configuration file. */
  readonly settings?: object;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the gateway as a user would. */
export async function startGatewayProcess({ flags = [], settings = {}, env: added = {} }: BenchGateway = {}): Promise<GatewayProcess> {
  const stateDir = mkdtempSync(join(temporaryDirectory(), "state-"));
  const env = { ...process.env, EXECGATE_TOKEN: testToken, EXECGATE_STATE_DIR: stateDir, ...added };
  const nodeArguments = [...startFlags, ...flags, ...(process.env.EXECGATE_BENCH_NODE_OPTIONS?.split(" ") ?? [])];
  const configFile = join(stateDir, "config.yaml");
  writeFileSync(configFile, JSON.stringify(settings));
  // A file, because whoever read the log from a pipe would compete with what is measured.
  const logFile = join(stateDir, "log");
  const logFd = openSync(logFile, "a");
  const child = spawn(process.execPath, [...nodeArguments, program, "serve", "--config", configFile, "--listen", "127.0.0.1:0"], {
    env,
    stdio: ["ignore", "ignore", logFd],
  });
  closeSync(logFd);
  const { port, inspectorUrl } = await readAddresses(child, logFile);
  const pid = child.pid ?? 0;
  return {
    port,
    pid,
    inspectorUrl,
    residentBytes: () => residentBytes(pid),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** What the log says up to the line that tells that the gateway is ready. */
async function readAddresses(child: ChildProcess, logFile: string): Promise<{ port: number; inspectorUrl: string | undefined }> {
  while (child.exitCode === null) {
    const log = readFileSync(logFile, "utf8");
    const ready = /^.*"execgate is ready".*\n/m.exec(log)?.[0];
    if (ready !== undefined) {
      const { urls } = JSON.parse(ready) as { urls: string[] };
      const inspectorUrl = /^Debugger listening on (ws:\S+)$/m.exec(log)?.[1];
      return { port: Number(new URL(urls[0] ?? "").port), inspectorUrl };
    }
    await delay(20);
  }
  throw new Error(`the gateway did not start: ${readFileSync(logFile, "utf8")}`);
}
