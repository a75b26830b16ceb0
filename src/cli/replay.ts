import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { OutputError } from "../output-end.ts";
import { ClientError } from "./client-error.ts";
import type { ClientIo } from "./io.ts";
import { createSink } from "./output.ts";

const options = { speed: { type: "string" }, idle: { type: "string" } } as const;

/**
 * `execgate replay FILE`: plays a recording (asciicast version 2) as fast as it was made, or `--speed` times as fast, with no pause longer
 * than `--idle` seconds. What was shown is shown again as it was, escape sequences too.
 * @throws ClientError for a file that is none
 */
export async function replay(args: readonly string[], io: ClientIo): Promise<number> {
  const { file, speed, idleS } = readArguments(args);
  const stdout = createSink(io.stdout);
  let number = 0;
  let atS = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      if (number === 1) checkHeader(line, file);
      if (number === 1 || line.trim() === "") continue;
      const [timeS, type, data] = readEvent(line, file, number);
      const pauseS = Math.min(Math.max(0, timeS - atS), idleS) / speed;
      atS = timeS;
      if (pauseS > 0.001) await delay(pauseS * 1000);
      if (type === "o") await stdout.write(Buffer.from(data));
    }
  } catch (cause) {
    if (cause instanceof ClientError || cause instanceof OutputError) throw cause;
    throw new ClientError(`${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  if (number === 0) checkHeader("", file);
  await stdout.flush();
  return 0;
}

function readArguments(args: readonly string[]) {
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw new ClientError(cause instanceof Error ? cause.message : String(cause));
  }
  const [file, ...more] = parsed.positionals;
  if (file === undefined || more.length > 0) throw new ClientError("say execgate replay [--speed N] [--idle SECONDS] FILE");
  const speed = Number(parsed.values.speed ?? 1);
  const idleS = Number(parsed.values.idle ?? Number.POSITIVE_INFINITY);
  if (!(speed > 0) || !(idleS >= 0)) throw new ClientError("--speed is a number above 0, --idle a number of seconds");
  return { file, speed, idleS };
}

function checkHeader(line: string, file: string): void {
  const header = parse(line);
  if (typeof header === "object" && header !== null && (header as { version?: unknown }).version === 2) return;
  throw new ClientError(`${file} is no recording in asciicast version 2`);
}

function readEvent(line: string, file: string, number: number): readonly [number, string, string] {
  const event = parse(line);
  if (Array.isArray(event) && typeof event[0] === "number" && typeof event[1] === "string" && typeof event[2] === "string") {
    return [event[0], event[1], event[2]];
  }
  throw new ClientError(`${file}: line ${number} is no event of a recording`);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
