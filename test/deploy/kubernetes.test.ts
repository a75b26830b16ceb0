import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { type Config, loadConfig } from "../../src/config.ts";
import { packageDir, readVersion } from "../../src/version.ts";
import { start, until } from "../conformance/process.ts";
import { openGateway } from "../fixtures/gateway.ts";
import { findKubectls } from "../fixtures/kubectl.ts";
import { skipWithout } from "../fixtures/require.ts";
import { routesOf } from "../fixtures/routes.ts";
import { FakeCluster, podNamed, success } from "../runtimes/kubernetes/fake-cluster.ts";

type Labels = Readonly<Record<string, string>>;
interface Selector {
  readonly matchLabels: Labels;
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme: string };
}
interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
}
interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
  readonly emptyDir?: object;
}
interface Container {
  readonly image: string;
  readonly env: { readonly name: string; readonly value: string }[];
  readonly ports: { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly securityContext: object;
  readonly volumeMounts: { readonly name: string; readonly mountPath: string }[];
}
interface PodSpec {
  readonly serviceAccountName: string;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsNonRoot: boolean; readonly seccompProfile: { readonly type: string } };
  readonly topologySpreadConstraints: { readonly labelSelector: Selector }[];
  readonly containers: [Container];
  readonly volumes: Volume[];
}
/** The fields that are looked at, by kind. */
interface Specs {
  readonly Deployment: {
    readonly selector: Selector;
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  };
  readonly Service: {
    readonly selector: Labels;
    readonly sessionAffinity: string;
    readonly sessionAffinityConfig: { readonly clientIP: { readonly timeoutSeconds: number } };
    readonly ports: { readonly targetPort: string }[];
  };
  readonly NetworkPolicy: { readonly podSelector: Selector; readonly ingress: { readonly ports: { readonly port: string }[] }[] };
  readonly PodDisruptionBudget: { readonly selector: Selector };
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data: Labels;
  readonly rules: Rule[];
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: object[];
  readonly spec: unknown;
}

const folder = fileURLToPath(new URL("deploy/kubernetes/", packageDir));
const [kubectl] = findKubectls();

