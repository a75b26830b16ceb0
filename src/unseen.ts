/**
 * What JSON leaves as it is and a reader does not see, or sees in another order than it stands: control characters beyond
 * ASCII, line separators, and format characters, those that turn the direction of text among them.
 */
const unseen = /[\u007f-\u009f\u2028\u2029\p{Cf}]/gu;

/** What nearly every line is, and is known by sooner than by looking for what is not seen. A line may end in its newline. */
const isPlain = /^[\x20-\x7e]*\n?$/;

/** The same JSON text with every such character escaped: what a line says is what a terminal shows. */
export function escapeUnseen(json: string): string {
  return isPlain.test(json) ? json : json.replace(unseen, escapeUnits);
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
}
