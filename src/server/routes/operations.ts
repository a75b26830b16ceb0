import type { Principal } from "../../access/principal.ts";
import { askHealth } from "../../exec/health.ts";
import { Type } from "../../typebox.ts";
import { aliveAnswer, answerIn, answers, infoAnswer, readyAnswer } from "../answers.ts";
import type { App, RouteDeps } from "../deps.ts";

const everybody = { access: "public", anyHost: true } as const;

/** What operators and their tools ask: alive, ready, how much, and what this is. */
export function operationRoutes(app: App, deps: RouteDeps): void {
  const { sessions, runtimes, metrics, limits, version, clock } = deps;

  app.get(
    "/healthz",
    { schema: { summary: "Whether the process is alive", response: answers({ 200: aliveAnswer }) }, config: everybody },
    () => Promise.resolve({ status: "ok" }),
  );

  app.get(
    "/readyz",
    {
      schema: {
        summary: "Whether commands can be run now",
        response: answers({ 200: readyAnswer("Ready"), 503: readyAnswer("Not ready") }),
      },
      config: everybody,
    },
    async (_request, reply) => {
      const asked = [...runtimes.values()].map(async (runtime) => {
        return [runtime.name, { ...(await askHealth(runtime, clock)), isolation: runtime.isolation }] as const;
      });
      const states = Object.fromEntries(await Promise.all(asked));
      const isUp = Object.values(states).some((state) => state.up);
      const status = sessions.isDraining ? "draining" : isUp ? "ready" : "no runtime answers";
      return reply.code(status === "ready" ? 200 : 503).send({ status, runtimes: states });
    },
  );

  app.get(
    "/metrics",
    {
      schema: {
        summary: "Metrics as Prometheus reads them",
        response: answers({ 200: answerIn("Metrics", { "text/plain": Type.String() }) }),
      },
      config: { access: "authenticated", anyHost: true },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()),
  );

  app.get(
    "/v1/info",
    {
      schema: { summary: "Version, runtimes, limits, and who the caller is", response: answers({ 200: infoAnswer }) },
      config: { access: "authenticated" },
    },
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

  app.get(
    "/openapi.json",
    {
      schema: {
        summary: "This description",
        response: answers({ 200: Type.Record(Type.String(), Type.Unknown(), { description: "OpenAPI 3.1" }) }),
      },
      config: { access: "authenticated" },
    },
    () => Promise.resolve(app.swagger()),
  );
}

function viewPrincipal({ subject, groups, credential, expiresAt }: Principal): Record<string, unknown> {
  return { subject, groups, credential, expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString() };
}
