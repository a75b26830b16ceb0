import { type Api, Refusal } from "./api.ts";
import type { Dialog, Share, State } from "./page-state.ts";
import type { Store } from "./store.ts";
import { copyText } from "./terminal/clipboard.ts";

/** Links by which others can watch a session: made, copied and revoked. Only who made one in this page sees it here. */
export class Shares {
  readonly #store: Store<State>;
  readonly #api: Api;

  constructor(store: Store<State>, api: Api) {
    this.#store = store;
    this.#api = api;
  }

  async create(session: string, expiresMs: number): Promise<void> {
    await this.#attempt(async () => {
      const { id, url } = await this.#api.post<{ id: string; url: string }>(`v1/sessions/${session}/shares`, { expiresMs });
      const share: Share = { id, url, expiresAt: Date.now() + expiresMs };
      this.#change(session, (shares) => [...shares, share]);
    });
  }

  async revoke(session: string, share: string): Promise<void> {
    await this.#attempt(async () => {
      await this.#api.remove(`v1/sessions/${session}/shares/${share}`);
      this.#change(session, (shares) => shares.filter(({ id }) => id !== share));
    });
  }

  async copy({ id, url }: Share): Promise<void> {
    if (await copyText(url)) this.#patchDialog({ copied: id });
  }

  #change(session: string, change: (shares: readonly Share[]) => readonly Share[]): void {
    this.#store.update(({ shares }) => ({ shares: { ...shares, [session]: change(shares[session] ?? []) } }));
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    this.#patchDialog({ failure: undefined, copied: undefined });
    try {
      await act();
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      this.#patchDialog({ failure: cause.message });
    }
  }

  #patchDialog(change: Partial<Extract<Dialog, { kind: "share" }>>): void {
    this.#store.update(({ dialog }) => (dialog?.kind === "share" ? { dialog: { ...dialog, ...change } } : {}));
  }
}