describe("deploy/kubernetes", { skip: skipWithout("kubectl", kubectl !== undefined) }, () => {
  let manifests: readonly Manifest[] = [];
  let config: Config;
  const all = (kind: string): readonly Manifest[] => manifests.filter((one) => one.kind === kind);
  const the = (kind: string): Manifest => {
    const [found, ...more] = all(kind);
    assert.ok(found !== undefined && more.length === 0, `one ${kind}`);
    return found;
  };
  const specOf = <K extends keyof Specs>(kind: K): Specs[K] => the(kind).spec as Specs[K];
  const podSpec = (): PodSpec => specOf("Deployment").template.spec;
  const container = (): Container => podSpec().containers[0];

  before(async () => {
    const { status, stdout, stderr } = spawnSync(kubectl?.path ?? "", ["kustomize", folder], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    manifests = parseAllDocuments(stdout).map((document) => {
      assert.deepEqual(document.errors, []);
      return document.toJS() as Manifest;
    });
    const dir = await mkdtemp(join(tmpdir(), "execgate-deploy-"));
    const file = join(dir, "execgate.yaml");
    await writeFile(file, the("ConfigMap").data["execgate.yaml"] ?? "");
    config = loadConfig({ argv: ["--config", file], env: {} });
    await rm(dir, { recursive: true });
  });

  it("selects by labels that the gateway's pods have", () => {
    const labels: Labels = specOf("Deployment").template.metadata.labels;
    const selectors: Selector[] = [
      specOf("Deployment").selector,
      specOf("NetworkPolicy").podSelector,
      specOf("PodDisruptionBudget").selector,
      { matchLabels: specOf("Service").selector },
      ...podSpec().topologySpreadConstraints.map(({ labelSelector }) => labelSelector),
    ];
    for (const { matchLabels } of selectors) {
      assert.ok(Object.keys(matchLabels).length > 0);
      for (const [key, value] of Object.entries(matchLabels)) assert.equal(labels[key], value);
    }
  });

  it("is of this version, and named alike in one namespace", () => {
    assert.equal(container().image, `execgate:${readVersion()}`);
    const ofGateway = manifests.filter(({ kind }) => !["Namespace", "Role", "RoleBinding"].includes(kind));
    assert.deepEqual([...new Set(ofGateway.map(({ metadata }) => metadata.namespace))], [the("Namespace").metadata.name]);
  });

  it("has a configuration that the gateway starts with, whose files are mounted", () => {
    const { volumeMounts, env } = container() as {
      volumeMounts: { name: string; mountPath: string }[];
      env: { name: string; value: string }[];
    };
    const volumes = new Map(podSpec().volumes.map((volume) => [volume.name, volume]));
    const mountOf = (path: string) => volumes.get(volumeMounts.find(({ mountPath }) => mountPath === path)?.name ?? "");
    const value = (name: string): string => env.find((one) => one.name === name)?.value ?? "";
    assert.equal(mountOf(dirname(value("EXECGATE_CONFIG")))?.configMap?.name, the("ConfigMap").metadata.name);
    assert.ok(mountOf(value("EXECGATE_STATE_DIR"))?.emptyDir);
    for (const file of [config.tls?.certFile, config.tls?.keyFile])
      assert.equal(mountOf(dirname(file ?? ""))?.secret?.secretName, "execgate-tls");
  });

  it("opens the ports that the gateway listens on", () => {
    const ports = new Map(container().ports.map(({ name, containerPort }) => [name, containerPort]));
    const portOf = (address: Config["metricsListen"]) => (address?.kind === "tcp" ? address.port : undefined);
    assert.equal(ports.get("https"), portOf(config.listen[0]));
    assert.equal(ports.get("metrics"), portOf(config.metricsListen));
    const named = [...specOf("Service").ports.map(({ targetPort }) => targetPort)];
    for (const { ports: allowed } of specOf("NetworkPolicy").ingress) named.push(...allowed.map(({ port }) => port));
    for (const name of named) assert.ok(ports.has(name), name);
  });

  it("probes paths that the gateway answers without a credential", async () => {
    await using served = await openGateway();
    const routes = routesOf(served.gateway.app).map(({ path }) => path);
    const { startupProbe, livenessProbe, readinessProbe } = container();
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      assert.deepEqual([probe.httpGet.port, probe.httpGet.scheme], ["https", config.listen[0]?.tls ? "HTTPS" : "HTTP"]);
      assert.ok(routes.includes(probe.httpGet.path));
      const headers = { authorization: undefined, host: "10.1.2.3:8443" };
      assert.equal((await served.request(probe.httpGet.path, { headers })).status, 200);
    }
  });

  it("keeps clients where their sessions are for as long as those may wait for them", () => {
    const { sessionAffinity, sessionAffinityConfig } = specOf("Service");
    assert.equal(sessionAffinity, "ClientIP");
    assert.ok(sessionAffinityConfig.clientIP.timeoutSeconds * 1000 >= config.limits.keepMsMax);
  });

  it("gives the gateway the time to end that it takes", () => {
    const { terminationGracePeriodSeconds } = podSpec();
    const drainMs = container().lifecycle.preStop.sleep.seconds * 1000 + config.limits.shutdownMs;
    assert.ok(terminationGracePeriodSeconds * 1000 > drainMs);
  });

  it("runs with no right that it does not need", () => {
    const { securityContext, automountServiceAccountToken, serviceAccountName } = podSpec();
    assert.deepEqual([securityContext.runAsNonRoot, securityContext.seccompProfile.type], [true, "RuntimeDefault"]);
    assert.deepEqual(container().securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert.equal(automountServiceAccountToken, true);
    assert.equal(serviceAccountName, the("ServiceAccount").metadata.name);
    assert.deepEqual(all("ClusterRole"), []);
    assert.deepEqual(all("ClusterRoleBinding"), []);
  });

  it("lets the gateway do what the runtime asks the API server for, and nothing else, where its targets are", async () => {
    const runtime = config.runtimes.find(({ kind }) => kind === "kubernetes");
    assert.ok(runtime?.kind === "kubernetes");
    const { namespaces } = runtime.options;
    assert.deepEqual(
      all("Role")
        .map(({ metadata }) => metadata.namespace)
        .sort(),
      [...namespaces].sort(),
    );
    const { name, namespace } = the("ServiceAccount").metadata;
    for (const role of all("Role")) {
      const binding = all("RoleBinding").find(({ metadata }) => metadata.namespace === role.metadata.namespace);
      assert.equal(binding?.roleRef.name, role.metadata.name);
      assert.deepEqual(binding?.subjects, [{ kind: "ServiceAccount", name, namespace }]);
      const granted = role.rules.flatMap(({ resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
      );
      // What a server of 1.35 asks for beside the GET that a WebSocket begins with.
      assert.deepEqual(granted.sort(), [...new Set([...(await rightsUsed()), "create pods/exec"])].sort());
      assert.ok(role.rules.every(({ apiGroups }) => apiGroups.join() === ""));
    }
  });
});

/** The rights that all that the runtime does takes: recorded by a server that it does it with. */
async function rightsUsed(): Promise<ReadonlySet<string>> {
  await using cluster = await FakeCluster.start();
  cluster.add(podNamed("web"));
  cluster.onExec = (exec) => {
    if (exec.query.getAll("command")[3] === "execgate") void exec.pass();
    else exec.end(success);
  };
  const runtime = cluster.runtime();
  await runtime.ping(AbortSignal.timeout(5000));
  await runtime.targets();
  const running = await start(runtime, "k:prod/web", { command: ["sleep", "60"], tty: { cols: 80, rows: 24 }, stdin: true });
  await running.write(Buffer.from("input"));
  await running.resize({ cols: 100, rows: 30 });
  await running.signal("SIGHUP");
  await running.terminate();
  running.release();
  await until(() => cluster.asked.filter((line) => line.endsWith("/exec")).length === 3);
  await runtime.close();
  return new Set(cluster.asked.map(rightOf));
}

/** Verb and resource, as the API server authorizes a request. */
function rightOf(asked: string): string {
  const [, method, name, subresource] = /^(GET|WATCH) \/api\/v1\/namespaces\/prod\/pods(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(asked) ?? [];
  assert.ok(method !== undefined, asked);
  if (name === undefined) return method === "WATCH" ? "watch pods" : "list pods";
  return subresource === undefined ? "get pods" : `get pods/${subresource}`;
}
