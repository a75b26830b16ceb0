import type { FastifyReply, FastifyRequest } from "fastify";
import type { App, RouteDeps } from "../deps.ts";
import { pageOf } from "../page-of.ts";
import { type Cluster, notFound } from "./cluster.ts";
import type { Collection } from "./collection.ts";
import { type ListQuery, listQuery, nameParams, namespaceParams, type ObjectQuery, objectQuery, podParams } from "./schemas.ts";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import { showerFor } from "./shower.ts";
import { isTrue, watch } from "./watch.ts";

const config = { access: "authenticated" } as const;

/** Namespaces and pods: lists, and one of them. */
export function listRoutes(app: App, deps: RouteDeps, { pods, namespaces }: Cluster): void {
  const lists = { hide: true, querystring: listQuery } as const;
  const objects = { hide: true, querystring: objectQuery } as const;

  app.get("/api/v1/namespaces", { schema: lists, config }, (request, reply) => list(namespaces, undefined, request, reply, deps));
  app.get("/api/v1/namespaces/:name", { schema: { ...objects, params: nameParams }, config }, (request) =>
    get(namespaces, undefined, request.params.name, request, deps),
  );
  app.get("/api/v1/pods", { schema: lists, config }, (request, reply) => list(pods, undefined, request, reply, deps));
  app.get("/api/v1/namespaces/:namespace/pods", { schema: { ...lists, params: namespaceParams }, config }, (request, reply) =>
    list(pods, request.params.namespace, request, reply, deps),
  );
  app.get("/api/v1/namespaces/:namespace/pods/:name", { schema: { ...objects, params: podParams }, config }, (request) =>
    get(pods, request.params.namespace, request.params.name, request, deps),
  );
}

type ListRequest = FastifyRequest<{ Querystring: ListQuery }>;

/** A list, or a stream of what changes in it. */
async function list<T>(
  collection: Collection<T>,
  namespace: string | undefined,
  request: ListRequest,
  reply: FastifyReply,
  deps: RouteDeps,
): Promise<object> {
  const { resource } = collection;
  const shower = showerFor(collection, request, deps.clock.now());
  const isWanted = selectorOf(collection, namespace, request.query);
  if (isTrue(request.query.watch))
    return reply.type("application/json").send(watch(collection, { isWanted, show: shower.one }, request, reply, deps));
  const { items, silent, revision } = await collection.list(request, namespace);
  // kubectl prints what a warning says.
  if (silent.length > 0)
    reply.header(
      "warning",
      silent.map((name) => `299 - "the runtime ${name} does not answer"`),
    );
  const { limit, continue: after } = request.query;
  const wanted = items.filter(isWanted);
  const page = pageOf(wanted, resource.key, Number(limit) || Math.max(wanted.length, 1), after || undefined);
  return shower.list(page.items, { resourceVersion: String(revision), ...(page.continue !== undefined && { continue: page.continue }) });
}

async function get<T>(
  collection: Collection<T>,
  namespace: string | undefined,
  name: string,
  request: FastifyRequest<{ Querystring: ObjectQuery }>,
  { clock }: RouteDeps,
): Promise<object> {
  const shower = showerFor(collection, request, clock.now());
  const item = await collection.find(request, namespace, name);
  if (item === undefined) throw notFound(collection.resource.plural, name, namespace);
  return shower.one(item);
}

/** Which items are asked for. @throws BAD_REQUEST */
function selectorOf<T>({ resource }: Collection<T>, namespace: string | undefined, query: ListQuery): (item: T) => boolean {
  const byLabels = parseLabelSelector(query.labelSelector);
  const byFields = parseFieldSelector(query.fieldSelector, resource.fieldNames);
  return (item) => {
    const fields = resource.fields(item);
    return (namespace === undefined || fields["metadata.namespace"] === namespace) && byFields(fields) && byLabels(resource.labels(item));
  };
}
