import type { Size, StreamName } from "../exec/runtime.ts";

/**
 * Writes the events of asciicast v2, a line each: `[seconds, "o", text]` for output and `[seconds, "r", "COLSxROWS"]` for a
 * new size. The format is text: a character that is split over pieces is held until it is whole, and a byte that is no
 * UTF-8 becomes U+FFFD. Output that went to no terminal has its line feeds turned into those of one, so that it looks right
 * where it is played.
 */
export class AsciicastEncoder {
  readonly #isTerminal: boolean;
  readonly #decoders: Readonly<Record<StreamName, TextDecoder>> = { stdout: createDecoder(), stderr: createDecoder() };

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  /** The line for a piece of output; empty when it ends nothing but a character's beginning. */
  output(stream: StreamName, bytes: Uint8Array, seconds: number): string {
    return this.#line(this.#decoders[stream].decode(bytes, { stream: true }), seconds);
  }

  resize({ cols, rows }: Size, seconds: number): string {
    return `[${seconds.toFixed(6)}, "r", "${cols}x${rows}"]\n`;
  }

  /** What is left of characters that never became whole. */
  end(seconds: number): string {
    return this.#line(this.#decoders.stdout.decode() + this.#decoders.stderr.decode(), seconds);
  }

  #line(text: string, seconds: number): string {
    if (text === "") return "";
    const shown = this.#isTerminal ? text : text.replaceAll("\n", "\r\n");
    return `[${seconds.toFixed(6)}, "o", ${JSON.stringify(shown)}]\n`;
  }
}

/** A mark of byte order is output like everything else. */
function createDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}
