import type { TokenSource } from "./api.ts";
import type { State } from "./page-state.ts";
import type { Store } from "./store.ts";
import { forgetToken, keepToken, keptToken } from "./token.ts";

const askFirst = "The gateway shows it when it starts.";
const askAgain = "The token was not accepted. Enter another one.";

/** Asks somebody for a token, once for all requests that wait for one. */
export class Asking implements TokenSource {
  readonly #store: Store<State>;
  #answered: Promise<void> | undefined;
  #answer: () => void = () => undefined;

  constructor(store: Store<State>) {
    this.#store = store;
  }

  current(): string | undefined {
    return keptToken();
  }

  replace(refused: string | undefined): Promise<void> {
    // Another request may have been answered in between.
    if (keptToken() !== undefined && keptToken() !== refused) return Promise.resolve();
    this.#answered ??= this.#ask(refused);
    return this.#answered;
  }

  /** What somebody has entered. */
  take(token: string): void {
    keepToken(token);
    this.#store.update(() => ({ tokenAsked: undefined }));
    this.#answered = undefined;
    this.#answer();
  }

  #ask(refused: string | undefined): Promise<void> {
    forgetToken();
    this.#store.update(() => ({ tokenAsked: refused === undefined ? askFirst : askAgain }));
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }
}
