import { randomFillSync } from "node:crypto";

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const randomPool = Buffer.alloc(4096);
let poolUsed = randomPool.length;

/**
 * A ULID: 48 bits of time and 80 of randomness in 26 characters of Crockford's base 32, so that ids sort by their time.
 * @param now milliseconds since 1970
 */
export function createId(now: number): string {
  let id = "";
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) id = alphabet[rest % 32] + id;
  if (poolUsed + 16 > randomPool.length) {
    randomFillSync(randomPool);
    poolUsed = 0;
  }
  for (let i = 0; i < 16; i++) id += alphabet[(randomPool[poolUsed++] ?? 0) & 31];
  return id;
}

/** Whether `text` has the form of an id. */
export function isId(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}
