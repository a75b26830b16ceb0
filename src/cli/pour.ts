/** What is used of a writable stream, whoever made it. */
interface Sink {
  write(bytes: Uint8Array): boolean;
  end(bytes: undefined): unknown;
  on(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

/** The bytes of a stream that does not say of what it is one. */
export async function* bytesOf(source: AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  for await (const chunk of source) yield chunk as Uint8Array;
}

/** Resolves when `sink` takes more, or is closed. */
export function drained(sink: Pick<Sink, "on" | "off">): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      sink.off("drain", settle);
      sink.off("close", settle);
      resolve();
    };
    sink.on("drain", settle);
    sink.on("close", settle);
  });
}

/** Writes all of `source` into the sink that `open` gives, at the pace at which it takes, and resolves when that has called back. */
export async function pour(source: AsyncIterable<Uint8Array>, open: (done: (error?: Error | null) => void) => Sink): Promise<void> {
  let sink: Sink | undefined;
  const done = new Promise<void>((resolve, reject) => {
    sink = open((error) => (error ? reject(error) : resolve()));
  });
  // A sink that fails is told of below.
  done.catch(() => undefined);
  for await (const bytes of source) if (sink?.write(bytes) === false) await Promise.race([drained(sink), done]);
  sink?.end(undefined);
  await done;
}
