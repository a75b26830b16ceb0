import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dial, refusalOf } from "../../fixtures/exec-client.ts";
import { openGateway, type TestGateway, testToken } from "../../fixtures/gateway.ts";
import { assertStatus } from "../../fixtures/http-answer.ts";
import { openTeam } from "../../fixtures/team.ts";
import { until } from "../../fixtures/until.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway({ limits: { sessionsMax: 12 } });
});
after(() => served[Symbol.asyncDispose]());

const pods = "/api/v1/namespaces/default/pods";
const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

interface List {
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly { readonly metadata: { readonly name: string; readonly namespace: string } }[];
}

async function get(path: string, accept = "application/json") {
  const answer = await served.request(path, { headers: { accept } });
  assert.equal(answer.status, 200, answer.text);
  return answer;
}

/** Starts a session that lives until the test is over, and gives back its pod's name. */
async function startSession(t: { after(then: () => Promise<unknown>): void }): Promise<string> {
  const { json } = await served.request("/v1/sessions", { method: "POST", body: { command: ["cat"], stdin: true, keepMs: 60_000 } });
  const { id } = json as { id: string };
  t.after(() => served.request(`/v1/sessions/${id}`, { method: "DELETE" }));
  return id.toLowerCase();
}

describe("discovery", () => {
  test("says the same to clients of both kinds", async () => {
    const plain = (await get("/api/v1")).json as { resources: { name: string }[] };
    assert.deepEqual(plain.resources.map(({ name }) => name).sort(), ["namespaces", "pods", "pods/attach", "pods/exec"]);
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const answer = await get("/api", accept);
    assert.match(answer.headers["content-type"] ?? "", /as="?APIGroupDiscoveryList/);
    const { items } = answer.json as {
      items: { versions: { resources: { resource: string; subresources: { subresource: string }[] }[] }[] }[];
    };
    const resources = items[0]?.versions[0]?.resources ?? [];
    const all = resources.flatMap(({ resource, subresources }) => [
      resource,
      ...subresources.map(({ subresource }) => `${resource}/${subresource}`),
    ]);
    assert.deepEqual(all.sort(), ["namespaces", "pods", "pods/attach", "pods/exec"]);
    assert.deepEqual(((await get("/api")).json as { versions: string[] }).versions, ["v1"]);
    const { groups } = (await get("/apis")).json as { groups: { name: string; versions: { groupVersion: string }[] }[] };
    for (const { name, versions } of groups) {
      assert.equal(((await get(`/apis/${name}`)).json as { name: string }).name, name);
      for (const { groupVersion } of versions) {
        assert.equal(((await get(`/apis/${groupVersion}`)).json as { groupVersion: string }).groupVersion, groupVersion);
      }
    }
    assertStatus(await served.request("/apis/apps/v1"), 404, "NOT_FOUND");
  });
});

describe("lists", () => {
  test("come in pages, and whole where no limit is said", async (t) => {
    const names = ["host", await startSession(t), await startSession(t), await startSession(t)];
    const whole = (await get("/api/v1/pods")).json as List;
    assert.equal(whole.kind, "PodList");
    assert.deepEqual(
      whole.items.map(({ metadata }) => metadata.name),
      names,
    );
    assert.equal(whole.metadata.continue, undefined);
    const found: string[] = [];
    for (let after: string | undefined = ""; after !== undefined; ) {
      const page = (await get(`/api/v1/pods?limit=2&continue=${encodeURIComponent(after)}`)).json as List;
      assert.ok(page.items.length <= 2);
      found.push(...page.items.map(({ metadata }) => metadata.name));
      after = page.metadata.continue;
    }
    assert.deepEqual(found, names);
  });

  test("are tables for who wants to print, with as much of each thing as is asked for", async () => {
    const rows = async (query: string) =>
      ((await get(`${pods}${query}`, table)).json as { rows: { cells: string[]; object: { kind: string } | null }[] }).rows;
    assert.deepEqual(
      (await rows("")).map(({ cells, object }) => [...cells, object?.kind]),
      [["host", "1/1", "Running", "<unknown>", "host", "PartialObjectMetadata"]],
    );
    assert.equal((await rows("?includeObject=Object"))[0]?.object?.kind, "Pod");
    assert.equal((await rows("?includeObject=None"))[0]?.object, null);
    assertStatus(await served.request(`${pods}?includeObject=Some`, { headers: { accept: table } }), 400, "BAD_REQUEST", "includeObject");
  });

  test("of a namespace that is not there are empty, and the namespace is not found", async () => {
    assert.deepEqual(((await get("/api/v1/namespaces/nowhere/pods")).json as List).items, []);
    assertStatus(await served.request("/api/v1/namespaces/nowhere"), 404, "TARGET_NOT_FOUND");
  });
});

describe("watching", { concurrency: true }, () => {
  /** The text of a stream, which is JSON by the line. */
  const watch = async (path: string): Promise<string> => {
    const answer = await fetch(served.url + path, { headers: { authorization: `Bearer ${testToken}` } });
    assert.equal(answer.status, 200);
    return await answer.text();
  };
  const linesOf = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; object: { kind: string; code?: number; metadata: { name?: string } } });

  test("from the beginning it tells what is there, and ends when the time is over", async () => {
    const lines = linesOf(await watch(`${pods}?watch=1&timeoutSeconds=1`));
    assert.deepEqual(
      lines.map(({ type, object }) => [type, object.metadata.name]),
      [["ADDED", "host"]],
    );
  });

  test("where it is asked for, a bookmark says that everything was told", async () => {
    const lines = linesOf(await watch(`${pods}?watch=true&sendInitialEvents=true&timeoutSeconds=1&allowWatchBookmarks=true`));
    assert.deepEqual(
      lines.map(({ type }) => type),
      ["ADDED", "BOOKMARK"],
    );
  });

  test("from a list on it tells what came between the two, and nothing twice", async (t) => {
    const { resourceVersion } = ((await get("/api/v1/pods")).json as List).metadata;
    const name = await startSession(t);
    const lines = linesOf(await watch(`/api/v1/pods?watch=1&timeoutSeconds=1&resourceVersion=${resourceVersion}`));
    assert.deepEqual(
      lines.map(({ type, object }) => [type, object.metadata.name]),
      [["ADDED", name]],
    );
  });

  test("from what is too long ago it says so", async () => {
    const [line] = linesOf(await watch(`${pods}?watch=1&resourceVersion=7`));
    assert.deepEqual([line?.type, line?.object.kind, line?.object.code], ["ERROR", "Status", 410]);
  });
});

