const storageKey = "execgate.token";

/** What the page was opened with: the part of the address behind `#`, which never reaches a server. */
export interface Fragment {
  readonly token: string | undefined;
  readonly target: string | undefined;
  /** `SESSION.SECRET` of a link by which a session is watched. */
  readonly share: string | undefined;
  /** Why a session is wanted, for a policy that wants to know. */
  readonly reason: string | undefined;
  /** The fragment without the token, with its `#`, or empty. */
  readonly rest: string;
}

/** Reads `#token=…&target=…&reason=…`, or `#share=…`. Not as a form would: a `+` in a token is a `+`. */
export function parseFragment(hash: string): Fragment {
  const entries = hash
    .replace(/^#/, "")
    .split("&")
    .filter((entry) => entry !== "");
  const rest = entries.filter((entry) => !entry.startsWith("token="));
  return {
    token: entryValue(entries, "token"),
    target: entryValue(entries, "target"),
    share: entryValue(entries, "share"),
    reason: entryValue(entries, "reason"),
    rest: rest.length === 0 ? "" : `#${rest.join("&")}`,
  };
}

function entryValue(entries: readonly string[], key: string): string | undefined {
  const entry = entries.find((candidate) => candidate.startsWith(`${key}=`));
  if (entry === undefined || entry.length === key.length + 1) return undefined;
  const value = entry.slice(key.length + 1);
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Reads the address's fragment, and takes the token out of the address bar and the history at once. */
export function takeFragment(): Fragment {
  const fragment = parseFragment(location.hash);
  if (fragment.token !== undefined) {
    history.replaceState(history.state, "", location.pathname + location.search + fragment.rest);
    keepToken(fragment.token);
  }
  return fragment;
}

/** Where a browser refuses storage to the page, the token lasts until the next reload. */
let current: string | undefined;

/** Keeps the token for reloads of this tab; other tabs do not see it, and it goes when the tab is closed. */
export function keepToken(token: string): void {
  current = token;
  withStorage((storage) => storage.setItem(storageKey, token));
}

export function keptToken(): string | undefined {
  current ??= withStorage((storage) => storage.getItem(storageKey)) ?? undefined;
  return current;
}

export function forgetToken(): void {
  current = undefined;
  withStorage((storage) => storage.removeItem(storageKey));
}

function withStorage<Value>(use: (storage: Storage) => Value): Value | undefined {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}
