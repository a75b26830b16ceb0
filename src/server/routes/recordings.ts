import { ExecgateError } from "../../errors.ts";
import { Type } from "../../typebox.ts";
import { answerIn, answers, recordingsAnswer } from "../answers.ts";
import type { App, ListedRecording, RouteDeps } from "../deps.ts";
import { limitOf } from "../page-of.ts";
import { idParams, recordingsQuery } from "../schemas.ts";

const rule = { access: "authenticated" } as const;
const castAnswer = answerIn("The recording", { "application/x-asciicast": Type.String() });

/** What was recorded, also of sessions that ended long ago: by id only, for whoever may see the session. */
export function recordingRoutes(app: App, deps: RouteDeps): void {
  const { recordings, sessions, authorizer, audit } = deps;

  app.get(
    "/v1/recordings",
    {
      schema: {
        summary: "The recordings that are kept, newest first",
        querystring: recordingsQuery,
        response: answers({ 200: recordingsAnswer }),
      },
      config: rule,
    },
    async (request) => {
      const { target, limit, continue: after } = request.query;
      const count = limitOf(limit);
      const found: ListedRecording[] = [];
      for await (const recording of recordings.list(after)) {
        if (target !== undefined && recording.request.target.id !== target) continue;
        if (!authorizer.isSeen(request, recording)) continue;
        if (found.length === count) return { recordings: found.map(view), continue: found.at(-1)?.id };
        found.push(recording);
      }
      return { recordings: found.map(view) };
    },
  );

  app.get(
    "/v1/sessions/:id/recording",
    {
      schema: { summary: "What a session showed, as asciicast v2", params: idParams, response: answers({ 200: castAnswer }) },
      config: rule,
    },
    async (request, reply) => {
      const { id } = request.params;
      const session = sessions.get(id);
      const recorded = authorizer.authorizeSession(request, "view", session ?? (await recordings.find(id)));
      const file = await recordings.read(id, session?.state === "ended");
      if (file === undefined) throw new ExecgateError("NOT_FOUND", "This session is not recorded.");
      audit.reached(request, "view", { id, request: recorded.request }, "recording");
      reply.headers({ "content-length": file.bytes, "content-disposition": `attachment; filename="${id}.cast"` });
      return reply.type("application/x-asciicast").send(file.stream);
    },
  );
}

function view({ id, request, startedAt, writtenAt, bytes, cols, rows, isLive }: ListedRecording) {
  return {
    id,
    principal: request.principal,
    target: request.target.id,
    command: request.spec.command,
    tty: request.spec.tty !== undefined,
    cols,
    rows,
    bytes,
    live: isLive,
    startedAt: new Date(startedAt).toISOString(),
    durationMs: Math.max(0, Math.round(writtenAt - startedAt)),
  };
}
