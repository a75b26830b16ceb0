import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import type { ReadFront } from "./front.ts";
import type { OriginRules } from "./origin.ts";

/** What says where the gateway is. */
export interface BaseDeps {
  readonly readFront: ReadFront;
  readonly origins: OriginRules;
}

/** Where the gateway is for whoever asked, ending in a slash: the public URL of this name, which may have a path, else the name itself. */
export function baseUrlOf(request: FastifyRequest, { readFront, origins }: BaseDeps): string {
  const { scheme, host } = readFront(request);
  const origin = `${scheme}://${host}`;
  const known = origins.publicUrls.find((url) => url.origin === origin);
  return known === undefined ? `${origin}/` : known.href.replace(/\/*$/, "/");
}

/** The path of a session, for a Location header. */
export function sessionPath(id: string, request: FastifyRequest, deps: BaseDeps): string {
  const base = baseUrlOf(request, deps);
  return `${URL.canParse(base) ? new URL(base).pathname : "/"}v1/sessions/${id}`;
}

/** Takes the path of a public URL off requests that come with it, from proxies that leave it on; undefined when none has one. */
export function createRewrite(publicUrls: readonly URL[]): ((request: IncomingMessage) => string) | undefined {
  const paths = publicUrls.map(({ pathname }) => pathname.replace(/\/*$/, "/")).filter((path) => path !== "/");
  if (paths.length === 0) return undefined;
  return ({ url = "/" }) => {
    const base = paths.find((path) => url.startsWith(path));
    return base === undefined ? url : url.slice(base.length - 1);
  };
}
