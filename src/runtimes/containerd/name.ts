/** What the part of a target's id behind the colon means. */
export type Reference =
  | { readonly kind: "id"; readonly namespace: string; readonly idOrPrefix: string }
  | { readonly kind: "pod"; readonly namespace: string; readonly pod: string; readonly container: string };

/** The labels that Kubernetes' containers carry. */
export const podLabel = "io.kubernetes.pod.name";
export const containerLabel = "io.kubernetes.container.name";

/** What may stand in a name: nothing of this means something else in a filter, a path or a regular expression, but the dot. */
const word = "[A-Za-z0-9][A-Za-z0-9._-]*";
const shape = new RegExp(`^(?<namespace>${word})/(?<first>${word})(?:/(?<second>${word}))?$`);

/** Reads `NAMESPACE/ID` or `NAMESPACE/POD/CONTAINER`; undefined when it is neither. */
export function parseName(name: string): Reference | undefined {
  const { namespace = "", first = "", second } = shape.exec(name)?.groups ?? {};
  if (namespace === "") return undefined;
  if (second === undefined) return { kind: "id", namespace, idOrPrefix: first };
  return { kind: "pod", namespace, pod: first, container: second };
}

/** How containerd is asked for what a name may mean. */
export function filterOf(reference: Reference): string {
  if (reference.kind === "id") return `id~="^${reference.idOrPrefix.replaceAll(".", "[.]")}"`;
  return `labels."${podLabel}"==${JSON.stringify(reference.pod)},labels."${containerLabel}"==${JSON.stringify(reference.container)}`;
}

/** The name of a container: by its pod where Kubernetes gave it one, else by its id. */
export function nameOf(namespace: string, id: string, labels: Readonly<Record<string, string>>): string {
  const { [podLabel]: pod, [containerLabel]: container } = labels;
  return pod === undefined || container === undefined ? `${namespace}/${id}` : `${namespace}/${pod}/${container}`;
}
