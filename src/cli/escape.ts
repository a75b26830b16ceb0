const tilde = 0x7e;
const dot = 0x2e;
const newline = 0x0a;
const carriageReturn = 0x0d;

/** Keys with the escapes taken out. */
export interface EscapeFilter {
  /** What is to be sent of `keys`; undefined when they ask for the end. */
  filter(keys: Uint8Array): Uint8Array | undefined;
}

/**
 * Understands `~.` at the beginning of a line, which ends the client, and `~~`, which sends one, as ssh does: in raw mode
 * no key of the terminal can stop a command that does not listen. A tilde is held back until the key behind it is known.
 */
export function createEscapeFilter(): EscapeFilter {
  let isLineStart = true;
  let isHeld = false;
  return {
    filter(keys) {
      const sent: number[] = [];
      for (const key of keys) {
        if (isHeld && key === dot) return undefined;
        if (isHeld && key !== tilde) sent.push(tilde);
        const opens = !isHeld && isLineStart && key === tilde;
        if (!opens) sent.push(key);
        isHeld = opens;
        isLineStart = key === newline || key === carriageReturn;
      }
      return Uint8Array.from(sent);
    },
  };
}
