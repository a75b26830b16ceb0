/** What the Status at the end of a stream says: the command's exit code, or why there is none. */
export type Verdict = { readonly exitCode: number } | { readonly failure: string };

/** A Status is a few hundred bytes; a long message in it is no reason to hold more. */
const statusBytesMax = 64 * 1024;
/** One message carries it, or a few where a proxy has cut it: each is a try to read it. */
const piecesMax = 64;

/**
 * Reads the Status from the pieces in which it may come. `push` gives the verdict once it is whole.
 *
 * Nothing is read into a Status that is not in it: neither success into one without the word, nor a number that no exit
 * code can be.
 */
export class StatusReader {
  #pieces: Buffer[] = [];
  #bytes = 0;

  push(piece: Buffer): Verdict | undefined {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes > statusBytesMax || this.#pieces.length > piecesMax) return { failure: "the Status is too long to be one" };
    const status = parse(Buffer.concat(this.#pieces).toString());
    return status === undefined ? undefined : verdictOf(status);
  }
}

interface Status {
  readonly status?: unknown;
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly details?: { readonly causes?: readonly { readonly reason?: unknown; readonly message?: unknown }[] };
}

function verdictOf(status: Status): Verdict {
  if (status.status === "Success") return { exitCode: 0 };
  const said = typeof status.message === "string" ? status.message : "the Status says nothing";
  if (status.status !== "Failure" || status.reason !== "NonZeroExitCode") return { failure: said };
  const causes = Array.isArray(status.details?.causes) ? status.details.causes : [];
  const text = causes.find((cause) => cause?.reason === "ExitCode")?.message;
  const exitCode = typeof text === "string" && /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return exitCode > 0 && exitCode <= 255 ? { exitCode } : { failure: said };
}

function parse(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
