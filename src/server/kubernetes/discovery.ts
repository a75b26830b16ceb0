/** What Kubernetes clients ask before anything else: which resources there are, in the forms of old and new clients. */

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Below the resource, each by the last part of its path. */
  readonly subresources?: Readonly<Record<string, { readonly kind: string; readonly verbs: readonly string[] }>>;
}

interface Group {
  /** Empty for the core. */
  readonly name: string;
  readonly version: string;
  readonly resources: readonly Resource[];
}

const read = ["get", "list", "watch"];

const core: Group = {
  name: "",
  version: "v1",
  resources: [
    { name: "namespaces", kind: "Namespace", singular: "namespace", namespaced: false, verbs: read, shortNames: ["ns"] },
    {
      name: "pods",
      kind: "Pod",
      singular: "pod",
      namespaced: true,
      verbs: read,
      shortNames: ["po"],
      categories: ["all"],
      subresources: {
        attach: { kind: "PodAttachOptions", verbs: ["create", "get"] },
        exec: { kind: "PodExecOptions", verbs: ["create", "get"] },
      },
    },
  ],
};

const review = (name: string, kind: string): Resource => ({
  name,
  kind,
  singular: kind.toLowerCase(),
  namespaced: false,
  verbs: ["create"],
});

const groups: readonly Group[] = [
  { name: "authentication.k8s.io", version: "v1", resources: [review("selfsubjectreviews", "SelfSubjectReview")] },
  {
    name: "authorization.k8s.io",
    version: "v1",
    resources: [review("selfsubjectaccessreviews", "SelfSubjectAccessReview"), review("selfsubjectrulesreviews", "SelfSubjectRulesReview")],
  },
];

/** `/api` */
export const apiVersions = { kind: "APIVersions", versions: [core.version], serverAddressByClientCIDRs: [] };

/** `/apis` */
export const apiGroupList = { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(groupDocument) };

/** `/apis/GROUP`; undefined for a group that is not there. */
export function apiGroup(name: string): object | undefined {
  const group = groups.find((one) => one.name === name);
  return group && { kind: "APIGroup", apiVersion: "v1", ...groupDocument(group) };
}

/** `/api/v1` and `/apis/GROUP/VERSION`; undefined for a version that is not there. */
export function apiResourceList(name: string, version: string): object | undefined {
  const group = [core, ...groups].find((one) => one.name === name && one.version === version);
  return (
    group && { kind: "APIResourceList", apiVersion: "v1", groupVersion: groupVersionOf(group), resources: group.resources.flatMap(plain) }
  );
}

/** `/api` and `/apis` for clients that ask for all at once, by the version of the form. */
export function aggregated(path: "api" | "apis", formVersion: string): object {
  const listed = path === "api" ? [core] : groups;
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${formVersion}`,
    metadata: {},
    items: listed.map((group) => ({
      metadata: { name: group.name, creationTimestamp: null },
      versions: [{ version: group.version, resources: group.resources.map((resource) => inFull(resource, group)), freshness: "Current" }],
    })),
  };
}

function groupVersionOf({ name, version }: Group): string {
  return name === "" ? version : `${name}/${version}`;
}

function groupDocument(group: Group): object {
  const version = { groupVersion: groupVersionOf(group), version: group.version };
  return { name: group.name, versions: [version], preferredVersion: version };
}

function plain({ name, kind, singular, namespaced, verbs, shortNames, categories, subresources = {} }: Resource): readonly object[] {
  const own = {
    name,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames && { shortNames }),
    ...(categories && { categories }),
  };
  const below = Object.entries(subresources).map(([part, sub]) => ({
    name: `${name}/${part}`,
    singularName: "",
    namespaced,
    kind: sub.kind,
    verbs: sub.verbs,
  }));
  return [own, ...below];
}

function inFull(resource: Resource, { name: group, version }: Group): object {
  const { name, kind, singular, namespaced, verbs, shortNames, categories, subresources = {} } = resource;
  const kindOf = (own: string): object => ({ group, version, kind: own });
  return {
    resource: name,
    responseKind: kindOf(kind),
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs,
    ...(shortNames && { shortNames }),
    ...(categories && { categories }),
    subresources: Object.entries(subresources).map(([part, sub]) => ({
      subresource: part,
      responseKind: kindOf(sub.kind),
      verbs: sub.verbs,
    })),
  };
}
