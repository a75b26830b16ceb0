import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ratios, timed } from "./busy.ts";
import { type Figure, median } from "./figure.ts";

const rounds = 5;
const bytes = 256 * 1024 * 1024;
const command = ["head", "-c", String(bytes), "/dev/zero"];
const run = promisify(execFile);
const streamClient = fileURLToPath(new URL("stream-client.js", import.meta.url));

/** A daemon's own client that runs a command in the same container: what it is called, and how it is called. */
export interface OwnClient {
  readonly name: string;
  readonly argv: readonly string[];
}

/** Megabytes a second of a command in a container: to a WebSocket client of the gateway, and to `cat` by the daemon's own client, in turns. */
export async function streamFigures(port: number, target: string, { name, argv }: OwnClient): Promise<Figure[]> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const { stdout } = await run(process.execPath, [streamClient, String(port), "0", target, ...command]);
    const [came = 0, us = 0] = stdout.trim().split(" ").map(Number);
    if (came !== bytes) throw new Error(`${came} bytes came`);
    ours.push(bytes / us);
    const script = `${[...argv, ...command].join(" ")} | cat >/dev/null`;
    theirs.push(bytes / 1000 / (await timed(() => run("sh", ["-c", script]))));
  }
  return [
    { name: "container to a client", value: median(ours), unit: "MB/s" },
    { name: `${name} | cat`, value: median(theirs), unit: "MB/s" },
    {
      name: `container to a client / ${name} | cat`,
      value: median(ratios(ours, theirs)),
      unit: "×",
      aim: { is: "atLeast", limit: 0.8 },
    },
  ];
}
