import { findPage, type Page } from "./page.ts";
import { explainRefusal, type Refusal } from "./refusal.ts";
import { runSession } from "./session.ts";
import { createTerminal, type TerminalView } from "./terminal.ts";
import { forgetToken, keepToken, keptToken, takeFragment } from "./token.ts";
import { describeEnd } from "./words.ts";

const askFirst = "The gateway shows it when it starts.";

/** The page's whole life: a token, a session, its end, and again when the user wants. */
async function run(): Promise<never> {
  const fragment = takeFragment();
  const target = fragment.target ?? "host";
  const page = findPage();
  page.showTarget(target);
  const terminal = createTerminal(page.terminalHost);
  page.onScreenReader((on) => terminal.setScreenReader(on));
  terminal.onResize((size) => page.showSize(size));
  // A link with a new token, opened in this tab, changes nothing but the fragment.
  addEventListener("hashchange", () => {
    if (takeFragment().token !== undefined || takeFragment().target !== target) location.reload();
  });

  let message = askFirst;
  for (;;) {
    const token = keptToken() ?? (await askToken(page, message));
    const refusal = await session(page, terminal, token, target);
    if (refusal?.badToken) {
      forgetToken();
      message = "The token was not accepted. Enter another one.";
      continue;
    }
    await newSession(page, terminal);
    terminal.reset();
  }
}

async function askToken(page: Page, message: string): Promise<string> {
  page.show("asking", "not connected");
  const token = await page.askToken(message);
  keepToken(token);
  return token;
}

/** Runs one session and shows how it ended; a refusal of the token is returned and not shown. */
async function session(page: Page, terminal: TerminalView, token: string, target: string): Promise<Refusal | undefined> {
  page.show("connecting", "connecting…");
  terminal.fit();
  page.showSize(terminal.size);
  terminal.focus();
  const base = document.baseURI;
  const end = await runSession({ base, token, target }, terminal, (resolved) => {
    page.showTarget(resolved);
    page.show("connected", "connected");
  });
  if (end.kind !== "lost" || end.opened) {
    page.show("ended", describeEnd(end));
    return undefined;
  }
  const refusal = await explainRefusal(base, token, { target, tty: true, ...terminal.size });
  if (!refusal.badToken) page.show("ended", refusal.message);
  return refusal;
}

/** Resolves when the user wants another session: by the button, or by Enter in the terminal. */
function newSession(page: Page, terminal: TerminalView): Promise<void> {
  return new Promise((resolve) => {
    const enter = terminal.onInput((bytes) => {
      if (bytes.length === 1 && bytes[0] === 13) start();
    });
    const start = (): void => {
      enter();
      resolve();
    };
    page.onNewSession(start);
  });
}

void run();
