import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { filterOf, nameOf, parseName } from "../../../src/runtimes/containerd/name.ts";

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);

describe("the name of a container", () => {
  test("is a namespace with an id, or with a pod and its container", () => {
    assert.deepEqual(parseName("default/web"), { kind: "id", namespace: "default", idOrPrefix: "web" });
    assert.deepEqual(parseName("k8s.io/db-0/pg"), { kind: "pod", namespace: "k8s.io", pod: "db-0", container: "pg" });
    for (const wrong of ["", "web", "default/", "/web", "a/b/c/d", "a/b c", 'a/b"', "a/../b", "a/b\n", "a//b", "default/.*"]) {
      assert.equal(parseName(wrong), undefined, wrong);
    }
  });

  test("is what the labels of Kubernetes make of it, else the id", () => {
    const labels = { "io.kubernetes.pod.name": "db-0", "io.kubernetes.container.name": "pg" };
    assert.equal(nameOf("k8s.io", "0123", labels), "k8s.io/db-0/pg");
    assert.equal(nameOf("k8s.io", "0123", { "io.kubernetes.pod.name": "db-0" }), "k8s.io/0123");
    assert.equal(nameOf("default", "web", {}), "default/web");
  });

  test("comes back from what it names", () => {
    fc.assert(
      fc.property(word, word, word, (namespace, pod, container) => {
        const labels = { "io.kubernetes.pod.name": pod, "io.kubernetes.container.name": container };
        assert.deepEqual(parseName(nameOf(namespace, "0123", labels)), { kind: "pod", namespace, pod, container });
        assert.deepEqual(parseName(nameOf(namespace, pod, {})), { kind: "id", namespace, idOrPrefix: pod });
      }),
    );
  });

  test("asks for a beginning of an id by an expression in which nothing else matches", () => {
    fc.assert(
      fc.property(word, (idOrPrefix) => {
        const [, expression = ""] = /^id~="(.*)"$/.exec(filterOf({ kind: "id", namespace: "default", idOrPrefix })) ?? [];
        assert.match(`${idOrPrefix}rest`, new RegExp(expression));
        assert.doesNotMatch(`-${idOrPrefix}`, new RegExp(expression));
        if (idOrPrefix.includes(".")) assert.doesNotMatch(idOrPrefix.replace(".", "x"), new RegExp(expression));
      }),
    );
  });
});
