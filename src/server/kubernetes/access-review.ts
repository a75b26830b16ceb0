import type { Caller } from "../../access/principal.ts";
import type { RouteDeps } from "../deps.ts";
import type { Cluster } from "./cluster.ts";
import { sessionsNamespace } from "./pods.ts";

/** What is asked about, as `spec` of a SelfSubjectAccessReview has it; what is empty is everything. */
export interface Asked {
  readonly resource?: ResourceAttributes | undefined;
  readonly path?: PathAttributes | undefined;
}

export interface ResourceAttributes {
  readonly namespace: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
}

export interface PathAttributes {
  readonly path: string;
  readonly verb: string;
}

export interface Answer {
  readonly allowed: boolean;
  readonly reason: string;
}

const reading = ["get", "list", "watch"];
const opening = ["create", "get"];
const reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];

const yes = (reason: string): Answer => ({ allowed: true, reason });
const no = (reason: string): Answer => ({ allowed: false, reason });

/** Whether the caller may do what is asked about: by the policy that decides when they do it. */
export async function answerReview(asked: Asked, caller: Caller, cluster: Cluster, deps: RouteDeps): Promise<Answer> {
  if (asked.path !== undefined) {
    const isRead = asked.path.verb === "get" && /^\/(version|api|apis)(\/|$)/.test(asked.path.path);
    return isRead ? yes("whoever is authenticated may read this") : no("there is nothing to be done at this path");
  }
  if (asked.resource === undefined) return no("nothing is asked about");
  const { verb, resource, subresource, group, ...place } = openedByName(asked.resource);
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  if (reviews.includes(what) && verb === "create") return yes("whoever is authenticated may ask this");
  if (group !== "") return no("there is no such resource here");
  if (what === "namespaces" && reading.includes(verb)) return yes("what one may not know of is not shown");
  if (what === "pods" && reading.includes(verb)) return await mayRead(place, caller, cluster);
  if (what === "pods/exec" && opening.includes(verb)) return await mayExec(place, caller, cluster, deps);
  if (what === "pods/attach" && opening.includes(verb)) return await mayAttach(place, caller, cluster, deps);
  return no("this gateway runs commands, and does nothing else to pods");
}

/** `kubectl auth can-i create pods/exec` asks about a pod that is called exec. No pod can be created here: it is meant otherwise. */
function openedByName(attributes: ResourceAttributes): ResourceAttributes {
  const { verb, resource, subresource, name } = attributes;
  const isMeant = verb === "create" && resource === "pods" && subresource === "" && (name === "exec" || name === "attach");
  return isMeant ? { ...attributes, subresource: name, name: "" } : attributes;
}

type Place = Pick<ResourceAttributes, "namespace" | "name">;

async function podsAt({ namespace, name }: Place, caller: Caller, { pods }: Cluster) {
  const { items } = await pods.list(caller, namespace === "" ? undefined : namespace);
  return name === "" ? items : items.filter((pod) => pod.name === name);
}

async function mayRead(place: Place, caller: Caller, cluster: Cluster): Promise<Answer> {
  if (place.name === "") return yes("what one may not know of is not shown");
  return (await podsAt(place, caller, cluster)).length > 0 ? yes("it is there to see") : no("there is no such pod to see");
}

/** In a namespace it is enough that it is possible in one pod; in all of them it must be in each. */
async function mayExec(place: Place, caller: Caller, cluster: Cluster, { authorizer }: RouteDeps): Promise<Answer> {
  const pods = (await podsAt(place, caller, cluster)).filter(({ session }) => session === undefined);
  const isPossible = (pod: (typeof pods)[number]): boolean =>
    pod.containers.some(({ target }) => authorizer.isPossible(caller.principal, "exec", target));
  const isAllowed = place.namespace === "" ? pods.length > 0 && pods.every(isPossible) : pods.some(isPossible);
  if (isAllowed) return yes("policy lets you run commands there; it may look at each command");
  return no(pods.length === 0 ? "there is no such pod to see" : "policy lets you run nothing there");
}

async function mayAttach(place: Place, caller: Caller, cluster: Cluster, { authorizer }: RouteDeps): Promise<Answer> {
  if (place.namespace !== "" && place.namespace !== sessionsNamespace) return no("only sessions can be attached to");
  if (place.name === "") return yes("to one's own sessions, and to those that policy lets one attach to");
  const [pod] = await podsAt(place, caller, cluster);
  const isAllowed = pod?.session !== undefined && authorizer.may(caller, "attach", pod.session);
  return isAllowed ? yes("it is yours, or policy lets you attach to it") : no("there is no such session that you may attach to");
}

/** What the caller may do at all in a namespace, as the rules of a SelfSubjectRulesReview. */
export async function rulesFor(namespace: string, caller: Caller, cluster: Cluster, deps: RouteDeps): Promise<readonly object[]> {
  const rule = (resources: readonly string[], verbs: readonly string[], apiGroups = [""]) => ({ verbs, apiGroups, resources });
  const place = { namespace, name: "" };
  const { allowed: mayRun } = await mayExec(place, caller, cluster, deps);
  const { allowed: mayJoin } = await mayAttach(place, caller, cluster, deps);
  return [
    rule(["namespaces", "pods"], reading),
    ...(mayRun ? [rule(["pods/exec"], opening)] : []),
    ...(mayJoin ? [rule(["pods/attach"], opening)] : []),
    rule(["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"], ["authorization.k8s.io"]),
    rule(["selfsubjectreviews"], ["create"], ["authentication.k8s.io"]),
  ];
}
