import { createReadStream } from "node:fs";
import type { ChainEnd } from "../access/audit/chain.ts";
import { verifyTrail } from "../access/audit/verify.ts";
import type { OperatorCommand } from "./index.ts";
import type { OperatorIo } from "./io.ts";
import { OperatorError } from "./operator-error.ts";

const usage = "execgate audit verify FILE…    rotated files of one trail, the oldest first";

/** A file that cannot be read (EX_NOINPUT of sysexits.h). */
const inputStatus = 66;

/** `execgate audit`: whether a trail is as it was written. */
export const audit: OperatorCommand = {
  usage,
  async run([action, ...files], io) {
    if (action !== "verify") throw new OperatorError(`audit: expected verify, got ${action}`);
    if (files.length === 0) throw new OperatorError("audit verify: expected a file");
    return await verify(files, io);
  },
};

/** Follows the chain through the files; the first line that is wrong ends it, with status 1. */
async function verify(files: readonly string[], io: OperatorIo): Promise<number> {
  let last: ChainEnd | undefined;
  for (const file of files) {
    const verdict = await verifyTrail(createReadStream(file, { highWaterMark: 1024 * 1024 }), last).catch((cause: Error) => {
      throw new OperatorError(cause.message, inputStatus);
    });
    if (!verdict.isIntact) {
      io.stdout.write(`${file}: line ${verdict.line} ${verdict.reason}\n`);
      return 1;
    }
    io.stdout.write(`${file}: intact, ${verdict.count} lines${rangeOf(verdict.first, verdict.last)}\n`);
    last = verdict.last ?? last;
  }
  return 0;
}

function rangeOf(first: ChainEnd | undefined, last: ChainEnd | undefined): string {
  if (first === undefined || last === undefined) return "";
  const carried = first.seq === 1 ? "" : `, carried on from ${first.hash}`;
  return `, seq ${first.seq} to ${last.seq}${carried}, last hash ${last.hash}`;
}
