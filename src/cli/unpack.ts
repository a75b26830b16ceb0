import { chmod, link, lstat, mkdir, open, rm, symlink, utimes } from "node:fs/promises";
import { dirname, join, posix, relative, sep } from "node:path";
import type { Extract, Header } from "tar-stream";
import { ClientError } from "./client-error.ts";
import { bytesOf } from "./pour.ts";
import { visible } from "./table.ts";

/** Told of what was left out, and why; `isLoss` where that is a file that a copy ought to have. */
export type Skipped = (text: string, isLoss?: true) => void;

export interface UnpackOptions {
  /** A path of this machine, which stands for the first part of each name. */
  readonly root: string;
  /** The archive is of a folder without a name: no first part is taken away. */
  readonly isNameless: boolean;
  readonly skipped: Skipped;
}

/**
 * Writes what an archive holds below `root`, and nothing elsewhere, whatever it says: who packed it may be hostile. A name that
 * is absolute or holds `..`, or that leads through a symbolic link, ends it; links that point out of `root` are left out.
 * @throws ClientError for such a name
 */
export async function unpackTree(archive: Extract, options: UnpackOptions): Promise<void> {
  const folders: { readonly path: string; readonly header: Header }[] = [];
  for await (const entry of archive) {
    const { header } = entry;
    const path = pathOf(header.name, options);
    if (isMisread(header)) options.skipped(`${visible(header.name)} is left out: a name that is no UTF-8`, true);
    else {
      await unpackEntry(entry, path, options);
      if (header.type === "directory") folders.push({ path, header });
    }
    entry.resume();
  }
  // Last, because a folder that cannot be written could not be filled, and filling it changes its time.
  for (const { path, header } of folders.reverse()) await setFacts(path, header);
}

/** Whether a name was no UTF-8: two of them may have become the same, and none is what it was. */
export function isMisread({ name, linkname }: Header): boolean {
  return `${name}${linkname ?? ""}`.includes("\ufffd");
}

type Entry = AsyncIterable<unknown> & { readonly header: Header };

async function unpackEntry(entry: Entry, path: string, options: UnpackOptions): Promise<void> {
  const { header } = entry;
  const { root, skipped } = options;
  const shown = visible(header.name);
  await makeFolders(dirname(path), root);
  switch (header.type) {
    case "directory":
      await makeFolder(path, shown);
      return;
    case "file":
    case "contiguous-file":
      await clear(path, shown);
      // Never through a link: whatever stood there is gone, and what comes in between makes this fail.
      await writeFile(path, bytesOf(entry));
      await setFacts(path, header);
      return;
    case "symlink": {
      const linkname = header.linkname ?? "";
      if (!(await leadsWithin(root, dirname(path), linkname))) {
        return skipped(`${shown} is left out: it links to ${visible(linkname)}`);
      }
      await clear(path, shown);
      await symlink(linkname, path);
      return;
    }
    case "link": {
      const source = pathOf(header.linkname ?? "", options);
      await makeFolders(dirname(source), root);
      if (!(await lstat(source)).isFile()) throw new ClientError(`${shown} links to what is no file`);
      await clear(path, shown);
      await link(source, path);
      return;
    }
    default:
      skipped(`${shown} is left out: it is a ${header.type}`);
  }
}

async function writeFile(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    for await (const piece of bytes) await file.appendFile(piece);
  } finally {
    await file.close();
  }
}

/** The path for a name of the archive. */
function pathOf(name: string, { root, isNameless }: UnpackOptions): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (name.startsWith("/") || parts.includes("..") || name.includes("\0")) {
    throw new ClientError(`the archive holds the name ${visible(name)}, which leads out of the destination`);
  }
  return join(root, ...(isNameless ? parts : parts.slice(1)));
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`);
}

/**
 * Whether a link in `folder` leads to within `root`, and will whatever the archive still holds: `..` stands for the folder above only
 * behind a folder, which stays one; behind a link it is the one above where that leads.
 */
async function leadsWithin(root: string, folder: string, linkname: string): Promise<boolean> {
  let path = folder;
  for (const part of linkname.split("/")) {
    if (part === ".." && !(await isFolder(path))) return false;
    path = join(path, part);
  }
  return isWithin(root, path) && !linkname.startsWith("/");
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}

/** Makes the folders from `root` down to `path`, none of which may be a link. What is above `root` is the caller's own. */
async function makeFolders(path: string, root: string): Promise<void> {
  if (!isWithin(root, path)) return;
  await makeFolders(dirname(path), root);
  await makeFolder(path, visible(path));
}

async function makeFolder(path: string, shown: string): Promise<void> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isDirectory()) return;
  if (facts !== undefined) throw new ClientError(`${shown} is there already, and is no folder`);
  await mkdir(path, { mode: 0o700 });
}

/** Takes away what stands where a file is to be; a folder is not taken away. */
async function clear(path: string, shown: string): Promise<void> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isDirectory()) throw new ClientError(`${shown} is there already, and is a folder`);
  if (facts !== undefined) await rm(path);
}

/** Rights without those of set-user-id and the like, and the time of the last change. */
async function setFacts(path: string, { mode = 0o644, mtime = new Date() }: Header): Promise<void> {
  await chmod(path, mode & 0o777);
  await utimes(path, mtime, mtime);
}

/** The last part of a path of a target, as a name for what is copied; undefined for one that has none, such as `/` or `..`. */
export function nameOf(path: string): string | undefined {
  const name = posix.basename(posix.normalize(path));
  return name === "" || name === "." || name === ".." || name === "/" ? undefined : name;
}
