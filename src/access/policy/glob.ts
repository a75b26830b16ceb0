/** A glob, compiled: matches a whole name. */
export interface Glob {
  readonly text: string;
  matches(name: string): boolean;
}

/** Marks that mean something in other globs and nothing here, and what no target is called. */
const refusedMarks = /[[\]{}()!\\|^$,\s\p{Cc}\p{Cf}]/u;

/** What is wrong with a glob, as the end of a sentence; undefined when it is one. */
export function faultOfGlob(text: string): string | undefined {
  if (text === "") return "is empty";
  const mark = refusedMarks.exec(text)?.[0];
  if (mark !== undefined) return `holds ${JSON.stringify(mark)}, which no glob takes; a glob knows * (not /), ** and ? only`;
  if (text.includes("***")) return "holds ***; write * (not across /) or **";
  return undefined;
}

/**
 * Compiles a glob: `*` is any characters but `/`, `**` any at all, `?` one that is not `/`, everything else itself.
 * Matching takes time in proportion to glob times name, whatever they hold.
 */
export function compileGlob(text: string): Glob {
  const start = /[*?]/.exec(text)?.index;
  if (start === undefined) return { text, matches: (name) => name === text };
  const prefix = text.slice(0, start);
  const rest = text.slice(start);
  if (rest === "**") return { text, matches: (name) => name.startsWith(prefix) };
  if (rest === "*") return { text, matches: (name) => name.startsWith(prefix) && !name.includes("/", prefix.length) };
  const tokens = rest.match(/\*\*|./gsu) ?? [];
  return { text, matches: (name) => name.startsWith(prefix) && matchesTokens(tokens, name.slice(prefix.length)) };
}

/** Follows all ways of reading the glob at once; a place is the number of tokens that stand for what was read. */
function matchesTokens(tokens: readonly string[], name: string): boolean {
  let places = pastStars(tokens, new Set([0]));
  for (const character of name) {
    const next = new Set<number>();
    for (const place of places) {
      const token = tokens[place];
      if (takes(token, character)) next.add(isStar(token) ? place : place + 1);
    }
    places = pastStars(tokens, next);
  }
  return places.has(tokens.length);
}

/** A star may stand for nothing: whoever is before one is behind it too. */
function pastStars(tokens: readonly string[], places: Set<number>): Set<number> {
  for (const place of places) if (isStar(tokens[place])) places.add(place + 1);
  return places;
}

function isStar(token: string | undefined): boolean {
  return token === "*" || token === "**";
}

function takes(token: string | undefined, character: string): boolean {
  return token === "**" || token === character || ((token === "*" || token === "?") && character !== "/");
}
