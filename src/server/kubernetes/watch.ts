import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ExecgateError } from "../../errors.ts";
import type { RouteDeps } from "../deps.ts";
import type { Collection } from "./collection.ts";
import type { ListQuery } from "./schemas.ts";
import { statusOf } from "./status.ts";

/** How long somebody may watch who does not say, seconds. Clients then go on by themselves. */
const watchSecondsDefault = 1800;

/** What somebody watches. */
export interface Watched<T> {
  isWanted(item: T): boolean;
  show(item: T): object;
}

/** A flag as Kubernetes clients write it. */
export function isTrue(flag: string | undefined): boolean {
  return flag === "1" || flag === "true";
}

/**
 * What changes in a collection, as lines of JSON: from the revision that the client names, or from everything that is there.
 * It ends when the time is over, the credential has ended or the gateway ends; read as fast as the client takes it.
 * @throws what a runtime refuses
 */
export function watch<T>(
  collection: Collection<T>,
  watched: Watched<T>,
  request: FastifyRequest<{ Querystring: ListQuery }>,
  reply: FastifyReply,
  deps: RouteDeps,
): Readable {
  const { clock, authentication, sessions } = deps;
  const endMs = clock.monotonicMs() + (Number(request.query.timeoutSeconds) || watchSecondsDefault) * 1000;
  const isOver = (): boolean =>
    clock.monotonicMs() >= endMs || sessions.isDraining || authentication.current(request.principal) === undefined;
  return Readable.from(lines(collection, watched, request, { isOver, begun: () => reply.raw.flushHeaders() }), { objectMode: false });
}

interface Run {
  isOver(): boolean;
  /** Called as soon as the stream is read: the client waits for the head of the answer, however long nothing changes. */
  begun(): void;
}

async function* lines<T>(
  collection: Collection<T>,
  { isWanted, show }: Watched<T>,
  request: FastifyRequest<{ Querystring: ListQuery }>,
  { isOver, begun }: Run,
): AsyncGenerator<string> {
  begun();
  const { resourceVersion = "0", sendInitialEvents } = request.query;
  const { items, revision: now } = await collection.list(request);
  const isFromNow = resourceVersion === "" || resourceVersion === "0" || isTrue(sendInitialEvents);
  let revision = isFromNow ? now : Number(resourceVersion);
  const shown = new Set(
    items.filter((item) => isWanted(item) && Number(collection.versionOf(item)) <= revision).map((item) => collection.lifeOf(item)),
  );
  if (isFromNow) for (const item of items.filter(isWanted)) yield line("ADDED", show(item));
  if (isTrue(sendInitialEvents)) yield line("BOOKMARK", bookmark(collection, revision));
  for (let isFirst = true; !isOver(); isFirst = false) {
    const until = collection.revision;
    const changes = collection.changes(request, revision);
    if (changes === undefined) return yield line("ERROR", statusOf(tooOld(resourceVersion)));
    for (const { type, item } of changes) {
      const life = collection.lifeOf(item);
      const isGone = type === "DELETED" || !isWanted(item);
      // What was shown in the list before, and has changed since, is not known to be among what was shown.
      if (isGone && (shown.delete(life) || (isFirst && isWanted(item)))) yield line("DELETED", show(item));
      if (isGone) continue;
      yield line(shown.has(life) ? "MODIFIED" : isFirst ? type : "ADDED", show(item));
      shown.add(life);
    }
    revision = until;
    await collection.nextLook();
  }
}

function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** Says that everything that was there has been told. */
function bookmark<T>({ resource }: Collection<T>, revision: number): object {
  const metadata = { resourceVersion: String(revision), annotations: { "k8s.io/initial-events-end": "true" } };
  return { kind: resource.kind, apiVersion: "v1", metadata };
}

function tooOld(resourceVersion: string): ExecgateError {
  return new ExecgateError("OUTPUT_GONE", `What has changed since resourceVersion ${resourceVersion} is no longer known; list again.`);
}
