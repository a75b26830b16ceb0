import { constants } from "node:fs";
import { lstat, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, posix, resolve } from "node:path";
import { type Extract, extract, type Pack, pack } from "tar-stream";
import { failedStatus } from "../output-end.ts";
import { parseFlags } from "./arguments.ts";
import { ClientError } from "./client-error.ts";
import { type Endpoint, findEndpoint } from "./endpoint.ts";
import { abortAtInterrupt } from "./interrupts.ts";
import type { ClientIo } from "./io.ts";
import { packTree } from "./pack.ts";
import { bytesOf, drained, pour } from "./pour.ts";
import { type RemoteEnd, runRemote } from "./remote-command.ts";
import { visible } from "./table.ts";
import { isMisread, nameOf, type Skipped, unpackTree } from "./unpack.ts";

/** One side of a copy. */
export interface Side {
  /** Undefined for this machine. */
  readonly target: string | undefined;
  readonly path: string;
}

/** What every part of a copy has to know. */
interface Copying {
  readonly endpoint: Endpoint;
  readonly skipped: Skipped;
  readonly interrupted: AbortSignal;
}

/**
 * `execgate cp [TARGET:]SRC [TARGET:]DST`: copies a file or a folder by `tar` of the target, as a stream. Into a folder that is there it
 * goes under its own name, else it becomes DST. Where a file had to be left out the status is 255.
 * @throws ClientError for what could not be copied
 */
export async function cp(args: readonly string[], io: ClientIo): Promise<number> {
  const { values, positionals } = parseFlags(args, {});
  const [from, to, ...more] = positionals.map(parseSide);
  if (from === undefined || to === undefined || more.length > 0) throw new ClientError("say execgate cp [TARGET:]SRC [TARGET:]DST");
  const endpoint = findEndpoint(values, io.env);
  let status = 0;
  const skipped: Skipped = (text, isLoss) => {
    io.stderr.write(`execgate: ${text}\n`);
    if (isLoss) status = failedStatus;
  };
  if (from.target === undefined && to.target === undefined)
    throw new ClientError("one of the two must name a target, as in host:/tmp/file");
  const interrupts = abortAtInterrupt(io);
  const copying = { endpoint, skipped, interrupted: interrupts.signal };
  try {
    if (to.target === undefined) await download(copying, from, to.path);
    else await upload(copying, from, to);
    return status;
  } catch (cause) {
    const interruptedStatus = interrupts.status();
    if (interruptedStatus === undefined) throw cause;
    return interruptedStatus;
  } finally {
    interrupts.stop();
  }
}

/**
 * Reads `TARGET:PATH`. The path begins behind the first colon that a slash follows, else behind the last colon; what begins
 * with a slash or a dot is a path of this machine, whatever colons are in it.
 */
export function parseSide(text: string): Side {
  if (/^[./]/.test(text) || !text.includes(":")) return { target: undefined, path: text };
  const at = text.includes(":/") ? text.indexOf(":/") : text.lastIndexOf(":");
  return { target: text.slice(0, at), path: text.slice(at + 1) || "." };
}

async function download(copying: Copying, from: Side, path: string): Promise<void> {
  const archive = extract();
  const name = nameOf(from.path);
  const unpacked = unpackTree(archive, { root: await localPlace(path, name), isNameless: name === undefined, skipped: copying.skipped });
  const [ended] = await settle([readArchive(copying, from, archive), unpacked]);
  refuse(ended, "tar");
}

