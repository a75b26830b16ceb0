import type { Authorized } from "../../access/authorizer.ts";
import { ExecgateError } from "../../errors.ts";
import { admit } from "../admit.ts";
import type { App, RouteDeps } from "../deps.ts";
import { requestFromQuery } from "../exec-request.ts";
import { listOf } from "../query.ts";
import { admitForSocket, normalizeKubernetesQuery, serveAdmitted } from "../routes/exec-socket.ts";
import type { Cluster } from "./cluster.ts";
import { type PodRequest, podSocketRoutes } from "./pod-socket.ts";
import { podExecQuery } from "./schemas.ts";

/** `pods/exec`: runs a command. */
export function podExecRoutes(app: App, deps: RouteDeps, cluster: Cluster): void {
  const wanted = async (request: PodRequest): Promise<Authorized> => {
    const { namespace, name } = request.params;
    const { container, ...query } = request.query;
    if (listOf(query.command).length === 0) {
      throw new ExecgateError("BAD_REQUEST", "command is missing; name the command to run.", { field: "command" });
    }
    const target = await cluster.target(request, namespace, name, container);
    return await requestFromQuery({ ...query, target: target.id }, request, deps);
  };

  podSocketRoutes(app, {
    subresource: "exec",
    querystring: podExecQuery,
    normalize: normalizeKubernetesQuery,
    async admit(request) {
      admitForSocket(request, await wanted(request), deps);
    },
    async check(request) {
      admit(await wanted(request), deps).stop("disconnect");
    },
    serve(ws, request, protocol, wants) {
      serveAdmitted(ws, request, protocol, { wants, flow: undefined, stdin: undefined }, deps);
    },
  });
}
