import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Figure, type Measured, median, type Part } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { compilePeer, runPeer } from "./peers.ts";
import { textFile } from "./temporary.ts";

const rounds = 7;
const fileBytes = 32 * 1024 * 1024;
/** How often the file is printed in a run: pipes are twenty times as fast as terminals. */
const repeats = { tty: 1, pipe: 16 } as const;
const client = fileURLToPath(new URL("stream-client.js", import.meta.url));

/** How fast output comes to one client. */
export const throughput: Part = {
  name: "throughput",
  about: "Megabytes a second of `cat` to a WebSocket client, and to a program in C that reads the pipe or the terminal itself.",
  measure,
};

async function measure(): Promise<Measured> {
  const peer = compilePeer("read-direct");
  const file = textFile(fileBytes);
  await using gateway = await startGatewayProcess();
  const figures: Figure[] = [];
  const bars: { label: string; value: number }[] = [];
  for (const kind of ["tty", "pipe"] as const) {
    const command = ["/bin/cat", ...Array.from({ length: repeats[kind] }, () => file)];
    const [ours, direct]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      ours.push(await throughGateway(gateway.port, kind, command));
      direct.push(megabytesASecond(runPeer(peer, kind, ...command)));
    }
    const ratio = median(ours.map((value, round) => value / (direct[round] ?? Number.NaN)));
    figures.push(...figuresOf(kind, median(ours), median(direct), ratio));
    bars.push({ label: `execgate, ${kind}`, value: median(ours) }, { label: `${kind} read in C`, value: median(direct) });
  }
  return { figures, chart: { title: "Output to one client", unit: "MB/s", bars } };
}

function figuresOf(kind: "tty" | "pipe", ours: number, direct: number, ratio: number): Figure[] {
  const isTty = kind === "tty";
  return [
    { name: `${kind} to a client`, value: ours, unit: "MB/s", ...(!isTty && { aim: { is: "atLeast", limit: 700 } as const }) },
    { name: `${kind} read directly`, value: direct, unit: "MB/s" },
    { name: `${kind} to a client / directly`, value: ratio, unit: "×", ...(isTty && { aim: { is: "atLeast", limit: 0.75 } as const }) },
  ];
}

export async function throughGateway(port: number, kind: "tty" | "pipe", command: readonly string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [client, String(port), kind === "tty" ? "1" : "0", "host", ...command]);
  return megabytesASecond(stdout.trim().split(" ").map(Number));
}

function megabytesASecond([bytes = 0, us = 0]: readonly number[]): number {
  if (bytes < fileBytes) throw new Error(`only ${bytes} bytes came`);
  return bytes / us;
}
