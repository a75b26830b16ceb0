import type { App, RouteDeps } from "../deps.ts";
import { podAttachRoutes } from "./attach-route.ts";
import { Cluster } from "./cluster.ts";
import { discoveryRoutes } from "./discovery-routes.ts";
import { podExecRoutes } from "./exec-route.ts";
import { listRoutes } from "./list-routes.ts";
import { reviewRoutes } from "./review-routes.ts";

/** What kubectl and other clients of Kubernetes ask: targets as pods, and commands in them. */
export async function kubernetesRoutes(app: App, deps: RouteDeps): Promise<void> {
  const cluster = new Cluster(deps);
  discoveryRoutes(app, deps);
  listRoutes(app, deps, cluster);
  podExecRoutes(app, deps, cluster);
  podAttachRoutes(app, deps);
  await reviewRoutes(app, deps, cluster);
  // What cannot be shown by its own name is told at the start.
  app.addHook("onReady", async () => void cluster.namespaces.look().catch(() => undefined));
}
