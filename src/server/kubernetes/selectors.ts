import { ExecgateError } from "../../errors.ts";

/** Whether something with these labels, or fields, is selected. */
export type Selector = (values: Readonly<Record<string, string>>) => boolean;

const key = "[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?";
const value = "[A-Za-z0-9._-]*";
const forms = {
  set: new RegExp(String.raw`^(${key})\s+(in|notin)\s*\(([^()]*)\)$`),
  equality: new RegExp(String.raw`^(${key})\s*(==|=|!=)\s*(${value})$`),
  existence: new RegExp(String.raw`^(!?)\s*(${key})$`),
};

/**
 * Reads `labelSelector`: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a` and `!a`, all of which must hold. As in Kubernetes
 * what is not there is unequal to everything.
 * @throws BAD_REQUEST
 */
export function parseLabelSelector(text: string | undefined): Selector {
  const parts = splitOutside(text ?? "").map((part) => parseRequirement(part.trim()));
  return (labels) => parts.every((part) => part(labels));
}

/** Cuts at the commas that stand in no parentheses. */
function splitOutside(text: string): readonly string[] {
  return text.trim() === "" ? [] : text.split(/,(?![^()]*\))/);
}

function parseRequirement(part: string): Selector {
  const [, setKey = "", operator, listed = ""] = forms.set.exec(part) ?? [];
  if (operator !== undefined) {
    const values = listed.split(",").map((one) => one.trim());
    return (labels) => hasOneOf(labels, setKey, values) === (operator === "in");
  }
  const [, name = "", sign, wanted] = forms.equality.exec(part) ?? [];
  if (sign !== undefined) return (labels) => (labelOf(labels, name) === wanted) === (sign !== "!=");
  const [, not, present] = forms.existence.exec(part) ?? [];
  if (present !== undefined) return (labels) => (labelOf(labels, present) !== undefined) === (not === "");
  const message = `labelSelector: ${JSON.stringify(part)} is none of a=b, a!=b, a in (b,c), a notin (b,c), a, !a.`;
  throw new ExecgateError("BAD_REQUEST", message, { field: "labelSelector" });
}

/**
 * Reads `fieldSelector`: `metadata.name=x` and the like, all of which must hold.
 * @param known the fields that can be selected by
 * @throws BAD_REQUEST
 */
export function parseFieldSelector(text: string | undefined, known: readonly string[]): Selector {
  const parts = (text ?? "").split(",").filter((part) => part.trim() !== "");
  const selectors = parts.map((part): Selector => {
    const [, name = "", sign, wanted = ""] = /^([^=!]+)(==|=|!=)(.*)$/.exec(part.trim()) ?? [];
    if (sign !== undefined && known.includes(name)) return (fields) => (fields[name] === wanted) === (sign !== "!=");
    const message = `fieldSelector: ${JSON.stringify(part)} is not supported; select by ${known.join(", ")}.`;
    throw new ExecgateError("BAD_REQUEST", message, { field: "fieldSelector" });
  });
  return (fields) => selectors.every((selector) => selector(fields));
}

function hasOneOf(labels: Readonly<Record<string, string>>, name: string, values: readonly string[]): boolean {
  const has = labelOf(labels, name);
  return has !== undefined && values.includes(has);
}

function labelOf(labels: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}
