import { constants, fstatSync } from "node:fs";
import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { type Clock, within } from "../exec/clock.ts";

/** How long the disk may take for one write, milliseconds: what is not written holds the command back. */
const writeMsMax = 2500;
const creating = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The file that one recorder appends whole lines to, mode 0600. After a failure it is closed for good. */
export class RecordingFile {
  readonly #handle: FileHandle;
  readonly #bytesMax: number;
  readonly #clock: Clock;
  #size = 0;

  /** @param bytesMax the most that the file may hold. @throws Error when it cannot be made */
  static async create(path: string, header: string, bytesMax: number, clock: Clock): Promise<RecordingFile> {
    const handle = await open(path, creating, 0o600).catch(async (cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return await open(path, creating, 0o600);
    });
    const file = new RecordingFile(handle, bytesMax, clock);
    try {
      await file.append(header);
      return file;
    } catch (cause) {
      file.close();
      await unlink(path).catch(() => undefined);
      throw cause;
    }
  }

  private constructor(handle: FileHandle, bytesMax: number, clock: Clock) {
    this.#handle = handle;
    this.#bytesMax = bytesMax;
    this.#clock = clock;
  }

  /** @throws Error when the disk refuses or does not answer, when the file is gone, or when it would grow beyond its cap */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    if (this.#size + bytes.length > this.#bytesMax)
      throw new Error(`the recording would be larger than recording.bytesMax, ${this.#bytesMax}`);
    // What is asked is in memory: no turn of a thread is taken for it.
    if (fstatSync(this.#handle.fd).nlink === 0) throw new Error("the file was removed");
    let failure: unknown = new Error(`the disk did not answer within ${writeMsMax} ms`);
    const written = this.#write(bytes).then(
      () => {
        failure = undefined;
      },
      (cause) => {
        failure = cause;
      },
    );
    await within(this.#clock, writeMsMax, written);
    if (failure !== undefined) throw failure;
    this.#size += bytes.length;
  }

  /** Is waited for by nobody: a disk that does not answer does not close a file either. */
  close(): void {
    void this.#handle.close().catch(() => undefined);
  }

  async #write(bytes: Buffer): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
    } catch (cause) {
      // Half a line is worth nothing to anybody.
      await this.#handle.truncate(this.#size).catch(() => undefined);
      throw cause;
    }
  }
}
