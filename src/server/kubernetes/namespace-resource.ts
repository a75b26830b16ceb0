import type { Target } from "../../exec/runtime.ts";
import type { Resource } from "./resource.ts";
import { column } from "./table.ts";

/** A namespace; `targets` are what it is seen by, where it is not there for everybody. */
export interface Namespace {
  readonly name: string;
  readonly targets: readonly Target[] | undefined;
}

const labelsOf = ({ name }: Namespace) => ({ "kubernetes.io/metadata.name": name });

/** Namespaces, as `v1.Namespace` has them. */
export const namespaceResource: Resource<Namespace> = {
  kind: "Namespace",
  plural: "namespaces",
  columns: [column("Name", "what it is called"), column("Status", "always Active"), column("Age", "not known")],
  fieldNames: ["metadata.name", "status.phase"],
  key: ({ name }) => name,
  uid: ({ name }) => name,
  labels: labelsOf,
  fields: ({ name }) => ({ "metadata.name": name, "status.phase": "Active" }),
  cells: ({ name }) => [name, "Active", "<unknown>"],
  metadata: (namespace) => ({ name: namespace.name, uid: namespace.name, creationTimestamp: null, labels: labelsOf(namespace) }),
  body: () => ({ spec: {}, status: { phase: "Active" } }),
};
