import type { FastifyRequest } from "fastify";
import { ExecgateError } from "../../errors.ts";
import type { LogItem } from "../../exec/cursor.ts";
import type { StreamName } from "../../exec/runtime.ts";
import type { Session } from "../../exec/session.ts";
import { answers, outputAnswer, sessionAnswer } from "../answers.ts";
import { callerOf } from "../caller.ts";
import type { App, RouteDeps } from "../deps.ts";
import { onClientGone } from "../gatekeeper.ts";
import { inputBytes } from "../input-bytes.ts";
import { numberOf } from "../query.ts";
import { RequestInput } from "../request-input.ts";
import { type IdParams, idParams, outputQuery, resizeBody, signalBody, stdinBody } from "../schemas.ts";
import { viewSession } from "../session-view.ts";

const rule = { access: "authenticated" } as const;
/** The longest a request for output is held open, milliseconds. */
const waitMsMax = 60_000;
/** The most that one answer with output holds, bytes. */
const outputBytesMax = 1_048_576;

/** What can be said to a live session, and read from it, without a WebSocket. */
export function sessionIoRoutes(app: App, deps: RouteDeps): void {
  const input = new RequestInput();
  const live = (request: FastifyRequest<{ Params: IdParams }>, by: string): Session => {
    const session = deps.authorizer.authorizeSession(request, "attach", deps.sessions.get(request.params.id));
    deps.audit.reached(request, "attach", session, by);
    if (session.state !== "ended") return session;
    throw new ExecgateError("SESSION_ENDED", "The session is over; its result is at /result.");
  };

  app.post(
    "/v1/sessions/:id/signal",
    {
      schema: { summary: "Send a signal to the command", params: idParams, body: signalBody, response: answers({ 200: sessionAnswer }) },
      config: rule,
    },
    async (request) => {
      const session = live(request, "signal");
      await session.signal(request.body.signal);
      return viewSession(session);
    },
  );

  app.post(
    "/v1/sessions/:id/resize",
    {
      schema: { summary: "Change the size of the terminal", params: idParams, body: resizeBody, response: answers({ 200: sessionAnswer }) },
      config: rule,
    },
    async (request) => {
      const session = live(request, "resize");
      await session.resize(request.body);
      return viewSession(session);
    },
  );

  app.post(
    "/v1/sessions/:id/stdin",
    {
      schema: { summary: "Write to the command's stdin", params: idParams, body: stdinBody, response: answers({ 200: sessionAnswer }) },
      config: rule,
    },
    async (request) => {
      const session = live(request, "stdin");
      const { data, encoding, eof = false } = request.body;
      await input.write(session, inputBytes(data, encoding, "data"));
      if (eof) await session.endInput();
      return viewSession(session);
    },
  );

  app.get(
    "/v1/sessions/:id/output",
    {
      schema: {
        summary: "The output from a byte on",
        params: idParams,
        querystring: outputQuery,
        response: answers({ 200: outputAnswer }),
      },
      config: rule,
    },
    async (request, reply) => {
      const session = deps.authorizer.authorizeSession(request, "view", deps.sessions.get(request.params.id));
      deps.audit.reached(request, "view", session, "output");
      const { offset, stream, waitMs } = request.query;
      const from = numberOf(offset, session.log.start);
      const { start, end } = session.log;
      if (from > end)
        throw new ExecgateError("BAD_REQUEST", `offset is ${from}; only ${end} bytes were written so far.`, { field: "offset" });
      if (from < start) throw new ExecgateError("OUTPUT_GONE", `The bytes before ${start} are no longer kept.`, { from: start, to: end });
      const read = await readOutput(session, from, stream, Math.min(numberOf(waitMs, 0), waitMsMax), request, deps);
      reply.headers({ "execgate-offset": from, "execgate-next-offset": read.next, "cache-control": "no-store" });
      return reply.type("application/octet-stream").send(read.bytes);
    },
  );
}

/** The kept bytes from `from`; when there are none of them yet, those that come within `waitMs`. */
async function readOutput(
  session: Session,
  from: number,
  stream: StreamName | undefined,
  waitMs: number,
  request: FastifyRequest,
  { clock, grants }: RouteDeps,
): Promise<{ bytes: Buffer; next: number }> {
  const cursor = session.log.open({ role: "viewer", offset: from });
  const pieces: Buffer[] = [];
  let total = 0;
  const add = (item: LogItem): void => {
    if (item.type !== "data" || (stream !== undefined && item.stream !== stream)) return;
    pieces.push(item.bytes);
    total += item.bytes.length;
  };
  const takeAll = (): void => {
    while (total < outputBytesMax) {
      const item = cursor.take();
      // Also a cursor that was closed meanwhile has nothing more, wherever the log ends.
      if (item === undefined) return;
      add(item);
    }
  };
  takeAll();
  if (waitMs > 0) {
    const cancel = clock.after(waitMs, () => cursor.close());
    const release = onClientGone(request, () => cursor.close());
    const releaseGrant = grants.add({ ...callerOf(request), verb: "view", request: session.request, end: () => cursor.close() });
    while (total === 0) {
      const item = await cursor.next();
      if (item === undefined) break;
      add(item);
      takeAll();
    }
    cancel();
    release();
    releaseGrant();
  }
  const next = cursor.offset;
  cursor.close();
  return { bytes: Buffer.concat(pieces), next };
}
