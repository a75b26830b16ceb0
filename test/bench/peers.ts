import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "./temporary.ts";

/** Compiles a program of this folder, which the gateway is measured against, and returns its path. */
export function compilePeer(name: string): string {
  const source = fileURLToPath(new URL(`../../../test/bench/${name}.c`, import.meta.url));
  const program = join(temporaryDirectory(), name);
  execFileSync("cc", ["-O2", "-Wall", "-o", program, source]);
  return program;
}

/** Runs a compiled peer and returns the numbers that it prints. */
export function runPeer(program: string, ...args: string[]): number[] {
  const printed = execFileSync(program, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  return printed.trim().split(/\s+/).map(Number);
}
