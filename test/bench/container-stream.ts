import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ratios, timed } from "./busy.ts";
import { type Aim, type Figure, median } from "./figure.ts";

const rounds = 5;
const bytes = 256 * 1024 * 1024;
const command = ["head", "-c", String(bytes), "/dev/zero"];
const run = promisify(execFile);
const streamClient = fileURLToPath(new URL("stream-client.js", import.meta.url));

/** Takes the output of the same command out of the same container; resolves with the milliseconds that it took. */
export interface Way {
  readonly name: string;
  take(): Promise<number>;
}

/** To a WebSocket client of the gateway, in a process of its own. */
export function toClient(name: string, port: number, target: string): Way {
  return {
    name,
    async take() {
      const { stdout } = await run(process.execPath, [streamClient, String(port), "0", target, ...command]);
      const [came = 0, us = 0] = stdout.trim().split(" ").map(Number);
      if (came !== bytes) throw new Error(`${came} bytes came`);
      return us / 1000;
    },
  };
}

/** To `cat`, by a daemon's own client that is called by `argv`. */
export function toCat(name: string, argv: readonly string[]): Way {
  const script = `${[...argv, ...command].join(" ")} | cat >/dev/null`;
  return { name: `${name} | cat`, take: () => timed(() => run("sh", ["-c", script])) };
}

/** Megabytes a second in each way, in turns; and the ratios of two of them, with the aim where there is one. */
export async function streamFigures(
  ways: readonly Way[],
  compared: readonly (readonly [way: Way, other: Way, aim?: Aim])[],
): Promise<Figure[]> {
  const rates = new Map<Way, number[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [way, taken] of rates) taken.push(bytes / 1000 / (await way.take()));
  }
  const of = (way: Way): readonly number[] => rates.get(way) ?? [];
  return [
    ...ways.map((way): Figure => ({ name: way.name, value: median(of(way)), unit: "MB/s" })),
    ...compared.map(
      ([way, other, aim]): Figure => ({
        name: `${way.name} / ${other.name}`,
        value: median(ratios(of(way), of(other))),
        unit: "×",
        ...(aim && { aim }),
      }),
    ),
  ];
}
