import { type Api, Refusal } from "../api.ts";
import type { RecordingTab } from "../page-state.ts";
import { createPanelElement, type Panel } from "../panel.ts";
import type { Settings } from "../settings.ts";
import { createTerminal, type TerminalView } from "../terminal/terminal.ts";
import { parseCast } from "./asciicast.ts";
import { Player } from "./player.ts";

export interface PlaybackPanelOptions {
  readonly id: string;
  readonly recording: string;
  readonly api: Api;
  readonly settings: Settings;
  /** Changes the tab in the page's state. */
  patch(change: Partial<RecordingTab>): void;
}

/** How often the place is told while it plays, milliseconds: smooth to the eye, and no work for the page. */
const toldEveryMs = 100;

/**
 * A recording on a terminal. It is the page's own one that plays it: the players there are bring a second terminal along,
 * whose WebAssembly the page's content security policy would have to let in.
 */
export class PlaybackPanel implements Panel {
  readonly element: HTMLElement;
  readonly #options: PlaybackPanelOptions;
  readonly #terminal: TerminalView;
  #player: Player | undefined;
  #speed = 1;
  #frame: number | undefined;
  #toldMs = 0;
  #text = "";

  constructor(options: PlaybackPanelOptions) {
    const { id, settings, patch } = options;
    this.#options = options;
    this.element = createPanelElement(id, "Recording");
    const host = document.createElement("div");
    host.className = "terminal";
    this.element.append(host);
    document.getElementById("panels")?.append(this.element);
    this.element.hidden = false;
    this.#terminal = createTerminal({ host, settings, label: "Recording", isLive: false });
    this.#terminal.onResize((size) => patch({ size }));
  }

  /** Reads the recording, and begins to play it. Called once. */
  async load(): Promise<void> {
    const { api, recording, patch } = this.#options;
    try {
      this.#text = await api.text(`v1/sessions/${recording}/recording`);
      const cast = parseCast(this.#text);
      this.#player = new Player(cast, {
        reset: () => this.#terminal.reset(),
        write: (text) => void this.#terminal.write(text),
        resize: (size) => this.#terminal.resize(size),
      });
      patch({ state: "paused", words: "recording", duration: cast.duration, size: this.#terminal.size });
      this.play();
    } catch (cause) {
      patch({ state: "failed", words: cause instanceof Refusal ? `refused: ${cause.message}` : String(cause) });
    }
  }

  toggle(): void {
    if (this.#frame === undefined) this.play();
    else this.pause();
  }

  play(): void {
    const player = this.#player;
    if (player === undefined || this.#frame !== undefined) return;
    if (player.isAtEnd) player.seek(0);
    this.#options.patch({ state: "playing", position: player.position });
    let beforeMs = performance.now();
    const step = (nowMs: number): void => {
      player.seek(player.position + ((nowMs - beforeMs) / 1000) * this.#speed);
      beforeMs = nowMs;
      if (player.isAtEnd) {
        this.pause();
        return;
      }
      if (nowMs - this.#toldMs >= toldEveryMs) this.#tell(nowMs);
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  pause(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#options.patch({ state: "paused", position: this.#player?.position ?? 0 });
  }

  seek(position: number): void {
    this.#player?.seek(position);
    this.#tell(performance.now());
  }

  setSpeed(speed: number): void {
    this.#speed = speed;
    this.#options.patch({ speed });
  }

  /** Gives the file to the browser to keep. */
  download(): void {
    const address = URL.createObjectURL(new Blob([this.#text], { type: "application/x-asciicast" }));
    Object.assign(document.createElement("a"), { href: address, download: `${this.#options.recording}.cast` }).click();
    setTimeout(() => URL.revokeObjectURL(address));
  }

  show(isShown: boolean): void {
    this.element.hidden = !isShown;
    this.#terminal.setVisible(isShown);
    if (!isShown && this.#frame !== undefined) this.pause();
  }

  focus(): void {
    document.getElementById("play")?.focus();
  }

  apply(settings: Settings): void {
    this.#terminal.apply(settings);
  }

  close(): void {
    this.pause();
    this.#terminal.dispose();
    this.element.remove();
  }

  #tell(nowMs: number): void {
    this.#toldMs = nowMs;
    this.#options.patch({ position: this.#player?.position ?? 0 });
  }
}
