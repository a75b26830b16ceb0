import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import type { RouteDeps } from "../deps.ts";

/** The page, and headers that leave it nothing but itself: no inline script, no other origin, no frame. */
export async function pageRoutes(app: FastifyInstance, { publicDir, frameAncestors }: RouteDeps): Promise<void> {
  const ancestors = frameAncestors.length === 0 ? "'none'" : frameAncestors.join(" ");
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    // xterm.js sets the sizes of its cells with style elements.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors}`,
  ].join("; ");
  const headers: Record<string, string> = {
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    ...(frameAncestors.length === 0 && { "x-frame-options": "DENY" }),
  };
  await app.register(async (scope) => {
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, access: "public" };
      // What is not a file says nothing by its query either.
      route.schema = { ...route.schema, querystring: {} };
    });
    await scope.register(fastifyStatic, {
      root: publicDir,
      wildcard: false,
      serveDotFiles: false,
      setHeaders: (reply) => {
        for (const [name, value] of Object.entries(headers)) reply.header(name, value);
      },
    });
  });
}
