import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { isId } from "../exec/id.ts";
import { type RecordingHeader, readHeader } from "./header.ts";

const suffix = ".cast";
/** A link is not followed, and what is no file is not waited for. */
const reading = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** A header holds an argv of up to 128 KiB, escaped. */
const headerBytesMax = 1024 * 1024;
const blockBytes = 64 * 1024;

/** A recording that stands on the shelf. */
export interface Shelved extends RecordingHeader {
  readonly id: string;
  /** Bytes of whole lines. */
  readonly bytes: number;
  /** When it was written to last, milliseconds since 1970. */
  readonly writtenAt: number;
}

/** The directory with the files: `ID.cast` each. An id that is none, and everything that is no plain file, is not there. */
export class Shelf {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  pathOf(id: string): string {
    return join(this.#dir, id + suffix);
  }

  /** The ids of what is there, newest first; none when there is no directory. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.#dir).catch((cause: NodeJS.ErrnoException): string[] => {
      if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return [];
      throw cause;
    });
    const ids = names.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length));
    return ids.filter(isId).sort().reverse();
  }

  async find(id: string): Promise<Shelved | undefined> {
    const opened = await this.#open(id);
    await opened?.handle.close();
    return opened?.found;
  }

  /** The file's lines, without one that is half written. The stream closes what it reads. */
  async read(id: string): Promise<{ readonly bytes: number; readonly stream: Readable } | undefined> {
    const opened = await this.#open(id);
    if (opened === undefined) return undefined;
    const { bytes } = opened.found;
    return { bytes, stream: opened.handle.createReadStream({ start: 0, end: bytes - 1, autoClose: true }) };
  }

  async remove(id: string): Promise<void> {
    await unlink(this.pathOf(id)).catch(() => undefined);
  }

  /** Removes what was last written before `ms`, but not what `isLive`. */
  async removeOlderThan(ms: number, isLive: (id: string) => boolean): Promise<void> {
    for (const id of await this.ids()) {
      if (isLive(id)) continue;
      const stats = await lstat(this.pathOf(id)).catch(() => undefined);
      if (stats !== undefined && stats.mtimeMs < ms) await this.remove(id);
    }
  }

  async #open(id: string): Promise<{ handle: FileHandle; found: Shelved } | undefined> {
    if (!isId(id)) return undefined;
    const handle = await open(this.pathOf(id), reading).catch(() => undefined);
    if (handle === undefined) return undefined;
    try {
      const stats = await handle.stat();
      const header = stats.isFile() ? readHeader(await firstLine(handle)) : undefined;
      if (header !== undefined) {
        return { handle, found: { ...header, id, bytes: await endOfLines(handle, stats.size), writtenAt: stats.mtimeMs } };
      }
    } catch {
      // What cannot be read is as good as not there.
    }
    await handle.close();
    return undefined;
  }
}

async function firstLine(handle: FileHandle): Promise<string> {
  let text = Buffer.alloc(0);
  while (text.length < headerBytesMax) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(blockBytes), 0, blockBytes, text.length);
    const newline = buffer.subarray(0, bytesRead).indexOf(10);
    text = Buffer.concat([text, buffer.subarray(0, newline < 0 ? bytesRead : newline)]);
    if (newline >= 0 || bytesRead === 0) break;
  }
  return text.toString();
}

/** Where the last whole line ends. */
async function endOfLines(handle: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0; end -= blockBytes) {
    const from = Math.max(0, end - blockBytes);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(end - from), 0, end - from, from);
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(10);
    if (newline >= 0) return from + newline + 1;
  }
  return 0;
}
