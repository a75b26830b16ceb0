import type { FastifyReply, FastifyRequest } from "fastify";
import type { Authorized } from "../../access/authorizer.ts";
import { ExecgateError } from "../../errors.ts";
import { within } from "../../exec/clock.ts";
import { freezeRequest } from "../../exec/request.ts";
import type { Session } from "../../exec/session.ts";
import { admit } from "../admit.ts";
import { answerIn, answers, resultAnswer, resultLine, sessionAnswer } from "../answers.ts";
import { sessionPath } from "../base-url.ts";
import type { App, RouteDeps } from "../deps.ts";
import { requestFromExec } from "../exec-request.ts";
import { feed } from "../feed.ts";
import { onClientGone } from "../gatekeeper.ts";
import { IdempotencyKeys, readIdempotencyKey } from "../idempotency.ts";
import { inputBytes } from "../input-bytes.ts";
import { streamLines } from "../ndjson.ts";
import { type Preference, readPrefer, weightOf } from "../prefer.ts";
import { type ExecBody, execBody } from "../schemas.ts";
import { viewResult, viewSession } from "../session-view.ts";

/** `POST /v1/exec`: one command, its answer in one piece, as lines, or later. */
export function execRoute(app: App, deps: RouteDeps): void {
  const keys = new IdempotencyKeys(deps.sessions, deps.clock);
  app.addHook("onClose", async () => keys.close());
  app.post(
    "/v1/exec",
    {
      schema: {
        summary: "Run one command and answer with its output",
        body: execBody,
        response: answers({
          200: answerIn("How the command ended, and its output", { "application/json": resultAnswer, "application/x-ndjson": resultLine }),
          202: sessionAnswer,
        }),
      },
      config: { access: "authenticated" },
    },
    async (request, reply) => {
      const { body, headers } = request;
      const prefer = readPrefer(headers.prefer);
      const key = readIdempotencyKey(headers["idempotency-key"]);
      const isStream = wantsLines(headers.accept);
      if (isStream) checkStreamable(body, prefer, key);
      const wanted = await requestFromExec(body, request, deps);
      if (isStream) return await answerLines(wanted, request, reply, deps);
      const isBound = prefer === undefined && key === undefined;
      const session =
        key === undefined
          ? await begin(wanted, request, deps, isBound)
          : await keys.join(key, request.principal.subject, body, () => begin(wanted, request, deps, isBound));
      if (prefer !== undefined && !(await isOverWithin(prefer, session, deps))) return accepted(reply, session, prefer, deps);
      const result = await viewResult(session);
      if (isBound) deps.sessions.forgetOutput(session);
      return reply.send(result);
    },
  );
}

function wantsLines(accept: string | undefined): boolean {
  const [lines, json] = [weightOf(accept, "application/x-ndjson", { isNamed: true }), weightOf(accept, "application/json")];
  if (accept !== undefined && lines > 0 && lines >= json) return true;
  if (json > 0) return false;
  throw new ExecgateError("NOT_ACCEPTABLE", "The answer is application/json or, when asked for, application/x-ndjson.");
}

function checkStreamable(body: ExecBody, prefer: Preference | undefined, key: string | undefined): void {
  const field = body.keep === "tail" ? "keep" : prefer !== undefined ? "Prefer" : key !== undefined ? "Idempotency-Key" : undefined;
  if (field !== undefined) throw new ExecgateError("BAD_REQUEST", `${field} does not go with application/x-ndjson.`, { field });
}

/** Admits and starts the session; a client that it is bound to ends it by going away. */
async function begin(wanted: Authorized, request: FastifyRequest<{ Body: ExecBody }>, deps: RouteDeps, isBound: boolean): Promise<Session> {
  const stdin = stdinOf(request.body);
  const session = admit(wanted, deps);
  if (isBound) {
    const release = onClientGone(request, () => session.stop("disconnect"));
    void session.finished.then(release);
  }
  await session.start();
  if (stdin !== undefined) feed(session, stdin);
  return session;
}

/** The stdin that came with the request; a terminal without any gets its end alone, pipes are at theirs from the start. */
function stdinOf({ stdin, stdinEncoding, tty }: ExecBody): Buffer | undefined {
  return stdin === undefined && tty !== true ? undefined : inputBytes(stdin, stdinEncoding, "stdin");
}

async function answerLines(
  wanted: Authorized,
  request: FastifyRequest<{ Body: ExecBody }>,
  reply: FastifyReply,
  deps: RouteDeps,
): Promise<FastifyReply> {
  const stdin = stdinOf(request.body);
  const session = admit({ ...wanted, request: freezeRequest({ ...wanted.request, collect: undefined }) }, deps);
  const cursor = session.log.open({ role: "writer" });
  const leave = (reason: "disconnect" | "slow"): void => {
    cursor.close();
    session.stop(reason);
  };
  const release = onClientGone(request, () => leave("disconnect"));
  void session.finished.then(release);
  await session.start();
  if (stdin !== undefined) feed(session, stdin);
  const lines = streamLines(session, cursor, {
    bytesMax: wanted.request.collect?.bytesMax ?? 0,
    encoding: wanted.request.collect?.encoding ?? "auto",
    clock: deps.clock,
    slowClientMs: deps.limits.slowClientMs,
    onSlow: () => {
      leave("slow");
      request.raw.socket.destroy();
    },
  });
  return reply.type("application/x-ndjson").send(lines);
}

/** Who asked not to wait is told where the answer will be, also when it is there already. */
async function isOverWithin({ waitMs }: Preference, session: Session, { clock }: RouteDeps): Promise<boolean> {
  return waitMs > 0 && (await within(clock, waitMs, session.finished));
}

function accepted(reply: FastifyReply, session: Session, prefer: Preference, deps: RouteDeps): FastifyReply {
  reply.headers({ location: sessionPath(session.id, reply.request, deps), "preference-applied": prefer.applied });
  return reply.code(202).send(viewSession(session));
}