describe("refusals", () => {
  test("are Status objects, whatever is wrong", async () => {
    assertStatus(await served.request("/api/v2"), 404, "NOT_FOUND");
    assertStatus(await served.request(`${pods}/web`), 404, "TARGET_NOT_FOUND");
    assertStatus(await served.request(`${pods}/%zz`), 400, "BAD_REQUEST");
    assertStatus(await served.request(`${pods}/host%2f..%2fhost`), 404, "TARGET_NOT_FOUND");
    assertStatus(await served.request(`${pods}/a%00b`), 404, "TARGET_NOT_FOUND");
    assertStatus(await served.request(`${pods}/HOST`), 404, "TARGET_NOT_FOUND");
    assertStatus(await served.request(`${pods}?nonsense=1`), 400, "BAD_REQUEST", "nonsense");
    assertStatus(await served.request(`${pods}?labelSelector=%28`), 400, "BAD_REQUEST", "labelSelector");
    assertStatus(await served.request(pods, { headers: { accept: "application/yaml" } }), 406, "NOT_ACCEPTABLE", "Accept");
    for (const method of ["PUT", "PATCH", "DELETE"])
      assertStatus(await served.request(`${pods}/host`, { method }), 405, "METHOD_NOT_ALLOWED");
    assertStatus(await served.request(`${pods}/host/exec?command=true`), 426, "UPGRADE_REQUIRED");
    assertStatus(await served.request("/version", { headers: { authorization: "Bearer x" } }), 401, "UNAUTHENTICATED");
    assert.equal((await served.request(`${pods}/host`, { method: "HEAD" })).status, 200);
  });

  test("a name in percent-encoding is that name", async () => {
    assert.equal((await served.request(`${pods}/%68ost`)).status, 200);
  });

  test("a protobuf body is taken by reviews and by nothing else", async () => {
    const headers = { "content-type": "application/vnd.kubernetes.protobuf" };
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assertStatus(await served.request(path, { method: "POST", headers, body: "k8s" }), 400, "BAD_REQUEST");
    assert.equal((await served.request("/v1/exec", { method: "POST", headers, body: "k8s\0" })).status, 415);
  });
});

