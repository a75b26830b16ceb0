import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Target } from "../../../src/exec/runtime.ts";
import { layOut, runtimeNamespaces } from "../../../src/server/kubernetes/namespaces.ts";
import { podsOf, rememberPods } from "../../../src/server/kubernetes/pods.ts";

function targetOf(id: string, labels: Readonly<Record<string, string>> = {}, immutableId = id): Target {
  const [runtime = "", name = runtime] = id.split(":");
  return { id, runtime, name, immutableId, state: "running", labels };
}

const shown = (targets: readonly Target[]) =>
  podsOf("docker", targets).map(({ name, containers }) => [
    name,
    ...containers.map((container) => `${container.name}=${container.target.id}`),
  ]);

describe("targets as pods", () => {
  test("a container by itself is a pod with one container", () => {
    assert.deepEqual(shown([targetOf("docker:web"), targetOf("docker:Job_7")]), [
      ["web", "web=docker:web"],
      ["job-7", "job-7=docker:Job_7"],
    ]);
    assert.deepEqual(shown([targetOf("containerd:default/0a1b")]), [["0a1b", "0a1b=containerd:default/0a1b"]]);
  });

  test("those that a name or the labels of Kubernetes put in one pod are its containers", () => {
    const cri = (pod: string, container: string) =>
      targetOf(`containerd:k8s.io/${pod}${container}`, {
        "io.kubernetes.pod.namespace": "prod",
        "io.kubernetes.pod.name": pod,
        "io.kubernetes.container.name": container,
      });
    assert.deepEqual(shown([cri("db", "main"), cri("db", "proxy")]), [
      ["db", "main=containerd:k8s.io/dbmain", "proxy=containerd:k8s.io/dbproxy"],
    ]);
    const named = ["a", "b"].map((name) => targetOf(`containerd:prod/db/${name}`));
    assert.deepEqual(shown(named), [["db", "a=containerd:prod/db/a", "b=containerd:prod/db/b"]]);
  });

  test("pods of the same name in different places are two", () => {
    const pods = shown([targetOf("containerd:prod/db/main"), targetOf("containerd:test/db/main")]);
    assert.equal(new Set(pods.map(([name]) => name)).size, 2);
  });

  test("another thing of the same name has another uid, and the same thing the same", () => {
    const uid = (immutableId: string) => podsOf("docker", [targetOf("docker:web", {}, immutableId)])[0]?.uid;
    assert.equal(uid("one"), uid("one"));
    assert.notEqual(uid("one"), uid("other"));
    assert.match(uid("one") ?? "", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});

describe("namespaces", () => {
  const host = { name: "host", kind: "host" };

  test("the host is in default, every other runtime in one of its name", () => {
    const docker = { name: "docker", kind: "docker" };
    assert.deepEqual(
      [...runtimeNamespaces([host, docker, { name: "Edge_1", kind: "docker" }])],
      [
        ["default", "host"],
        ["docker", "docker"],
        ["edge-1", "Edge_1"],
      ],
    );
  });

  test("a runtime cannot take the name of the gateway's own", () => {
    const names = ["sessions", "default", "Sessions"].map((name) => ({ name, kind: "docker" }));
    assert.deepEqual([...runtimeNamespaces([host, ...names]).keys()], ["default", "runtime-sessions", "runtime-default", "sessions-2"]);
  });

  test("those of the same targets are the same, until one of these is another", () => {
    const toPods = rememberPods();
    const targets = ["k:prod/a/main", "k:prod/b/main"].map((id) => targetOf(id));
    const pods = toPods("prod", targets);
    assert.equal(toPods("prod", [...targets]), pods);
    assert.deepEqual(toPods("prod", targets.slice(0, 1)), pods.slice(0, 1));
    assert.notEqual(toPods("prod", [...targets.slice(0, 1), targetOf("k:prod/b/main", {}, "another")])[1]?.uid, pods[1]?.uid);
    assert.equal(toPods("k-prod", targets)[0]?.namespace, "k-prod");
    assert.deepEqual(toPods("prod", []), []);
  });

  test("those of a cluster are shown as they are, and with the runtime's name in front where that is taken", () => {
    const targets = ["k:prod/a/main", "k:default/b/main", "other:prod/c/main"].map((id) => targetOf(id));
    const pods = layOut(
      targets,
      runtimeNamespaces([host, { name: "k", kind: "kubernetes" }, { name: "other", kind: "kubernetes" }]),
      podsOf,
    );
    assert.deepEqual(
      pods.map(({ namespace, name }) => `${namespace}/${name}`),
      ["prod/a", "k-default/b", "other-prod/c"],
    );
  });
});
