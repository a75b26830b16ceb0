import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The shells that are found in images, as far as this machine has them: a name and a folder in which `sh` is that shell. */
export function shellsFound(): { readonly name: string; readonly path: string }[] {
  const found = [
    ["dash", "/bin/dash"],
    ["bash", "/bin/bash"],
    ["busybox", "/bin/busybox"],
    ["mksh", "/bin/mksh"],
  ].filter(([, program]) => spawnSync(program ?? "", ["--help"]).error === undefined);
  return found.map(([name = "", program = ""]) => {
    const folder = mkdtempSync(join(tmpdir(), `execgate-sh-${name}-`));
    symlinkSync(program, join(folder, "sh"));
    chmodSync(folder, 0o755);
    return { name, path: folder };
  });
}

/** What `command`, whose `sh` is that of the folder, says to `input` on pipes; its exit code is not looked at. */
export function runIn(path: string, command: readonly string[], input: Uint8Array): Buffer {
  const { stdout, error } = spawnSync(join(path, "sh"), command.slice(1), { input, env: { PATH: "/usr/bin:/bin" }, maxBuffer: 2 ** 24 });
  if (error !== undefined) throw error;
  return stdout;
}
