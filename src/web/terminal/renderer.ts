import type { WebglAddon } from "@xterm/addon-webgl";
import type { Terminal } from "@xterm/xterm";

/**
 * Draws a terminal by the graphics card while it is seen. Where that is not possible, or stops to be, xterm.js draws it by
 * elements of the page. Browsers allow a few such contexts only, so that a hidden terminal gives its own back.
 */
export class Renderer {
  readonly #terminal: Terminal;
  #addon: WebglAddon | undefined;
  #isWanted = false;
  #isBroken = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  use(isWanted: boolean): void {
    this.#isWanted = isWanted;
    if (isWanted) void this.#load();
    else this.#drop();
  }

  /** Loaded when the terminal stands already: it is not needed for the first prompt. */
  async #load(): Promise<void> {
    if (this.#isBroken || this.#addon !== undefined || !hasWebgl()) return;
    const { WebglAddon } = await import("@xterm/addon-webgl");
    if (!this.#isWanted || this.#addon !== undefined) return;
    try {
      // What is drawn stays there when it was shown, else nothing of it would be on paper.
      const addon = new WebglAddon(true);
      addon.onContextLoss(() => {
        this.#isBroken = true;
        this.#drop();
      });
      this.#terminal.loadAddon(addon);
      this.#addon = addon;
    } catch {
      this.#isBroken = true;
    }
  }

  #drop(): void {
    this.#addon?.dispose();
    this.#addon = undefined;
  }
}

/** Asked before anything is loaded, so that a machine without it sees no error. A slow stand-in by the processor does not count. */
function hasWebgl(): boolean {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", { failIfMajorPerformanceCaveat: true }) as WebGL2RenderingContext | null;
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}
