import type { Container, Pod } from "./pods.ts";
import type { Resource } from "./resource.ts";
import { ageOf, column } from "./table.ts";

/** What Kubernetes has for a label's value; others stand among the annotations. */
const labelValue = /^(?=.{0,63}$)([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/;
const labelKey = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

type Phase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** The states of runtimes, in the words of Kubernetes. Of what has ended it is not known how, and so it is not said. */
const phases: Readonly<Record<string, Phase>> = {
  running: "Running",
  paused: "Running",
  restarting: "Running",
  draining: "Running",
  pending: "Pending",
  created: "Pending",
  starting: "Pending",
  succeeded: "Succeeded",
  failed: "Failed",
};

function stateOf({ session, containers }: Pod, container: Container | undefined = containers[0]): string {
  return (session?.state ?? container?.target.state ?? "unknown").toLowerCase();
}

/** The phase of a pod: it runs when one of its containers does. */
function phaseOf(pod: Pod): Phase {
  const all = pod.containers.map((container) => phases[stateOf(pod, container)] ?? "Unknown");
  return all.includes("Running") ? "Running" : (all[0] ?? "Unknown");
}

/** What stands under STATUS: the phase, or the runtime's own word where that says more. */
function statusWordOf(pod: Pod): string {
  const phase = phaseOf(pod);
  const state = stateOf(pod);
  const isPlain = phase !== "Unknown" && !["paused", "restarting", "draining"].includes(state);
  return isPlain ? phase : state.charAt(0).toUpperCase() + state.slice(1);
}

function readyCount(pod: Pod): number {
  return pod.containers.filter((container) => stateOf(pod, container) === "running").length;
}

/** The labels that can be selected by. */
function labelsOf(pod: Pod): Readonly<Record<string, string>> {
  const [first] = pod.containers;
  const own = Object.entries(first?.target.labels ?? {}).filter(([key, value]) => labelKey.test(key) && labelValue.test(value));
  return { ...Object.fromEntries(own), "execgate/runtime": first?.target.runtime ?? "" };
}

function targetIdsOf({ containers }: Pod): string {
  return containers.map(({ target }) => target.id).join(",");
}

function annotationsOf(pod: Pod): Readonly<Record<string, string>> {
  const principal = pod.session?.request.principal;
  return { "execgate/target": targetIdsOf(pod), ...(principal !== undefined && { "execgate/principal": principal }) };
}

/** Pods, as `v1.Pod` has them, with the fields that clients need. */
export const podResource: Resource<Pod> = {
  kind: "Pod",
  plural: "pods",
  columns: [
    column("Name", "what it is called"),
    column("Ready", "how many of its containers run"),
    column("Status", "what state it is in"),
    column("Age", "how long it is there, where that is known"),
    column("Target", "what it is called by everything but Kubernetes clients", 1),
  ],
  fieldNames: ["metadata.name", "metadata.namespace", "status.phase"],
  key: ({ namespace, name }) => `${namespace}/${name}`,
  uid: ({ uid }) => uid,
  labels: labelsOf,
  fields: (pod) => ({ "metadata.name": pod.name, "metadata.namespace": pod.namespace, "status.phase": phaseOf(pod) }),
  cells(pod, now) {
    const age = pod.session === undefined ? "<unknown>" : ageOf(now - pod.session.createdAt);
    return [pod.name, `${readyCount(pod)}/${pod.containers.length}`, statusWordOf(pod), age, targetIdsOf(pod)];
  },
  metadata: (pod) => ({
    name: pod.name,
    namespace: pod.namespace,
    uid: pod.uid,
    creationTimestamp: pod.session === undefined ? null : timeOf(pod.session.createdAt),
    labels: labelsOf(pod),
    annotations: annotationsOf(pod),
  }),
  body(pod) {
    const phase = phaseOf(pod);
    const word = statusWordOf(pod);
    const isReady = readyCount(pod) === pod.containers.length;
    return {
      spec: { containers: pod.containers.map((container) => containerSpec(pod, container)) },
      status: {
        phase,
        ...(word !== phase && { reason: word }),
        conditions: [{ type: "Ready", status: isReady ? "True" : "False", lastProbeTime: null, lastTransitionTime: null }],
        containerStatuses: pod.containers.map((container) => containerStatus(pod, container)),
      },
    };
  },
};

/** Kubernetes has times by the second. */
function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function containerSpec({ session }: Pod, { name }: Container): object {
  const { tty, stdin } = session?.request.spec ?? {};
  return { name, image: "", resources: {}, ...(tty !== undefined && { tty: true }), ...(stdin === true && { stdin: true }) };
}

/** The image and the count of restarts are asked for by typed clients, and not known. */
function containerStatus(pod: Pod, container: Container): object {
  const state = stateOf(pod, container);
  const isRunning = state === "running" || state === "draining";
  return {
    name: container.name,
    ready: state === "running",
    restartCount: 0,
    image: "",
    imageID: "",
    state: isRunning ? { running: {} } : { waiting: { reason: state } },
  };
}
