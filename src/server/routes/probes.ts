import type { FastifyRequest } from "fastify";
import type { Caller } from "../../access/principal.ts";
import { ExecgateError } from "../../errors.ts";
import type { Probe } from "../../probes/probe.ts";
import type { Candidate } from "../../probes/select.ts";
import { answers, checksAnswer, probesAnswer } from "../answers.ts";
import type { App, RouteDeps } from "../deps.ts";
import { statusOf, viewChecks, viewProbe } from "../probe-view.ts";
import { nameParams, probeQuery } from "../schemas.ts";

/**
 * `/v1/probes`: declared health checks. A caller says no more than which one: what runs is the configuration's, so that
 * policy is asked whether the caller may view it, as a session of `probe:NAME`, and never whether it may run.
 */
export function probeRoutes(app: App, deps: RouteDeps): void {
  const { probes } = deps;
  const isOpen = ({ params }: FastifyRequest): boolean => probes.get((params as { name: string }).name)?.definition.isPublic === true;

  app.get(
    "/v1/probes",
    { schema: { summary: "The probes there are", response: answers({ 200: probesAnswer }) }, config: { access: "authenticated" } },
    async (request) => {
      const views = await Promise.all(
        [...probes.list()].map(async (probe) => {
          const seen = await seenBy(request, probe, deps);
          return seen.length === 0 ? [] : [viewProbe(probe, seen)];
        }),
      );
      return { probes: views.flat() };
    },
  );

  app.get(
    "/v1/probes/:name",
    {
      schema: {
        summary: "Whether the targets of a probe are well",
        params: nameParams,
        querystring: probeQuery,
        response: answers({ 200: checksAnswer("All pass"), 503: checksAnswer("Not all pass") }),
      },
      config: { access: "authenticated", isOpen },
    },
    async (request, reply) => {
      const { name } = request.params;
      const probe = probes.get(name);
      const seen = probe === undefined ? [] : await seenBy(request, probe, deps);
      if (probe === undefined || seen.length === 0) {
        throw new ExecgateError("PROBE_NOT_FOUND", `There is no probe ${JSON.stringify(name)}.`);
      }
      const checks = await probe.ask(chosen(seen, request.query.target, name));
      reply.header("cache-control", "no-store");
      reply.type("application/health+json").code(statusOf(checks) === "pass" ? 200 : 503);
      return reply.send(JSON.stringify(viewChecks(checks, probe.definition.isPublic)));
    },
  );
}

/** What of a probe the caller may view; of a public one everybody may view all. */
async function seenBy(caller: Caller, probe: Probe, { authorizer }: RouteDeps): Promise<readonly Candidate[]> {
  const candidates = await probe.candidates();
  if (probe.definition.isPublic) return candidates;
  return candidates.filter((candidate) => authorizer.isSeen(caller, { request: probe.requestOn(candidate) }));
}

function chosen(seen: readonly Candidate[], target: string | undefined, name: string): readonly Candidate[] {
  if (target === undefined) return seen;
  const found = seen.filter(({ id }) => id === target);
  if (found.length > 0) return found;
  throw new ExecgateError("TARGET_NOT_FOUND", `The probe ${name} has no target ${JSON.stringify(target)}.`);
}
