import fastifySwagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastifyWebsocket from "@fastify/websocket";
import fastify, { type HTTPMethods, LogController } from "fastify";
import { ExecgateError } from "../errors.ts";
import { selectSubprotocol } from "../wire/index.ts";
import { createRewrite } from "./base-url.ts";
import { answerClientError, headerBytesMax } from "./client-error.ts";
import type { App, AppDeps, RouteDeps } from "./deps.ts";
import { installGatekeeper } from "./gatekeeper.ts";
import { Heartbeat } from "./heartbeat.ts";
import { parseJsonBody } from "./json-body.ts";
import { kubernetesRoutes } from "./kubernetes/index.ts";
import { refusalOf, sendRefusal } from "./problem.ts";
import { execRoute } from "./routes/exec.ts";
import { execSocketRoutes } from "./routes/exec-socket.ts";
import { operationRoutes } from "./routes/operations.ts";
import { pageRoutes } from "./routes/page.ts";
import { probeRoutes } from "./routes/probes.ts";
import { recordingRoutes } from "./routes/recordings.ts";
import { sessionIoRoutes } from "./routes/session-io.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { sharesRoutes } from "./routes/shares.ts";
import { targetsRoute } from "./routes/targets.ts";
import { ticketsRoute } from "./routes/tickets.ts";
import { ajvOptions, explainInvalid } from "./validation.ts";

/** The largest WebSocket message, bytes; a larger one closes the connection with 1009. */
const messageBytesMax = 1_048_576;

/** Builds the server from what it is given. It listens nowhere: listeners hand it their requests. */
export async function buildApp(deps: AppDeps): Promise<App> {
  const rewriteUrl = createRewrite(deps.origins.publicUrls);
  const app = fastify({
    ...(rewriteUrl && { rewriteUrl }),
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: deps.limits.bodyBytesMax,
    ajv: { customOptions: ajvOptions },
    schemaErrorFormatter: explainInvalid,
    routerOptions: { maxParamLength: 1024, querystringParser: () => ({}) },
    http: { maxHeaderSize: headerBytesMax },
    clientErrorHandler: answerClientError,
    frameworkErrors: (cause, request, reply) => void sendRefusal(request, reply, cause),
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setErrorHandler((cause, request, reply) => {
    deps.metrics.refused(refusalOf(cause).code);
    return sendRefusal(request, reply, cause);
  });
  // Schemas of answers are for the documentation: what is answered is never filtered by them.
  app.setSerializerCompiler(() => JSON.stringify);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, ({ headers }, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer, headers["content-encoding"]));
    } catch (cause) {
      done(cause as Error);
    }
  });
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "execgate", version: deps.version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
      security: [{ bearer: [] }],
    },
  });
  await app.register(fastifyWebsocket, {
    options: {
      maxPayload: messageBytesMax,
      perMessageDeflate: false,
      clientTracking: true,
      handleProtocols: (offered) => selectSubprotocol([...offered]) ?? false,
    },
    // Sockets are closed by the end of their sessions, with a code that says why.
    preClose: (done) => done(),
  });
  installGatekeeper(app, deps);
  await registerRoutes(app, { ...deps, heartbeat: new Heartbeat(deps.clock, deps.limits.heartbeatMs) });
  return app;
}

async function registerRoutes(app: App, deps: RouteDeps): Promise<void> {
  const methodsByUrl = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = methodsByUrl.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    methodsByUrl.set(url, methods);
  });
  operationRoutes(app, deps);
  execRoute(app, deps);
  execSocketRoutes(app, deps);
  sessionRoutes(app, deps);
  sessionIoRoutes(app, deps);
  recordingRoutes(app, deps);
  targetsRoute(app, deps);
  ticketsRoute(app, deps);
  sharesRoutes(app, deps);
  await kubernetesRoutes(app, deps);
  probeRoutes(app, deps);
  const known = [...methodsByUrl].map(([url, methods]) => [url, new Set(methods)] as const);
  await pageRoutes(app, deps);
  for (const [url, methods] of known) refuseOtherMethods(app, url, methods);
  app.setNotFoundHandler({ preValidation: async () => undefined }, (request) => {
    throw new ExecgateError("NOT_FOUND", `There is nothing at ${request.method} ${request.url.split("?")[0]?.slice(0, 200)}.`);
  });
}

/** Answers what a path does not know: 405 with the methods that it does, and preflights of allowed origins. */
function refuseOtherMethods(app: App, url: string, known: ReadonlySet<string>): void {
  const others: HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
  app.route({
    method: others.filter((method) => !known.has(method)),
    url,
    schema: { querystring: {}, hide: true },
    config: { access: "authenticated" },
    // Said before a body is read, because none is asked for.
    onRequest: async (request, reply) => {
      reply.header("allow", [...known].join(", "));
      throw new ExecgateError("METHOD_NOT_ALLOWED", `${url} answers ${[...known].join(", ")}, not ${request.method}.`);
    },
    handler: () => undefined,
  });
}
