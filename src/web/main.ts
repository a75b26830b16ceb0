import { findPage, type Page } from "./page.ts";
import { runSession } from "./session.ts";
import { createTerminal, type TerminalView } from "./terminal.ts";
import { askTicket, type Wanted } from "./ticket.ts";
import { forgetToken, keepToken, keptToken, takeFragment } from "./token.ts";
import { describeEnd } from "./words.ts";

const askFirst = "The gateway shows it when it starts.";

/** The page's whole life: a session, its end, and again when the user wants; a token where the gateway wants one. */
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
    const next = takeFragment();
    if (next.token !== undefined || next.target !== fragment.target || next.reason !== fragment.reason) location.reload();
  });

  for (;;) {
    // Without a token too: behind a proxy that signs users in, none is needed.
    const token = keptToken();
    if (await session(page, terminal, token, { target, reason: fragment.reason })) {
      await newSession(page, terminal);
      terminal.reset();
    } else {
      forgetToken();
      await askToken(page, token === undefined ? askFirst : "The token was not accepted. Enter another one.");
    }
  }
}

async function askToken(page: Page, message: string): Promise<void> {
  page.show("asking", "not connected");
  keepToken(await page.askToken(message));
}

/** Runs one session and shows how it ended. Returns false, and shows nothing, when a token is needed for it. */
async function session(
  page: Page,
  terminal: TerminalView,
  token: string | undefined,
  wanted: Pick<Wanted, "target" | "reason">,
): Promise<boolean> {
  page.show("connecting", "connecting…");
  terminal.fit();
  page.showSize(terminal.size);
  terminal.focus();
  const base = document.baseURI;
  const admission = await askTicket(base, token, { ...wanted, ...terminal.size });
  if (admission.kind === "refused") {
    if (!admission.badToken) page.show("ended", admission.message);
    return !admission.badToken;
  }
  const end = await runSession(base, admission.ticket, terminal, (resolved) => {
    page.showTarget(resolved);
    page.show("connected", "connected");
  });
  const isLetIn = end.kind !== "lost" || end.opened;
  page.show("ended", isLetIn ? describeEnd(end) : "the connection could not be opened; something in between may stop WebSockets");
  return true;
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
