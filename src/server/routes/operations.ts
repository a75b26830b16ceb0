import type { Principal } from "../../access/principal.ts";
import type { Runtime } from "../../exec/runtime.ts";
import type { App, RouteDeps } from "../deps.ts";

/** How long a runtime may take to answer for `/readyz`, milliseconds. */
const pingMsMax = 2000;
const everybody = { access: "public", anyHost: true } as const;

/** What operators and their tools ask: alive, ready, how much, and what this is. */
export function operationRoutes(app: App, deps: RouteDeps): void {
  const { sessions, runtimes, metrics, limits, version } = deps;

  app.get("/healthz", { schema: { summary: "Whether the process is alive" }, config: everybody }, () => Promise.resolve({ status: "ok" }));

  app.get("/readyz", { schema: { summary: "Whether commands can be run now" }, config: everybody }, async (_request, reply) => {
    const states = Object.fromEntries(await Promise.all([...runtimes.values()].map(stateOf)));
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

async function stateOf(
  runtime: Runtime,
): Promise<readonly [string, { up: boolean; reason?: string; isolation: Readonly<Record<string, string>> }]> {
  const { isolation } = runtime;
  try {
    await runtime.ping(AbortSignal.timeout(pingMsMax));
    return [runtime.name, { up: true, isolation }];
  } catch (cause) {
    return [runtime.name, { up: false, reason: cause instanceof Error ? cause.message : "unknown", isolation }];
  }
}
