import { constants, fstatSync } from "node:fs";
import { type FileHandle, open, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { type ChainEnd, hashLine, lineStart, readLink } from "./chain.ts";
import type { AuditSink } from "./sink.ts";

/** Less room than this on the file system counts as none: a single line that still fits would only fail the next one. */
const roomBytesMin = 64 * 1024;
/** No line is longer; what has no newline for so long is no trail. */
const tailBytesMax = 4 * 1024 * 1024;
const tailBlockBytes = 64 * 1024;
/**
 * A write that returns is on disk: O_DSYNC does in one call what a write and fdatasync do in two. O_NONBLOCK is not to wait
 * for the reader of a FIFO, which is refused as everything that is no file.
 */
const appending = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_DSYNC | constants.O_NONBLOCK;

/** A trail's file, mode 0600, which the gateway alone appends to. */
export class AuditFile implements AuditSink {
  readonly end: ChainEnd | undefined;
  readonly cutBytes: number;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #inode: number;
  /** Where the next line begins. */
  #size: number;
  /** Bytes of an append that failed and may stand behind `#size`. */
  #tornBytes = 0;

  /**
   * Opens the file, or makes it, and reads its last line; half a line behind it, which a crash or a full disk left, is cut off.
   * @throws Error when it cannot be appended to, has no room, or ends in something that is no line of a trail
   */
  static async open(path: string, previous?: AuditSink): Promise<AuditFile> {
    const handle = await open(path, appending, 0o600);
    try {
      const { ino, size: found, isFile } = await describe(handle);
      if (!isFile) throw new Error(`${path} is not a regular file`);
      await checkRoom(path);
      const size = previous instanceof AuditFile ? previous.#sizeWithoutTorn(ino, found) : found;
      const tail = await readTail(handle, size, path);
      if (tail.end !== found) await handle.truncate(tail.end);
      if (found === 0) await syncDirectory(path);
      return new AuditFile(path, handle, ino, tail.end, tail.last, size - tail.end);
    } catch (cause) {
      await handle.close();
      throw cause;
    }
  }

  private constructor(path: string, handle: FileHandle, inode: number, size: number, end: ChainEnd | undefined, cutBytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.#inode = inode;
    this.#size = size;
    this.end = end;
    this.cutBytes = cutBytes;
  }

  async append(lines: Buffer): Promise<void> {
    // What is asked is in memory: no turn of a thread is taken for it.
    const { size, nlink } = fstatSync(this.#handle.fd);
    if (nlink === 0) throw new Error("the file was removed");
    if (size !== this.#size) throw new Error("the file was changed by somebody else");
    this.#tornBytes = lines.length;
    try {
      for (let at = 0; at < lines.length; ) at += (await this.#handle.write(lines, at)).bytesWritten;
    } catch (cause) {
      await this.#handle.truncate(this.#size).catch(() => undefined);
      throw cause;
    }
    this.#tornBytes = 0;
    this.#size += lines.length;
  }

  async check(): Promise<void> {
    if ((await this.#handle.stat()).nlink === 0) throw new Error("the file was removed");
    try {
      await (await open(this.#path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK)).close();
      await checkRoom(this.#path);
    } catch (cause) {
      // A file that was renamed is written to until the trail is told to open the new one.
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** The size without what the last append of this sink left, where `inode` is its file still. */
  #sizeWithoutTorn(inode: number, size: number): number {
    const isTorn = inode === this.#inode && size > this.#size && size <= this.#size + this.#tornBytes;
    return isTorn ? this.#size : size;
  }
}

async function describe(handle: FileHandle): Promise<{ ino: number; size: number; isFile: boolean }> {
  const stats = await handle.stat();
  return { ino: stats.ino, size: stats.size, isFile: stats.isFile() };
}

async function checkRoom(path: string): Promise<void> {
  // A file system without a limit says that it has no blocks. Root may use those that are kept back for it.
  const { blocks, bfree, bsize } = await statfs(path);
  if (blocks > 0 && bfree * bsize < roomBytesMin) throw new Error("ENOSPC: there is no room on the file system");
}

/** A new file is only there for good when its directory is on disk too. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The last whole line of the first `size` bytes, and where it ends. */
async function readTail(handle: FileHandle, size: number, path: string): Promise<{ last: ChainEnd | undefined; end: number }> {
  let tail: Buffer = Buffer.alloc(0);
  let from = size;
  let [newline, before] = [-1, -1];
  while (from > 0 && before < 0 && tail.length <= tailBytesMax) {
    const block = Buffer.alloc(Math.min(tailBlockBytes, from));
    from -= block.length;
    const { bytesRead } = await handle.read(block, 0, block.length, from);
    tail = Buffer.concat([block.subarray(0, bytesRead), tail]);
    newline = tail.lastIndexOf(10);
    before = newline > 0 ? tail.lastIndexOf(10, newline - 1) : -1;
  }
  const line = tail.subarray(before + 1, Math.max(newline, 0));
  const half = tail.subarray(newline + 1);
  const link = newline < 0 ? undefined : readLink(line);
  if ((newline >= 0 && link === undefined) || !isHalfLine(half)) throw new Error(`${path} does not end in a line of an audit trail`);
  return { last: link && { seq: link.seq, hash: hashLine(line) }, end: from + newline + 1 };
}

/** Whether the bytes behind the last line are the beginning of one of ours, or the zeros that a crash leaves in their place. */
function isHalfLine(half: Buffer): boolean {
  const known = Math.min(half.length, lineStart.length);
  return half.length === 0 || half[0] === 0 || half.toString("latin1", 0, known) === lineStart.slice(0, known);
}
