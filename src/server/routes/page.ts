import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import fastifyStatic from "@fastify/static";
import type { App, RouteDeps } from "../deps.ts";

/** Links to the page may carry a query; files do not read it. */
const pageRoute = { schema: { querystring: {}, hide: true }, config: { access: "public" } } as const;

/** The page, and headers that leave it nothing but itself: no inline script, no other origin, no frame. */
export async function pageRoutes(app: App, { publicDir, frameAncestors, origins }: RouteDeps): Promise<void> {
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
  // What has a `.gz` beside it goes out as that to whoever takes it.
  await app.register(fastifyStatic, { root: publicDir, serve: false, preCompressed: true });
  // Each file is a route of its own, so that what is there is decided at start and never by a path that a client writes.
  const entries = await readdir(publicDir, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isFile() && !/^\.|\.gz$/.test(found.name))) {
    const file = relative(publicDir, join(entry.parentPath, entry.name));
    const url = file === "index.html" ? "/" : `/${file}`;
    app.get(url, pageRoute, (_request, reply) => reply.headers(headers).sendFile(file));
  }
  // A public URL may be written without a slash at its end: whoever opens it so is sent to where the page's own links hold.
  for (const path of origins.publicUrls.map(({ pathname }) => pathname.replace(/\/+$/, ""))) {
    // To the router a colon begins a parameter, unless it is doubled, and an asterisk stands for anything.
    const url = path.replaceAll(":", "::");
    if (path === "" || path.includes("*") || app.hasRoute({ method: "GET", url })) continue;
    app.get(url, pageRoute, (_request, reply) => reply.redirect(`${path}/`, 308));
  }
}
