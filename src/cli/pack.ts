import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { type Pack, pack } from "tar-stream";
import { pour } from "./pour.ts";

/**
 * A local file or folder as a tar stream whose root has the name `root`. What is neither file, folder nor symbolic link is left out.
 * The stream fails with what could not be read.
 */
export function packTree(path: string, root: string): Pack {
  const archive = pack();
  void addTree(archive, path, root).then(
    () => archive.finalize(),
    (cause: Error) => archive.destroy(cause),
  );
  return archive;
}

type EntryHeader = Parameters<Pack["entry"]>[0];

async function addTree(archive: Pack, path: string, name: string): Promise<void> {
  const facts = await lstat(path);
  const header = { name, mode: facts.mode & 0o7777, mtime: facts.mtime };
  if (facts.isSymbolicLink()) await addEmpty(archive, { ...header, type: "symlink", linkname: await readlink(path) });
  else if (facts.isFile()) await addFile(archive, path, { ...header, type: "file", size: facts.size });
  else if (facts.isDirectory()) {
    await addEmpty(archive, { ...header, name: `${name}/`, type: "directory" });
    for (const child of await readdir(path)) await addTree(archive, join(path, child), `${name}/${child}`);
  }
}

/** A file that grows meanwhile is taken as long as it was; one that shrinks is a failure. */
async function addFile(archive: Pack, path: string, header: EntryHeader & { readonly size: number }): Promise<void> {
  if (header.size === 0) return await addEmpty(archive, header);
  await pour(createReadStream(path, { end: header.size - 1 }), (done) => archive.entry(header, done));
}

function addEmpty(archive: Pack, header: EntryHeader): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, "", (error) => (error ? reject(error) : resolve()));
  });
}
