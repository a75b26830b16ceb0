import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { freePort } from "../fixtures/free-port.ts";
import { residentBytes } from "../fixtures/resident-bytes.ts";
import { persist } from "./programs.ts";
import { temporaryDirectory } from "./temporary.ts";

const version = "3.2.0";

export interface WettyServer extends AsyncDisposable {
  /** The address of its page. */
  readonly url: string;
  residentBytes(): number;
}

/** Installs wetty for this run of the bench alone. Returns why that cannot be; undefined when it is there. */
export function installWetty(): string | undefined {
  // Whoever is not root gets an ssh to log in by.
  if (process.getuid?.() !== 0) return "wetty opens a shell without a login for root only";
  const flags = ["--prefix", temporaryDirectory(), "--no-audit", "--no-fund", "--silent"];
  try {
    execFileSync("npm", ["install", ...flags, `wetty@${version}`], { stdio: "ignore", timeout: 240_000 });
    return undefined;
  } catch {
    return `wetty ${version} could not be installed by npm`;
  }
}

/** Starts the wetty that was installed, with `sh` for each page. */
export async function startWetty(): Promise<WettyServer> {
  const port = await freePort();
  const program = join(temporaryDirectory(), "node_modules/wetty/build/main.js");
  const flags = ["--host", "127.0.0.1", "--port", String(port), "--base", "/", "--command", "/bin/sh", "--log-level", "error"];
  const child = spawn(process.execPath, [program, ...flags], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}/`;
  await persist(() => fetch(url), 20_000);
  return {
    url,
    residentBytes: () => residentBytes(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}