async function upload(copying: Copying, from: Side, to: Side): Promise<void> {
  const { endpoint, skipped, interrupted } = copying;
  const there = { target: to.target ?? "", interrupted };
  const isFolder = (await runRemote(endpoint, { ...there, command: ["test", "-d", to.path] })).status === 0;
  const name = from.target === undefined ? basename(resolve(from.path)) : nameOf(from.path);
  if (isFolder && (name === undefined || name === "")) throw new ClientError(`${from.path} has no name to be copied under`);
  const place = isFolder ? posix.join(to.path, name ?? "") : to.path;
  const root = nameOf(place);
  if (root === undefined) throw new ClientError(`${to.path} is no place to copy to`);
  const command = ["tar", "-xmf", "-", "-C", posix.dirname(place)];
  if (from.target === undefined) {
    await lstat(from.path).catch((cause: Error) => {
      throw new ClientError(cause.message);
    });
    const [ended] = await settle([runRemote(endpoint, { ...there, command, stdin: bytesOf(packTree(from.path, root, skipped)) })]);
    refuse(ended, "tar");
    return;
  }
  const [archive, renamed] = [extract(), pack()];
  const [read, , written] = await settle([
    readArchive(copying, from, archive),
    rename(archive, renamed, root, nameOf(from.path) === undefined, skipped),
    runRemote(endpoint, { ...there, command, stdin: bytesOf(renamed) }),
  ]);
  refuse(read, "tar");
  refuse(written, "tar");
}

/** Has `tar` on the target pack `from`, into `archive`. */
async function readArchive({ endpoint, interrupted }: Copying, { target = "", path }: Side, archive: Extract): Promise<RemoteEnd> {
  const name = nameOf(path);
  // Behind ./ no name is taken for a flag.
  const what = name === undefined ? ["-C", path, "."] : ["-C", posix.dirname(posix.normalize(path)), `./${name}`];
  try {
    return await runRemote(endpoint, {
      target,
      interrupted,
      command: ["tar", "-cf", "-", ...what],
      stdout: (bytes) => {
        if (archive.destroyed) throw new Error("The archive could not be unpacked.");
        return archive.write(bytes) ? undefined : drained(archive);
      },
    });
  } finally {
    archive.end(undefined);
  }
}

/** The same entries below another root, where a second name of a file is one of the copy. */
async function rename(from: Extract, to: Pack, root: string, isNameless: boolean, skipped: Skipped): Promise<void> {
  const renamed = (name: string): string => {
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    return [root, ...(isNameless ? parts : parts.slice(1))].join("/");
  };
  for await (const entry of from) {
    const { header } = entry;
    if (isMisread(header)) {
      skipped(`${visible(header.name)} is left out: a name that is no UTF-8`, true);
      entry.resume();
      continue;
    }
    const second = header.type === "link" && { linkname: renamed(header.linkname ?? "") };
    // tar-stream takes a mode of 0 for none, and packs the rights alone.
    const mode = (header.mode ?? 0o644) | constants.S_IFREG;
    await pour(bytesOf(entry), (done) => to.entry({ ...header, mode, name: renamed(header.name), ...second, pax: null }, done));
  }
  to.finalize();
}

/** Waits for all, and fails with the first that failed for a reason of its own: what the others say then follows from it. */
async function settle<const All extends readonly Promise<unknown>[]>(all: All) {
  const settled = await Promise.allSettled(all);
  const failures = settled.flatMap((each) => (each.status === "rejected" ? [each.reason as Error] : []));
  const ends = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  for (const end of ends) refuse(end as RemoteEnd | undefined, "tar");
  const failure = failures.find((each) => each instanceof ClientError) ?? failures[0];
  if (failure !== undefined) throw failure instanceof ClientError ? failure : new ClientError(failure.message, { cause: failure });
  return ends as { -readonly [Key in keyof All]: Awaited<All[Key]> };
}

function refuse(end: RemoteEnd | undefined, command: string): void {
  if (end === undefined || end.status === 0) return;
  throw new ClientError(`${command} on the target failed with ${end.status}${end.complaint === "" ? "" : `: ${end.complaint}`}`);
}

/** Where what is called `name` goes on this machine: into a folder that is there, else to the path itself. */
async function localPlace(path: string, name: string | undefined): Promise<string> {
  const isFolder = await stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  // A link to a folder is the caller's own: it is followed here, and none below.
  if (isFolder) return join(await realpath(path), name ?? "");
  const parent = await realpath(dirname(resolve(path))).catch((cause: Error) => {
    throw new ClientError(cause.message);
  });
  return join(parent, basename(path));
}
