import { ExecgateError } from "../../errors.ts";
import type { Target } from "../../exec/runtime.ts";
import { hasLabels, listTargets } from "../../exec/targets.ts";
import { answers, targetsAnswer } from "../answers.ts";
import type { App, RouteDeps } from "../deps.ts";
import { limitOf, pageOf } from "../page-of.ts";
import { listOf } from "../query.ts";
import { targetsQuery } from "../schemas.ts";
import { findTarget } from "../target.ts";

/** `GET /v1/targets`: where commands can be run. */
export function targetsRoute(app: App, deps: RouteDeps): void {
  app.get(
    "/v1/targets",
    {
      schema: { summary: "Where commands can be run", querystring: targetsQuery, response: answers({ 200: targetsAnswer }) },
      config: { access: "authenticated" },
    },
    async (request) => {
      const { id, ...filters } = request.query;
      if (id !== undefined) {
        refuseFilters(filters);
        return { targets: [view(await findTarget(id, request, deps))] };
      }
      const { runtime, label, limit, continue: after } = filters;
      const labels = listOf(label).map(readLabel);
      const asked = [...deps.runtimes.values()].filter(({ name }) => runtime === undefined || name === runtime);
      const { targets, unavailable } = await listTargets(asked, deps.clock);
      const wanted = targets.filter((target) => deps.authorizer.isNear(request.principal, target) && hasLabels(target, labels));
      const { items, ...rest } = pageOf(wanted, (target) => target.id, limitOf(limit), after);
      return { targets: items.map(view), ...(unavailable.length > 0 && { unavailable }), ...rest };
    },
  );
}

function view({ id, runtime, name, state, labels = {} }: Target) {
  return { id, runtime, name, state, labels };
}

/** One target is not looked for among others. @throws BAD_REQUEST naming the first parameter that would do so */
function refuseFilters(filters: object): void {
  const [field] = Object.keys(filters);
  if (field !== undefined) throw new ExecgateError("BAD_REQUEST", `id names one target; leave ${field} out.`, { field });
}

function readLabel(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw new ExecgateError("BAD_REQUEST", `label must be NAME=VALUE, not ${JSON.stringify(text)}.`, { field: "label" });
  return [text.slice(0, equals), text.slice(equals + 1)];
}
