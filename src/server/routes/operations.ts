import type { Principal } from "../../access/principal.ts";
import { askHealth } from "../../exec/health.ts";
import type { App, RouteDeps } from "../deps.ts";

const everybody = { access: "public", anyHost: true } as const;

/** What operators and their tools ask: alive, ready, how much, and what this is. */
export function operationRoutes(app: App, deps: RouteDeps): void {
  const { sessions, runtimes, metrics, limits, version, clock } = deps;

  app.get("/healthz", { schema: { summary: "Whether the process is alive" }, config: everybody }, () => Promise.resolve({ status: "ok" }));

  app.get("/readyz", { schema: { summary: "Whether commands can be run now" }, config: everybody }, async (_request, reply) => {
    const asked = [...runtimes.values()].map(async (runtime) => {
      return [runtime.name, { ...(await askHealth(runtime, clock)), isolation: runtime.isolation }] as const;
    });
    const states = Object.fromEntries(await Promise.all(asked));
    const isUp = Object.values(states).some((state) => state.up);
    const status = sessions.isDraining ? "draining" : isUp ? "ready" : "no runtime answers";
    return reply.code(status === "ready" ? 200 : 503).send({ status, runtimes: states });
  });

  app.get(
    "/metrics",
    { schema: { summary: "Metrics as Prometheus reads them" }, config: { access: "authenticated", anyHost: true } },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()),
  );

  app.get(
    "/v1/info",
    { schema: { summary: "Version, runtimes, limits, and who the caller is" }, config: { access: "authenticated" } },
    (request) =>
      Promise.resolve({
        name: "execgate",
        version,
        principal: viewPrincipal(request.principal),
        runtimes: [...runtimes.values()].map(({ name, kind, capabilities, isolation }) => ({ name, kind, capabilities, isolation })),
        limits,
        subprotocols: ["v1.execgate", "v5.channel.k8s.io", "v4.channel.k8s.io"],
      }),
  );

  app.get("/openapi.json", { schema: { summary: "This description" }, config: { access: "authenticated" } }, () =>
    Promise.resolve(app.swagger()),
  );
}

function viewPrincipal({ subject, groups, credential, expiresAt }: Principal): Record<string, unknown> {
  return { subject, groups, credential, expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString() };
}
