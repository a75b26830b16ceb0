import { open } from "node:fs/promises";
import type { KeySource } from "./key-set.ts";

/** The most that a key set may be, bytes. */
const bytesMax = 1_048_576;
/** How long reading one over the network may take, milliseconds. Whoever presents a token meanwhile waits as long. */
const fetchMsMax = 5000;

/** A key set that is published at a URL: read again every ten minutes, and for a new key at most twice a minute. */
export function urlKeySource(url: string): KeySource {
  return { name: url, freshMs: 600_000, pauseMs: 30_000, read: () => fetchText(url) };
}

/** A key set in a file, which costs little to read. */
export function fileKeySource(path: string): KeySource {
  return { name: path, freshMs: 5000, pauseMs: 1000, read: () => readText(path) };
}

async function fetchText(url: string): Promise<string> {
  // A redirect would lead to keys of somebody else's choice.
  const headers = { accept: "application/json" };
  const answer = await fetch(url, { redirect: "error", headers, signal: AbortSignal.timeout(fetchMsMax) });
  if (!answer.ok || answer.body === null) throw new Error(`the answer's status is ${answer.status}`);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body) {
    bytes += piece.byteLength;
    if (bytes > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

async function readText(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax + 1), 0, bytesMax + 1, 0);
    if (bytesRead > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
