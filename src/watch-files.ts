import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Clock } from "./exec/clock.ts";

/** How often files are looked at, and how long they must be left alone before they are taken as written, milliseconds. */
const quietMs = 500;

/**
 * Calls `onChange` when files have another content than before, all of them are there with something in them, and nobody
 * wrote to them for half a second: editors truncate before they write, and a pair of files is never written at once.
 * Files are looked at by path, so that a link that is led elsewhere is seen too.
 * @param inUse the SHA-256 of the content that is in use, of one file in hexadecimal, where others read it too; else it is that
 * which was told last
 * @returns what ends it
 */
export function watchFiles(paths: readonly string[], clock: Clock, onChange: () => void, inUse?: () => string | undefined): () => void {
  let isOver = false;
  let cancel = (): void => undefined;
  let seen: string | undefined;
  let settled: string | undefined;
  let content: string | undefined;

  const look = async (): Promise<void> => {
    const now = await markOf(paths);
    const isQuiet = now !== undefined && now === seen;
    seen = now;
    if (!isQuiet || now === settled) return;
    const digest = await digestOf(paths);
    // Somebody wrote while the files were read: they are looked at again when they are quiet.
    if (digest === undefined || (await markOf(paths)) !== now) return;
    const before = inUse === undefined ? content : inUse();
    const isChanged = before !== undefined && digest !== before;
    settled = now;
    content = digest;
    if (isChanged && !isOver) onChange();
  };
  const lookAgain = (): void => {
    if (!isOver) cancel = clock.after(quietMs, () => void look().finally(lookAgain));
  };
  void digestOf(paths)
    .then((digest) => {
      content = digest ?? "";
    })
    .finally(lookAgain);
  return () => {
    isOver = true;
    cancel();
  };
}

/** What changes when any of the files is written to; undefined while one is empty or not there. */
async function markOf(paths: readonly string[]): Promise<string | undefined> {
  try {
    const stats = await Promise.all(paths.map((path) => stat(path)));
    if (stats.some(({ size }) => size === 0)) return undefined;
    return stats.map(({ ino, size, mtimeMs, ctimeMs }) => `${ino} ${size} ${mtimeMs} ${ctimeMs}`).join("\n");
  } catch {
    return undefined;
  }
}

async function digestOf(paths: readonly string[]): Promise<string | undefined> {
  try {
    const contents = await Promise.all(paths.map((path) => readFile(path)));
    return contents.map((content) => createHash("sha256").update(content).digest("hex")).join(" ");
  } catch {
    return undefined;
  }
}
