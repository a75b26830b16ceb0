import type { Verb } from "../../access/principal.ts";
import { sizeOfRequest } from "../../exec/request.ts";
import type { Session } from "../../exec/session.ts";
import { admit } from "../admit.ts";
import { answers, resultAnswer, sessionAnswer, sessionsAnswer } from "../answers.ts";
import { sessionPath } from "../base-url.ts";
import type { App, RouteDeps } from "../deps.ts";
import { requestFromSession } from "../exec-request.ts";
import { feed } from "../feed.ts";
import { inputBytes } from "../input-bytes.ts";
import { limitOf, pageOf } from "../page-of.ts";
import { idParams, sessionBody, sessionsQuery } from "../schemas.ts";
import { viewResult, viewSession } from "../session-view.ts";

const rule = { access: "authenticated" } as const;

const idOf = ({ id }: Session): string => id;
const bytesOf = ({ request }: Session): number => sizeOfRequest(request);

/** `/v1/sessions`: create now and attach later, look at what there is, end it. */
export function sessionRoutes(app: App, deps: RouteDeps): void {
  const { sessions, authorizer } = deps;

  app.post(
    "/v1/sessions",
    {
      schema: { summary: "Start a command to attach to later", body: sessionBody, response: answers({ 201: sessionAnswer }) },
      config: rule,
    },
    async (request, reply) => {
      const { body } = request;
      const stdin = inputBytes(typeof body.stdin === "string" ? body.stdin : undefined, body.stdinEncoding, "stdin");
      const session = admit(await requestFromSession(body, request, deps), deps);
      await session.start();
      if (typeof body.stdin === "string" || (session.request.spec.tty !== undefined && !session.request.spec.stdin)) feed(session, stdin);
      return reply
        .code(201)
        .header("location", sessionPath(session.id, request, deps))
        .send(viewSession(session));
    },
  );

  app.get(
    "/v1/sessions",
    { schema: { summary: "The sessions there are", querystring: sessionsQuery, response: answers({ 200: sessionsAnswer }) }, config: rule },
    (request) => {
      const { target, state, limit, continue: after } = request.query;
      const seen = [...sessions.list()].filter(
        (session) =>
          authorizer.isSeen(request, session) &&
          (target === undefined || session.request.target.id === target) &&
          (state === undefined || session.state === state),
      );
      const { items, ...rest } = pageOf(seen, idOf, limitOf(limit), after, bytesOf);
      return Promise.resolve({ sessions: items.map(viewSession), ...rest });
    },
  );

  app.get(
    "/v1/sessions/:id",
    { schema: { summary: "One session", params: idParams, response: answers({ 200: sessionAnswer }) }, config: rule },
    (request) => Promise.resolve(viewSession(authorizer.authorizeSession(request, "view", sessions.get(request.params.id)))),
  );

  app.get(
    "/v1/sessions/:id/result",
    {
      schema: {
        summary: "How a session ended, and its output",
        params: idParams,
        response: answers({ 200: resultAnswer, 202: sessionAnswer }),
      },
      config: rule,
    },
    async (request, reply) => {
      const session = authorizer.authorizeSession(request, "view", sessions.get(request.params.id));
      deps.audit.reached(request, "view", session, "result");
      if (session.state !== "ended") return reply.code(202).send(viewSession(session));
      return reply.send(await viewResult(session));
    },
  );

  app.delete(
    "/v1/sessions/:id",
    { schema: { summary: "End a session", params: idParams, response: answers({ 200: sessionAnswer }) }, config: rule },
    async (request) => {
      const verb: Verb = "kill";
      const session = authorizer.authorizeSession(request, verb, sessions.get(request.params.id));
      // One that is over was ended by nobody who comes now.
      if (session.state !== "ended") deps.audit.killed(request, session);
      session.stop(session.request.principal === request.principal.subject ? "client" : "operator");
      await session.finished;
      return viewSession(session);
    },
  );
}
