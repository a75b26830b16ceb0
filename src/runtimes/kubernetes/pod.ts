/** What the runtime knows of a pod. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Another one for each change; undefined where the server says none. */
  readonly version: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** The containers that a command can run in, and the state of each: `running`, or why it cannot. */
  readonly containers: ReadonlyMap<string, string>;
  /** The container that is meant when none is named. */
  readonly defaultContainer: string;
}

const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container";

type Json = { readonly [key: string]: unknown };

/** Reads a pod out of the API server's JSON; undefined for what has no name, identity or container. */
export function readPod(json: unknown): Pod | undefined {
  const { metadata, spec, status } = objectOf(json);
  const { name, namespace, uid, resourceVersion, labels, annotations, deletionTimestamp } = objectOf(metadata);
  if (typeof name !== "string" || typeof namespace !== "string" || typeof uid !== "string") return undefined;
  const phase = textOf(objectOf(status).phase, "unknown").toLowerCase();
  const ofPod = deletionTimestamp === undefined ? phase : "terminating";
  const states = containerStates(status);
  const names = containerNames(spec);
  const [first] = names;
  if (first === undefined) return undefined;
  const preferred = objectOf(annotations)[defaultContainerAnnotation];
  return {
    namespace,
    name,
    uid,
    version: typeof resourceVersion === "string" ? resourceVersion : undefined,
    labels: Object.fromEntries(Object.entries(objectOf(labels)).filter((entry): entry is [string, string] => typeof entry[1] === "string")),
    containers: new Map(names.map((each) => [each, ofPod === "running" ? (states.get(each) ?? ofPod) : ofPod])),
    defaultContainer: names.find((each) => each === preferred) ?? first,
  };
}

/** Init containers are left out but for those that stay beside the others. */
function containerNames(spec: unknown): string[] {
  const { containers, initContainers, ephemeralContainers } = objectOf(spec);
  const staying = listOf(initContainers).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...listOf(containers), ...staying, ...listOf(ephemeralContainers)]
    .map(({ name }) => name)
    .filter((name): name is string => typeof name === "string");
}

/** `running`, `waiting` or `terminated`, as far as the kubelet has told. */
function containerStates(status: unknown): ReadonlyMap<string, string> {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = objectOf(status);
  const all = [containerStatuses, initContainerStatuses, ephemeralContainerStatuses].flatMap(listOf);
  return new Map(all.map(({ name, state }) => [textOf(name, ""), Object.keys(objectOf(state))[0] ?? "waiting"]));
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

function textOf(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}
