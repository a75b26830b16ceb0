import type { Cast } from "./asciicast.ts";

/** Where a recording is shown. */
export interface Screen {
  reset(): void;
  write(text: string): void;
  resize(size: { readonly cols: number; readonly rows: number }): void;
}

/** A place in a recording: what came before it is on the screen. */
export class Player {
  readonly #cast: Cast;
  readonly #screen: Screen;
  /** The index of the first event that is not shown. */
  #next = 0;
  #position = 0;

  constructor(cast: Cast, screen: Screen) {
    this.#cast = cast;
    this.#screen = screen;
    this.#rewind();
  }

  /** Seconds. */
  get position(): number {
    return this.#position;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#cast.duration;
  }

  /** Shows the recording as it was at `position`. Backwards everything is shown anew, because a screen cannot be undone. */
  seek(position: number): void {
    const to = Math.min(Math.max(position, 0), this.#cast.duration);
    if (to < this.#position) this.#rewind();
    let output = "";
    for (let event = this.#cast.events[this.#next]; event !== undefined && event.at <= to; event = this.#cast.events[++this.#next]) {
      if ("output" in event) {
        output += event.output;
        continue;
      }
      if (output !== "") this.#screen.write(output);
      output = "";
      this.#screen.resize(event.size);
    }
    if (output !== "") this.#screen.write(output);
    this.#position = to;
  }

  #rewind(): void {
    this.#next = 0;
    this.#position = 0;
    this.#screen.reset();
    this.#screen.resize(this.#cast.size);
  }
}