describe("pods/exec", () => {
  const exec = (query: string) => `${pods}/host/exec?${query}`;
  const v5 = { protocols: "v5.channel.k8s.io" };

  test("a WebSocket is refused as the POST is that clients fall back to", async () => {
    const query = "command=true&stdout=1";
    for (const [path, status, code, field] of [
      [`${pods}/web/exec?${query}`, 404, "TARGET_NOT_FOUND"],
      [`/api/v1/namespaces/nowhere/pods/host/exec?${query}`, 404, "TARGET_NOT_FOUND"],
      [exec("stdout=1"), 400, "BAD_REQUEST", "command"],
      [exec(`${query}&container=web`), 400, "BAD_REQUEST", "container"],
      [exec(`${query}&nonsense=1`), 400, "BAD_REQUEST", "nonsense"],
      [`/api/v1/namespaces/default/pods/host/attach?stdout=1`, 501, "NOT_SUPPORTED"],
      [`/api/v1/namespaces/sessions/pods/01jd/attach?stdout=1`, 404, "SESSION_NOT_FOUND"],
    ] as const) {
      const asked = assertStatus(await refusalOf(served.url + path, v5), status, code, field);
      assert.deepEqual(assertStatus(await served.request(path, { method: "POST" }), status, code, field), asked, path);
    }
  });

  test("a container that is empty is not named, as clients send it that have none to say", async () => {
    using client = await dial(served.url + exec("command=true&stdout=1&container="), v5);
    assert.equal((await client.closed).code, 1000);
  });

  test("a limit is told to both, too", async () => {
    const open = await Promise.all(Array.from({ length: 12 }, () => dial(served.url + exec("command=sleep&command=60&stdout=1"), v5)));
    const path = exec("command=true&stdout=1");
    assertStatus(await refusalOf(served.url + path, v5), 429, "TOO_MANY_SESSIONS");
    assertStatus(await served.request(path, { method: "POST" }), 429, "TOO_MANY_SESSIONS");
    for (const client of open) client.ws.terminate();
    await until("end of all sessions", async () => (await served.metric("execgate_sessions_active")) === 0);
  });

  test("what could run is told on POST that it takes a WebSocket, and leaves no session", async () => {
    const { message } = assertStatus(await served.request(exec("command=true&stdout=1"), { method: "POST" }), 426, "UPGRADE_REQUIRED");
    assert.match(message, /kubectl 1\.30/);
    const { sessions } = (await served.request("/v1/sessions?state=running")).json as { sessions: unknown[] };
    assert.deepEqual(sessions, []);
  });

  test("the subprotocols are those of Kubernetes", async () => {
    const path = served.url + exec("command=true&stdout=1");
    assertStatus(await refusalOf(path, { protocols: "v1.execgate" }), 400, "BAD_REQUEST", "Sec-WebSocket-Protocol");
    assertStatus(await refusalOf(path, { protocols: [] }), 400, "BAD_REQUEST", "Sec-WebSocket-Protocol");
    using client = await dial(path, { protocols: ["v4.channel.k8s.io", "v5.channel.k8s.io"] });
    assert.equal(client.ws.protocol, "v4.channel.k8s.io");
    assert.equal((await client.closed).code, 1000);
  });
});

describe("somebody whom policy lets near little", () => {
  const rule = { targets: ["host"], commands: "any" };
  const policy = {
    roles: { runner: { allow: [{ verbs: ["exec"], ...rule }] }, watcher: { allow: [{ verbs: ["view"], ...rule }] } },
    bindings: [
      { subjects: ["user:ann"], roles: ["runner"] },
      { subjects: ["user:bob"], roles: ["watcher"] },
    ],
  };
  const review = (resourceAttributes: object) => ({ method: "POST", body: { spec: { resourceAttributes } } });
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

  test("sees no pod of a target that no rule is about, and is told the truth by can-i", async () => {
    await using team = await openTeam({ ann: [], bob: [], eve: [] }, { policy });
    const namesFor = async (name: string) =>
      ((await team.as(name)("/api/v1/pods")).json as List).items.map(({ metadata }) => metadata.name);
    assert.deepEqual([await namesFor("ann"), await namesFor("bob"), await namesFor("eve")], [["host"], ["host"], []]);
    assertStatus(await team.as("eve")(`${pods}/host`), 404, "TARGET_NOT_FOUND");
    const may = async (name: string, attributes: object): Promise<boolean> =>
      ((await team.as(name)(path, review(attributes))).json as { status: { allowed: boolean } }).status.allowed;
    const exec = { namespace: "default", verb: "create", resource: "pods", subresource: "exec" };
    for (const [name, mayExec] of [
      ["ann", true],
      ["bob", false],
      ["eve", false],
    ] as const) {
      assert.equal(await may(name, exec), mayExec, name);
      assert.equal(await may(name, { ...exec, name: "host" }), mayExec, name);
      assert.equal(await may(name, { ...exec, namespace: "" }), mayExec, name);
      assert.equal(await may(name, { ...exec, name: "web" }), false, name);
      assert.equal(await may(name, { ...exec, verb: "delete" }), false, name);
      assert.equal(await may(name, { namespace: "default", verb: "get", resource: "pods", name: "host" }), name !== "eve", name);
      assert.equal(await may(name, { namespace: "sessions", verb: "create", resource: "pods", subresource: "attach" }), true, name);
    }
  });
});
