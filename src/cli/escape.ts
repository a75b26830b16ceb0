const tilde = 0x7e;
const newline = 0x0a;
const carriageReturn = 0x0d;

/** What keys behind a tilde ask for. */
export type Wish = "end" | "detach" | "suspend";

const wishes: Readonly<Record<number, Wish>> = { 46: "end", 100: "detach", 26: "suspend" };

/** What is to be sent of some keys, and what they ask for then. */
export interface Filtered {
  readonly keys: Uint8Array;
  readonly wish: Wish | undefined;
  /** Keys behind the wish, which were not looked at. */
  readonly rest: Uint8Array;
}

/** Keys with the escapes taken out. */
export interface EscapeFilter {
  filter(keys: Uint8Array): Filtered;
}

/**
 * Understands `~.` at the beginning of a line, which ends the session, `~d`, which leaves it, `~^Z`, which suspends the
 * client, and `~~`, which sends one, as ssh does: in raw mode no key of the terminal can stop a command that does not listen.
 * A tilde is held back until the key behind it is known.
 */
export function createEscapeFilter(): EscapeFilter {
  let isLineStart = true;
  let isHeld = false;
  return {
    filter(keys) {
      const sent: number[] = [];
      for (const [at, key] of keys.entries()) {
        const wish = isHeld ? wishes[key] : undefined;
        if (wish !== undefined) {
          isHeld = false;
          return { keys: Uint8Array.from(sent), wish, rest: keys.subarray(at + 1) };
        }
        if (isHeld && key !== tilde) sent.push(tilde);
        const opens = !isHeld && isLineStart && key === tilde;
        if (!opens) sent.push(key);
        isHeld = opens;
        isLineStart = key === newline || key === carriageReturn;
      }
      return { keys: Uint8Array.from(sent), wish: undefined, rest: new Uint8Array() };
    },
  };
}
