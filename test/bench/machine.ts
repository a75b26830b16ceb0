import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** What a figure is worth only together with: the machine, and the programs that were measured on it. */
export function machine(): Readonly<Record<string, string>> {
  return {
    processors: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: `Linux ${release()}`,
    system: /^PRETTY_NAME="(.*)"$/m.exec(read("/etc/os-release"))?.[1] ?? "unknown",
    node: process.version,
    revision: said("git", ["rev-parse", "--short", "HEAD"]),
    day: new Date().toISOString().slice(0, 10),
    "load before": read("/proc/loadavg").split(" ").slice(0, 3).join(" "),
  };
}

function said(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
