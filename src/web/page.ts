import type { Size } from "./terminal.ts";

export type State = "connecting" | "connected" | "ended" | "asking";

/** The page around the terminal. */
export interface Page {
  readonly terminalHost: HTMLElement;
  /** Shows the state and its words; the button for a new session is there only in `ended`. */
  show(state: State, words: string): void;
  showTarget(target: string): void;
  showSize(size: Size): void;
  /** Resolves with the token that the user gives. */
  askToken(message: string): Promise<string>;
  /** Takes the place of the listener before. */
  onNewSession(listener: () => void): void;
  onScreenReader(listener: (on: boolean) => void): void;
}

/** Finds the parts of index.html. */
export function findPage(): Page {
  const status = find("status", HTMLElement);
  const again = find("again", HTMLButtonElement);
  const form = find("ask", HTMLFormElement);
  const terminalHost = find("terminal", HTMLElement);
  const reader = find("reader", HTMLButtonElement);
  leaveTerminalByKey(terminalHost, again, reader);
  return {
    terminalHost,
    show: (state, words) => {
      status.dataset.state = state;
      find("words", HTMLElement).textContent = words;
      again.hidden = state !== "ended";
      form.hidden = state !== "asking";
      terminalHost.hidden = state === "asking";
    },
    showTarget: (target) => {
      find("target", HTMLElement).textContent = target;
      document.title = `${target} · execgate`;
    },
    showSize: ({ cols, rows }) => {
      find("size", HTMLElement).textContent = `${cols} × ${rows}`;
    },
    askToken: (message) => askToken(form, message),
    onNewSession: (listener) => {
      again.onclick = listener;
    },
    onScreenReader: (listener) =>
      reader.addEventListener("click", () => {
        const on = reader.getAttribute("aria-pressed") !== "true";
        reader.setAttribute("aria-pressed", `${on}`);
        listener(on);
      }),
  };
}

function find<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html has no such element: ${id}`);
  return element;
}

/** The terminal takes every key, Tab too, so that the keyboard needs another way out. */
function leaveTerminalByKey(terminalHost: HTMLElement, again: HTMLButtonElement, reader: HTMLButtonElement): void {
  const leave = (event: KeyboardEvent): void => {
    if (event.key !== "F6" || !event.ctrlKey) return;
    event.preventDefault();
    event.stopPropagation();
    (again.hidden ? reader : again).focus();
  };
  terminalHost.addEventListener("keydown", leave, { capture: true });
}

function askToken(form: HTMLFormElement, message: string): Promise<string> {
  const input = find("token", HTMLInputElement);
  find("ask-message", HTMLElement).textContent = message;
  input.value = "";
  input.focus();
  return new Promise((resolve) => {
    const submit = (event: SubmitEvent): void => {
      event.preventDefault();
      const token = input.value.trim();
      if (token === "") return;
      form.removeEventListener("submit", submit);
      input.value = "";
      resolve(token);
    };
    form.addEventListener("submit", submit);
  });
}
