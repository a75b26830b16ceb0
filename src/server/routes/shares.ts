import { ExecgateError } from "../../errors.ts";
import { Type } from "../../typebox.ts";
import { answers, noBody, shareAnswer } from "../answers.ts";
import { baseUrlOf } from "../base-url.ts";
import type { App, RouteDeps } from "../deps.ts";
import { idParams, shareBody } from "../schemas.ts";

const rule = { access: "authenticated" } as const;
/** How long a share lives unless it is said, milliseconds. */
const shareMsDefault = 3_600_000;
const shareParams = Type.Object({ ...idParams.properties, share: Type.String() });

/** `/v1/sessions/{id}/shares`: links by which somebody without a credential can watch. Whoever may write to a session may give them out. */
export function sharesRoutes(app: App, deps: RouteDeps): void {
  const { sessions, authorizer, shares, audit, limits } = deps;

  app.post(
    "/v1/sessions/:id/shares",
    {
      schema: { summary: "A link that can only watch", params: idParams, body: shareBody, response: answers({ 201: shareAnswer }) },
      config: rule,
    },
    async (request, reply) => {
      const { expiresMs = Math.min(shareMsDefault, limits.shareMsMax) } = request.body;
      if (expiresMs > limits.shareMsMax) {
        throw new ExecgateError("BAD_REQUEST", `expiresMs may be ${limits.shareMsMax} at the most.`, { field: "expiresMs" });
      }
      const session = authorizer.authorizeSession(request, "attach", sessions.get(request.params.id));
      if (session.state === "ended") throw new ExecgateError("SESSION_ENDED", "The session is over, and nothing is left to watch.");
      const { share, secret } = shares.issue(session, request.principal, expiresMs);
      audit.shared(request, session, share.id, "share.issue");
      const url = `${baseUrlOf(request, deps)}#share=${session.id}.${secret}`;
      return reply.code(201).send({ id: share.id, url, expiresAt: new Date(share.expiresAt).toISOString() });
    },
  );

  app.delete(
    "/v1/sessions/:id/shares/:share",
    {
      schema: { summary: "Revoke a link, and end who watches by it", params: shareParams, response: answers({ 204: noBody("Revoked") }) },
      config: rule,
    },
    async (request, reply) => {
      const session = authorizer.authorizeSession(request, "attach", sessions.get(request.params.id));
      shares.revoke(session.id, request.params.share);
      audit.shared(request, session, request.params.share, "share.revoke");
      return reply.code(204).send();
    },
  );
}
