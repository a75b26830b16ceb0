import type { run } from "node:test";

type TestEvent = ReturnType<typeof run> extends AsyncIterable<infer Event> ? Event : never;

const widths = [4, 76, 14, 10];

/** What the events of the fault files come to: the lines of a table as they fall due, and how many rows are of which kind. */
export class Table {
  readonly counts = { holds: 0, BROKEN: 0, bestEffort: 0, skipped: 0 };

  readonly head = toLine("", "what was measured", "measured", "limit", "verdict");

  /** The lines that an event adds. */
  *take({ type, data }: TestEvent): Iterable<string> {
    // A row of a promise is its test's diagnostic; the summary of the whole run comes as diagnostics without a file.
    if (type === "test:diagnostic" && data.file !== undefined) yield this.#row(data.message);
    if (type === "test:pass" && data.skip !== undefined) {
      const [id = "", title = ""] = data.name.split(/: (.*)/);
      yield this.#count("skipped", toLine(id, title, "", "", `skipped: ${data.skip}`));
    }
    // A suite fails by its tests, which tell it themselves.
    if (type === "test:fail" && data.details.type !== "suite" && !isOfRows(data.details.error)) {
      yield this.#count("BROKEN", toLine("", data.name, "", "", `BROKEN: ${messageOf(data.details.error)}`));
    }
  }

  get summary(): string {
    const { holds, BROKEN, bestEffort, skipped } = this.counts;
    return `${holds} hold, ${BROKEN} broken, ${bestEffort} best effort, ${skipped} skipped`;
  }

  #row(message: string): string {
    const columns = message.split("\t");
    const verdict = columns[4]?.split(":")[0] ?? "";
    return this.#count(verdict in this.counts ? (verdict as keyof Table["counts"]) : "BROKEN", toLine(...columns));
  }

  #count(kind: keyof Table["counts"], line: string): string {
    this.counts[kind]++;
    return line;
  }
}

function toLine(...columns: string[]): string {
  return columns
    .map((column, at) => column.padEnd(widths[at] ?? 0))
    .join("  ")
    .trimEnd();
}

/** Whether a test failed for its rows alone, which have told so themselves. */
function isOfRows(error: Error): boolean {
  const { cause } = error;
  return cause instanceof Error && "actual" in cause && Array.isArray(cause.actual) && "expected" in cause && Array.isArray(cause.expected);
}

function messageOf(error: Error): string {
  const { cause } = error;
  return (cause instanceof Error ? cause.message : error.message).split("\n")[0] ?? "";
}
