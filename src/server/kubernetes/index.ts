import type { App, RouteDeps } from "../deps.ts";
import { Cluster } from "./cluster.ts";
import { discoveryRoutes } from "./discovery-routes.ts";
import { podExecRoutes } from "./exec-route.ts";
import { listRoutes } from "./list-routes.ts";

/** What kubectl and other clients of Kubernetes ask: targets as pods, and commands in them. */
export function kubernetesRoutes(app: App, deps: RouteDeps): void {
  const cluster = new Cluster(deps);
  discoveryRoutes(app, deps);
  listRoutes(app, deps, cluster);
  podExecRoutes(app, deps, cluster);
}
