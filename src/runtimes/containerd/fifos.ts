import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ExecgateError } from "../../errors.ts";
import { addon, lockMsMax } from "../descriptor/native.ts";
import type { ExecId } from "./api.ts";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** How often it is looked whether the reader of stdin has come: first soon, then seldom, milliseconds. */
const readerPausesMs = { first: 1, most: 50 };

/** Names an exec process on this daemon. */
export interface ExecPlace extends ExecId {
  readonly namespace: string;
}

/** The streams of one exec as they are to be: stderr is part of stdout on a terminal. */
export interface Streams {
  readonly stdin: boolean;
  readonly stderr: boolean;
}

/** The folder of one gateway, and the descriptor that holds its lock. */
interface Run {
  readonly path: string;
  readonly lock: number;
}

/**
 * The FIFOs of every exec, all in one folder for this gateway. They are named after their exec, so that what a gateway that is gone has
 * left behind can be found: its folder's lock is free. Folders of their own would take a millisecond each to be removed.
 */
export class FifoFolder {
  readonly #directory: string;
  #run: Run | undefined;

  /** @param directory is made when it is first used; the daemon must see it by the same path */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws RUNTIME_UNAVAILABLE when the folder cannot be written */
  make(exec: ExecPlace, streams: Streams): Fifos {
    try {
      // Whoever tidies up the machine may have removed it.
      if (this.#run !== undefined && !existsSync(this.#run.path)) this.#letGo(this.#run);
      this.#run ??= this.#begin();
      return new Fifos(join(this.#run.path, nameOf(exec)), streams);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ExecgateError("RUNTIME_UNAVAILABLE", `The FIFOs of the command cannot be made: ${reason}`, {}, { cause });
    }
  }

  /** Takes over what gateways that are gone have left: `end` is called for each exec, and a folder removed when all of its say true. */
  async sweep(end: (exec: ExecPlace) => Promise<boolean>): Promise<void> {
    for (const [path, lock] of this.#abandoned()) {
      try {
        const names = new Set(readdirSync(path).map((name) => name.slice(0, name.lastIndexOf("."))));
        const ended = await Promise.all(
          [...names].map(async (name) => {
            const exec = parseExec(name);
            return exec === undefined || (await end(exec));
          }),
        );
        if (ended.every(Boolean)) rmSync(path, { recursive: true, force: true });
      } finally {
        addon.close(lock);
      }
    }
  }

  /** Called last, when no exec is left that could need its folder. */
  close(): void {
    if (this.#run === undefined) return;
    const { path } = this.#run;
    if (existsSync(path) && readdirSync(path).length === 0) rmSync(path, { recursive: true });
    this.#letGo(this.#run);
  }

  #letGo({ lock }: Run): void {
    addon.close(lock);
    this.#run = undefined;
  }

  #begin(): Run {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const whole = addon.lock(this.#directory, lockMsMax);
    try {
      const path = join(this.#directory, `run-${process.pid}-${randomBytes(6).toString("hex")}`);
      mkdirSync(path, { mode: 0o700 });
      const lock = addon.lock(path, 0);
      if (lock >= 0) return { path, lock };
      rmdirSync(path);
      throw new Error(`${path} cannot be locked: errno ${-lock}`);
    } finally {
      addon.close(whole);
    }
  }

  /** The folders of gateways that are gone, with their locks. Nobody makes one meanwhile, so that none is taken before it is locked. */
  #abandoned(): [path: string, lock: number][] {
    const whole = addon.lock(this.#directory, lockMsMax);
    if (whole < 0) return [];
    try {
      return readdirSync(this.#directory)
        .filter((name) => name.startsWith("run-"))
        .map((name): [string, number] => [join(this.#directory, name), addon.lock(join(this.#directory, name), 0)])
        .filter(([, lock]) => lock >= 0);
    } finally {
      addon.close(whole);
    }
  }
}

/** The FIFOs of one exec: their paths for the daemon, and our ends. */
export class Fifos {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly #made: string[] = [];

  /**
   * @param path what their paths begin with
   * @throws the system's error
   */
  constructor(path: string, streams: Streams) {
    const make = (name: string): string => {
      const fifo = `${path}.${name}`;
      const errno = addon.makeFifo(fifo);
      if (errno < 0) throw new Error(`mkfifo ${fifo}: errno ${-errno}`);
      this.#made.push(fifo);
      return fifo;
    };
    try {
      this.stdin = streams.stdin ? make("stdin") : "";
      this.stdout = make("stdout");
      this.stderr = streams.stderr ? make("stderr") : "";
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /**
   * Our ends of the outputs, stdout first. Opened before the daemon opens its own, so that nothing is written to nobody.
   * @throws OVERLOADED
   */
  openOutputs(): readonly number[] {
    const opened: number[] = [];
    try {
      for (const fifo of [this.stdout, this.stderr].filter(Boolean)) opened.push(openSync(fifo, O_RDONLY | O_NONBLOCK));
      return opened;
    } catch (cause) {
      for (const fd of opened) closeSync(fd);
      throw new ExecgateError("OVERLOADED", "The gateway cannot read the command's output now.", {}, { cause });
    }
  }

  /**
   * Our end of stdin, as soon as somebody reads it: the daemon opens its end a moment after the start. Where there is no descriptor for it
   * now, there will be. Undefined when `isOver` says so before. An end that could be opened earlier, for reading and writing, would not
   * tell when the reader is gone.
   */
  async openInput(isOver: () => boolean): Promise<number | undefined> {
    for (let pauseMs = readerPausesMs.first; !isOver(); pauseMs = Math.min(pauseMs * 2, readerPausesMs.most)) {
      try {
        return openSync(this.stdin, O_WRONLY | O_NONBLOCK);
      } catch {
        await delay(pauseMs);
      }
    }
    return undefined;
  }

  remove(): void {
    for (const fifo of this.#made) rmSync(fifo, { force: true });
  }
}

/** A comma is in no name that containerd takes. */
function nameOf({ namespace, containerId, execId }: ExecPlace): string {
  return [namespace, containerId, execId].join(",");
}

function parseExec(name: string): ExecPlace | undefined {
  const [namespace, containerId, execId] = name.split(",");
  return namespace && containerId && execId ? { namespace, containerId, execId } : undefined;
}
