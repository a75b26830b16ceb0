import { ExecgateError } from "../../errors.ts";
import type { Chunk, ExecSpec, OutputSource, StreamName } from "../../exec/runtime.ts";
import { gateScript } from "./gate-script.ts";

/** What the shell that is to become the command says of itself. */
export type Announcement = { readonly word: "ready"; readonly pid: number } | { readonly word: "passed" | "missing" | "denied" | "cwd" };

/** The argv by which `spec` is started behind a gate. `searchPath` is the target's own PATH, `mark` what its announcements are known by. */
export function gateCommand(spec: ExecSpec, searchPath: string, mark: string): string[] {
  return ["/bin/sh", "-c", gateScript, mark, searchPath, spec.cwd ?? "", spec.tty ? "-l" : "", ...spec.command];
}

/** What lets the command through. On a terminal it is echoed, which nobody sees: what stands before `passed` is not output. */
export const go = Buffer.from("\n");

/** Text that came without being announced is kept up to this, in bytes: a daemon that could not start the gate says why. */
const saidBytesMax = 4096;

/** The output of a command behind a gate: the announcements are heard first, what follows the last of them is the command's. */
export class GatedOutput implements OutputSource {
  readonly #source: OutputSource;
  readonly #voice: StreamName;
  readonly #mark: Buffer;
  /** Bytes of the voice's stream that were read and are neither announced nor output yet. */
  #held: Buffer = Buffer.alloc(0);
  #said = "";
  #isReady = false;
  /** What the command has said on the other stream: that its voice comes later does not mean that it was said earlier. */
  readonly #overtaking: Chunk[] = [];

  /** @param isTerminal the announcements, as everything, come on stdout then */
  constructor(source: OutputSource, mark: string, isTerminal: boolean) {
    this.#source = source;
    this.#voice = isTerminal ? "stdout" : "stderr";
    this.#mark = Buffer.from(`execgate ${mark} `);
  }

  /** What was said by somebody else than the gate. */
  get said(): string {
    return this.#said;
  }

  get complete(): boolean {
    return this.#source.complete && this.#held.length === 0 && this.#overtaking.length === 0;
  }

  /** The next announcement; undefined when the output ends before. */
  async hear(): Promise<Announcement | undefined> {
    for (;;) {
      const heard = this.#find();
      if (heard !== undefined) return heard;
      const chunk = await this.#source.next();
      if (chunk === undefined) {
        this.#noteHeld(this.#held.length);
        return undefined;
      }
      if (chunk.stream === this.#voice) this.#held = Buffer.concat([this.#held, chunk.bytes]);
      else if (this.#isReady) this.#overtaking.push(chunk);
      else this.#note(chunk.bytes);
    }
  }

  next(): Promise<Chunk | undefined> {
    const overtaking = this.#overtaking.shift();
    if (overtaking !== undefined) return Promise.resolve(overtaking);
    const bytes = this.#held;
    if (bytes.length === 0) return this.#source.next();
    this.#held = Buffer.alloc(0);
    return Promise.resolve({ stream: this.#voice, bytes });
  }

  cut(): void {
    this.#source.cut();
  }

  #find(): Announcement | undefined {
    const at = this.#held.indexOf(this.#mark);
    const end = at < 0 ? -1 : this.#held.indexOf("\n", at);
    if (end < 0) {
      if (at < 0 && this.#held.length > saidBytesMax) this.#noteHeld(this.#held.length - this.#mark.length);
      return undefined;
    }
    const [word, pid] = this.#held
      .toString("latin1", at + this.#mark.length, end)
      .trim()
      .split(" ");
    this.#noteHeld(at);
    this.#held = this.#held.subarray(end + 1 - at);
    this.#isReady = true;
    return { word, pid: Number(pid) } as Announcement;
  }

  #noteHeld(length: number): void {
    this.#note(this.#held.subarray(0, length));
    this.#held = this.#held.subarray(length);
  }

  #note(bytes: Buffer): void {
    this.#said = (this.#said + bytes.toString("utf8")).slice(0, saidBytesMax);
  }
}

/** The refusal that an announcement is; undefined for one that is none. */
export function gateRefusal({ word }: Announcement, spec: ExecSpec): ExecgateError | undefined {
  const command = JSON.stringify(spec.command[0] ?? "");
  const cwd = JSON.stringify(spec.cwd);
  if (word === "missing") return new ExecgateError("COMMAND_NOT_FOUND", `${command} was not found in the container.`, { field: "command" });
  if (word === "denied") return new ExecgateError("COMMAND_NOT_EXECUTABLE", `${command} cannot be executed.`, { field: "command" });
  if (word === "cwd") return new ExecgateError("CWD_NOT_FOUND", `${cwd} cannot be entered in the container.`, { field: "cwd" });
  return undefined;
}
