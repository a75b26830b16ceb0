import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import fastifyStatic from "@fastify/static";
import type { App, RouteDeps } from "../deps.ts";

/** The page, and headers that leave it nothing but itself: no inline script, no other origin, no frame. */
export async function pageRoutes(app: App, { publicDir, frameAncestors }: RouteDeps): Promise<void> {
  const ancestors = frameAncestors.length === 0 ? "'none'" : frameAncestors.join(" ");
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors}`,
  ].join("; ");
  const headers: Record<string, string> = {
    "content-security-policy": policy,
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    ...(frameAncestors.length === 0 && { "x-frame-options": "DENY" }),
  };
  await app.register(fastifyStatic, { root: publicDir, serve: false });
  // Each file is a route of its own, so that what is there is decided at start and never by a path that a client writes.
  const entries = await readdir(publicDir, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isFile() && !found.name.startsWith("."))) {
    const file = relative(publicDir, join(entry.parentPath, entry.name));
    const url = file === "index.html" ? "/" : `/${file}`;
    // Links to the page may carry a query; files do not read it.
    const schema = { querystring: {}, hide: true };
    app.get(url, { schema, config: { access: "public" } }, (_request, reply) => reply.headers(headers).sendFile(file));
  }
}
