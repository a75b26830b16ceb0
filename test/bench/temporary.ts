import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let directory: string | undefined;

/** The directory of this run, gone when the process ends. Commands of another user can read it. */
export function temporaryDirectory(): string {
  if (directory !== undefined) return directory;
  const made = mkdtempSync(join(tmpdir(), "execgate-bench-"));
  chmodSync(made, 0o755);
  process.on("exit", () => rmSync(made, { recursive: true, force: true }));
  directory = made;
  return made;
}

/** A file of lines of text, as a command would print them. */
export function textFile(bytes: number): string {
  const file = join(temporaryDirectory(), "text");
  const line = "drwxr-xr-x  2 root root 4096 Nov 23 14:02 the-name-of-some-file.txt\n";
  writeFileSync(file, line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes));
  return file;
}
