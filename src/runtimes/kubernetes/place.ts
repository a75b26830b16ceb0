import type { Target } from "../../exec/runtime.ts";

/** `*` in the configuration: the pods of all namespaces. */
export const everywhere = "*";

/** The parts of a target's name. */
export function placeOf(target: Target): { namespace: string; name: string; container: string } {
  const [namespace = "", name = "", container = ""] = target.name.split("/");
  return { namespace, name, container };
}

/** The path of a namespace's pods. Names are checked before they come here, so that none can change the path. */
export function collection(namespace: string): string {
  return namespace === everywhere ? "/api/v1/pods" : `/api/v1/namespaces/${namespace}/pods`;
}
