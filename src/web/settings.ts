/** How somebody wants the page to look; kept in this browser. */
export interface Settings {
  readonly theme: "system" | "light" | "dark";
  /** Of the terminal, pixels. */
  readonly fontSize: number;
  /** Keeps a text copy of the screen for screen readers. */
  readonly isReadAloud: boolean;
}

export const fontSizeMin = 9;
export const fontSizeMax = 28;
const storageKey = "execgate.settings";
const defaults: Settings = { theme: "system", fontSize: 14, isReadAloud: false };

/** What was kept, as far as it makes sense. */
export function readSettings(): Settings {
  try {
    const { theme, fontSize, isReadAloud } = JSON.parse(localStorage.getItem(storageKey) ?? "{}") as Partial<Settings>;
    return {
      theme: theme === "light" || theme === "dark" ? theme : defaults.theme,
      fontSize: Number.isInteger(fontSize) ? clampFontSize(Number(fontSize)) : defaults.fontSize,
      isReadAloud: isReadAloud === true,
    };
  } catch {
    return defaults;
  }
}

/** Where a browser refuses storage, they last until the next reload. */
export function keepSettings(settings: Settings): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(settings));
  } catch {
    return;
  }
}

export function clampFontSize(size: number): number {
  return Math.min(fontSizeMax, Math.max(fontSizeMin, size));
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");

export function isDark({ theme }: Settings): boolean {
  return theme === "system" ? systemDark.matches : theme === "dark";
}

/** Calls `then` when the system turns light or dark. */
export function onSystemTheme(then: () => void): void {
  systemDark.addEventListener("change", then);
}
