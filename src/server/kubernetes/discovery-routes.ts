import { ExecgateError } from "../../errors.ts";
import type { App, RouteDeps } from "../deps.ts";
import { chooseForm, type Form } from "./accept.ts";
import { aggregated, apiGroup, apiGroupList, apiResourceList, apiVersions } from "./discovery.ts";
import { objectQuery } from "./schemas.ts";

const rule = { access: "authenticated" } as const;
const schema = { hide: true, querystring: objectQuery } as const;
const formVersions = ["v2", "v2beta1"];

/** The version of Kubernetes whose clients find what they know here. */
const kubernetesMinor = "31";

/** `/version`, and what there is below `/api` and `/apis`. */
export function discoveryRoutes(app: App, { version }: RouteDeps): void {
  app.get("/version", { schema, config: rule }, () =>
    Promise.resolve({
      major: "1",
      minor: kubernetesMinor,
      gitVersion: `v1.${kubernetesMinor}.0+execgate-${version}`,
      gitCommit: "",
      gitTreeState: "",
      buildDate: "",
      goVersion: "",
      compiler: "",
      platform: `linux/${process.arch}`,
    }),
  );
  for (const path of ["api", "apis"] as const) {
    app.get(`/${path}`, { schema, config: rule }, (request, reply) => {
      const form = chooseForm(request.headers.accept, isAggregated);
      if (form.as === undefined) return Promise.resolve(path === "api" ? apiVersions : apiGroupList);
      const { as, version: formVersion = "", group } = form;
      reply.type(`application/json;g=${group};v=${formVersion};as=${as}`);
      return Promise.resolve(aggregated(path, formVersion));
    });
  }
  app.get("/api/v1", { schema, config: rule }, () => Promise.resolve(apiResourceList("", "v1")));
  app.get("/apis/:group", { schema, config: rule }, ({ params, url }) => Promise.resolve(known(apiGroup(textOf(params, "group")), url)));
  app.get("/apis/:group/:version", { schema, config: rule }, ({ params, url }) =>
    Promise.resolve(known(apiResourceList(textOf(params, "group"), textOf(params, "version")), url)),
  );
}

function isAggregated({ as, group, version = "" }: Form): boolean {
  return as === "APIGroupDiscoveryList" && group === "apidiscovery.k8s.io" && formVersions.includes(version);
}

function known(document: object | undefined, url: string): object {
  if (document !== undefined) return document;
  throw new ExecgateError("NOT_FOUND", `There is nothing at ${url.split("?")[0]?.slice(0, 200)}; /apis lists what there is.`);
}

function textOf(params: unknown, name: string): string {
  return (params as Readonly<Record<string, string>>)[name] ?? "";
}
