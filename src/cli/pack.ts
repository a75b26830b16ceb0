import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { type Pack, pack } from "tar-stream";
import { ClientError } from "./client-error.ts";
import { pour } from "./pour.ts";
import { visible } from "./table.ts";
import type { Skipped } from "./unpack.ts";

/**
 * A local file or folder as a tar stream whose root has the name `root`. What is neither file, folder nor symbolic link is left out,
 * and so are names that are no text. The stream fails with what could not be read.
 */
export function packTree(path: string, root: string, skipped: Skipped): Pack {
  const archive = pack();
  void addTree(archive, path, root, skipped).then(
    () => archive.finalize(),
    (cause: Error) => archive.destroy(cause),
  );
  return archive;
}

type EntryHeader = Parameters<Pack["entry"]>[0];

async function addTree(archive: Pack, path: string, name: string, skipped: Skipped): Promise<void> {
  const facts = await lstat(path);
  // With the bits of its type, which are not packed: tar-stream takes a mode of 0 for none.
  const header = { name, mode: facts.mode, mtime: facts.mtime };
  if (facts.isSymbolicLink()) await addEmpty(archive, { ...header, type: "symlink", linkname: await readlink(path) });
  else if (facts.isFile()) await addFile(archive, path, { ...header, type: "file", size: facts.size });
  else if (facts.isDirectory()) {
    await addEmpty(archive, { ...header, name: `${name}/`, type: "directory" });
    for (const child of await readdir(path, { encoding: "buffer" })) {
      const text = child.toString();
      if (isUtf8(child)) await addTree(archive, join(path, text), `${name}/${text}`, skipped);
      else skipped(`${visible(join(path, text))} is left out: a name that is no UTF-8`, true);
    }
  } else if (name.includes("/")) skipped(`${visible(path)} is left out: it is no file, folder or link`);
  else throw new ClientError(`${path} is no file, folder or link`);
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
