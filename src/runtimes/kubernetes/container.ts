import type { Signal, Target, Termination } from "../../exec/runtime.ts";
import { type InsideProcess, killCommand, signalCommand } from "../container/inside.ts";
import type { Cluster } from "./cluster.ts";
import { ExecStream, type StreamOptions } from "./exec-stream.ts";
import { collection, placeOf } from "./place.ts";
import type { Reach } from "./process.ts";

/** Which channels an exec has. */
export interface ExecChannels {
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** How long a script in the container may take: the core waits four seconds for the end of a tree. */
const scriptMsMax = 3500;
/** What a script says is one word. */
const wordsBytesMax = 1024;

/** The container of a target, as a place to run something in. */
export class Container {
  readonly target: Target;
  readonly #cluster: Cluster;
  readonly #options: StreamOptions;

  constructor(target: Target, cluster: Cluster, options: StreamOptions) {
    this.target = target;
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Opens an exec of `command`. @throws what the API server refuses; the signal's reason when it aborts */
  exec(command: readonly string[], { stdin, tty }: ExecChannels, signal: AbortSignal): Promise<ExecStream> {
    const { namespace, name, container } = placeOf(this.target);
    const query = new URLSearchParams({ container, stdin: String(stdin), stdout: "true", stderr: String(!tty), tty: String(tty) });
    for (const word of command) query.append("command", word);
    return ExecStream.open(this.#cluster, `${collection(namespace)}/${name}/exec?${query}`, this.#options, signal);
  }

  /** The way to a command through a second exec. */
  reach(process: InsideProcess, isTerminal: boolean): Reach {
    return {
      signal: async (name: Signal) => {
        await this.#run(signalCommand(process, name, isTerminal));
      },
      kill: async (): Promise<Termination> => {
        const words = await this.#run(killCommand(process)).catch(() => "");
        return words.trim() === "gone" ? "verified" : "bestEffort";
      },
    };
  }

  /** Runs a script to its end and gives back what it says. @throws RUNTIME_UNAVAILABLE */
  async #run(command: readonly string[]): Promise<string> {
    const signal = AbortSignal.timeout(scriptMsMax);
    const stream = await this.exec(command, { stdin: false, tty: false }, signal);
    const giveUp = (): void => stream.close();
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      let words = "";
      for (let chunk = await stream.output.next(); chunk !== undefined; chunk = await stream.output.next()) {
        if (chunk.stream === "stdout" && words.length < wordsBytesMax) words += chunk.bytes.toString("latin1");
      }
      await stream.verdict;
      return words;
    } finally {
      signal.removeEventListener("abort", giveUp);
      stream.close();
    }
  }
}
