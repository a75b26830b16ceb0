import { createHash } from "node:crypto";

/** The longest name of a pod, and the longest of a namespace or a container, characters. */
const subdomainMax = 253;
const labelMax = 63;

/** `text` as a DNS label: lower-case letters, digits and `-`, as namespaces and containers are named. */
export function dnsLabel(text: string): string {
  const label = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, labelMax)
    .replaceAll(/^-+|-+$/g, "");
  return label === "" ? "unnamed" : label;
}

/** `text` as a DNS subdomain, as pods are named: labels with dots between them. */
export function dnsSubdomain(text: string): string {
  const labels = text.split(".").map(dnsLabel).join(".").slice(0, subdomainMax);
  return labels.replace(/[.-]+$/, "");
}

/** What is to have a name: the text it goes by elsewhere, and a key that is its own. */
interface Nameable {
  readonly text: string;
  readonly key: string;
}

/**
 * Names pods of one namespace. The name is the DNS-safe form of the text. Where several come to the same, it is that of
 * the one whose text it is letter by letter, and each of the others has the beginning of a hash of its key behind it: which
 * names there are depends on what is there, never on the order in which it is listed.
 */
export function namePods<T extends Nameable>(items: readonly T[]): ReadonlyMap<string, T> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = dnsSubdomain(item.text);
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  const named = new Map<string, T>();
  const others: [string, T][] = [];
  for (const [name, group] of groups) {
    const exact = group.length === 1 ? group : group.filter(({ text }) => text === name);
    const [holder] = exact.length === 1 ? exact : [];
    if (holder !== undefined) named.set(name, holder);
    others.push(...group.filter((item) => item !== holder).map((item): [string, T] => [name, item]));
  }
  for (const [name, item] of others.sort(([, a], [, b]) => (a.key < b.key ? -1 : 1))) named.set(freeName(name, item.key, named), item);
  return named;
}

function freeName(name: string, key: string, taken: ReadonlyMap<string, unknown>): string {
  const hash = createHash("sha256").update(key).digest("hex");
  const lengths = [8, 16, 32, 64];
  const names = lengths.map((length) => `${name.slice(0, subdomainMax - length - 1).replace(/[.-]+$/, "")}-${hash.slice(0, length)}`);
  return names.find((candidate) => !taken.has(candidate)) ?? hash;
}

/** The first of `candidates` that is not taken, else the first with a number behind it. */
export function freeLabel(candidates: readonly [string, ...string[]], taken: ReadonlySet<string>): string {
  const free = candidates.find((candidate) => !taken.has(candidate));
  if (free !== undefined) return free;
  for (let number = 2; ; number++) {
    const candidate = `${candidates[0].slice(0, labelMax - 5)}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
