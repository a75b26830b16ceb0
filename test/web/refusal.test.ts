import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { explainRefusal } from "../../src/web/refusal.ts";

/** Answers the page's requests by path. */
function answer(t: TestContext, answers: Readonly<Record<string, () => Response>>): void {
  const stand = mock.method(globalThis, "fetch", async (url: URL) => answers[url.pathname]?.() ?? new Response("", { status: 404 }));
  t.after(() => stand.mock.restore());
}

const problem =
  (status: number, fields: object, headers: Record<string, string> = {}) =>
  () =>
    Response.json(fields, { status, headers });
const explain = () => explainRefusal("http://gateway/shell/", "t", { target: "docker:web" });

test("a token that the gateway does not know has to be asked for again", async (t) => {
  answer(t, { "/shell/v1/info": problem(401, { title: "Valid credentials are needed" }) });
  assert.deepEqual(await explain(), { badToken: true, message: "refused: Valid credentials are needed" });
});

test("a busy gateway's own words are shown, with when to try again", async (t) => {
  answer(t, { "/shell/v1/info": problem(429, { title: "There are too many requests", detail: "" }, { "retry-after": "6" }) });
  assert.deepEqual(await explain(), { badToken: false, message: "refused: There are too many requests; try again in 6 s" });
});

test("what is wrong with the session is shown when the gateway and the token are fine", async (t) => {
  answer(t, {
    "/shell/v1/info": problem(200, {}),
    "/shell/v1/tickets": problem(404, { code: "TARGET_NOT_FOUND", title: "There is no such target", detail: "docker:web is not there." }),
  });
  assert.deepEqual(await explain(), { badToken: false, message: "refused: docker:web is not there" });
});

test("an answer that is beside the point is not shown, and the target is asked for", async (t) => {
  const busy = { "/shell/v1/info": problem(200, {}), "/shell/v1/tickets": problem(404, { code: "NOT_FOUND" }) };
  answer(t, { ...busy, "/shell/v1/targets": problem(404, { code: "TARGET_NOT_FOUND", detail: "docker:web is not there." }) });
  assert.equal((await explain()).message, "refused: docker:web is not there");
});

test("a gateway that finds nothing wrong leaves what is between", async (t) => {
  answer(t, { "/shell/v1/info": problem(200, {}), "/shell/v1/tickets": problem(201, {}), "/shell/v1/targets": problem(200, {}) });
  assert.match((await explain()).message, /something in between/);
});

test("an answer that is no problem document is told by its status", async (t) => {
  answer(t, { "/shell/v1/info": () => new Response("<h1>Bad gateway</h1>", { status: 502 }) });
  assert.equal((await explain()).message, "refused: status 502");
});

test("a gateway that is not there is said to be", async (t) => {
  answer(t, {
    "/shell/v1/info": () => {
      throw new TypeError("Failed to fetch");
    },
  });
  assert.deepEqual(await explain(), { badToken: false, message: "the gateway cannot be reached" });
});
