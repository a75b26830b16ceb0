import type { FastifyRequest } from "fastify";
import { ExecgateError } from "../../errors.ts";
import { chooseForm } from "./accept.ts";
import type { Collection } from "./collection.ts";
import { objectOf } from "./resource.ts";
import type { ObjectQuery } from "./schemas.ts";

/** Shows things in the form that a client asks for. */
export interface Shower<T> {
  one(item: T): object;
  list(items: readonly T[], metadata: object): object;
}

type Asked = FastifyRequest<{ Querystring: ObjectQuery }>;

/**
 * How a client wants to be shown things: as they are, or as a table, whose text the server makes and kubectl prints.
 * @param now milliseconds since 1970
 * @throws NOT_ACCEPTABLE, BAD_REQUEST
 */
export function showerFor<T>(collection: Collection<T>, request: Asked, now: number): Shower<T> {
  const isTable =
    chooseForm(request.headers.accept, ({ as, group, version }) => as === "Table" && group === "meta.k8s.io" && version === "v1").as !==
    undefined;
  return isTable ? tables(collection, readIncluded(request.query.includeObject), now) : objects(collection);
}

function objects<T>(collection: Collection<T>): Shower<T> {
  const { resource } = collection;
  const one = (item: T): object => objectOf(resource, item, collection.versionOf(item));
  return { one, list: (items, metadata) => ({ kind: `${resource.kind}List`, apiVersion: "v1", metadata, items: items.map(one) }) };
}

type Included = "None" | "Metadata" | "Object";

function tables<T>(collection: Collection<T>, included: Included, now: number): Shower<T> {
  const { resource } = collection;
  const shown = (item: T): object | null => {
    const resourceVersion = collection.versionOf(item);
    if (included === "Object") return objectOf(resource, item, resourceVersion);
    const metadata = { ...resource.metadata(item), resourceVersion };
    return included === "None" ? null : { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
  };
  const list: Shower<T>["list"] = (items, metadata) => ({
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: resource.columns,
    rows: items.map((item) => ({ cells: resource.cells(item, now), object: shown(item) })),
  });
  return { one: (item) => list([item], { resourceVersion: collection.versionOf(item) }), list };
}

function readIncluded(text: string | undefined): Included {
  if (text === undefined || text === "") return "Metadata";
  if (text === "None" || text === "Metadata" || text === "Object") return text;
  throw new ExecgateError("BAD_REQUEST", "includeObject must be None, Metadata or Object.", { field: "includeObject" });
}
