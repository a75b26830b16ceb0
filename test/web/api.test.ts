import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { createApi, Refusal, type TokenSource } from "../../src/web/api.ts";

/** Answers the page's requests in their order, and says what they were. */
function answer(t: TestContext, ...give: (() => Response)[]): { url: string; init: RequestInit }[] {
  const asked: { url: string; init: RequestInit }[] = [];
  const stand = mock.method(globalThis, "fetch", async (url: URL, init: RequestInit) => {
    asked.push({ url: url.href, init });
    return (give[asked.length - 1] ?? assert.fail("one request too many"))();
  });
  t.after(() => stand.mock.restore());
  return asked;
}

const json = (status: number, fields: object, headers: Record<string, string> = {}) => Response.json(fields, { status, headers });
const always = (token: string | undefined): TokenSource => ({ current: () => token, replace: () => assert.fail("the token is good") });
const ask = (token: string | undefined = "t") => createApi("http://gateway/shell/", always(token)).post("v1/tickets", { exec: {} });

test("what is asked for is asked below the page's own path, with the token in a header", async (t) => {
  const asked = answer(t, () => json(201, { ticket: "abc" }));
  assert.deepEqual(await ask(), { ticket: "abc" });
  assert.equal(asked[0]?.url, "http://gateway/shell/v1/tickets");
  const { headers, body, redirect } = asked[0]?.init ?? {};
  assert.deepEqual(headers, { authorization: "Bearer t", "content-type": "application/json" });
  assert.equal(body, '{"exec":{}}');
  assert.equal(redirect, "error");
});

test("without a token none is sent", async (t) => {
  const asked = answer(t, () => json(200, {}));
  await createApi("http://gateway/", always(undefined)).get("v1/info");
  assert.deepEqual(asked[0]?.init.headers, {});
});

test("a token that is not accepted is replaced, and the request made again", async (t) => {
  const asked = answer(
    t,
    () => json(401, { code: "UNAUTHENTICATED" }),
    () => json(200, { ok: true }),
  );
  let token = "old";
  const tokens: TokenSource = {
    current: () => token,
    replace(refused) {
      assert.equal(refused, "old");
      token = "new";
      return Promise.resolve();
    },
  };
  assert.deepEqual(await createApi("http://gateway/", tokens).get("v1/info"), { ok: true });
  assert.deepEqual(
    asked.map(({ init }) => (init.headers as Record<string, string>).authorization),
    ["Bearer old", "Bearer new"],
  );
});

const refusals: readonly (readonly [string, () => Response, Partial<Refusal>])[] = [
  [
    "in the gateway's words",
    () => json(404, { code: "TARGET_NOT_FOUND", detail: "There is no target x." }),
    { status: 404, code: "TARGET_NOT_FOUND", message: "There is no target x" },
  ],
  [
    "with the field",
    () => json(403, { code: "FORBIDDEN", title: "This is not allowed", field: "reason" }),
    { field: "reason", message: "This is not allowed" },
  ],
  [
    "with the time to wait",
    () => json(429, { detail: "There are too many sessions." }, { "retry-after": "3" }),
    { message: "There are too many sessions; try again in 3 s" },
  ],
  ["by the status where a proxy answers", () => new Response("<html>", { status: 502 }), { code: "UNKNOWN", message: "status 502" }],
  ["when there is no answer", () => assert.fail("connection refused"), { status: 0, message: "the gateway cannot be reached" }],
];

for (const [name, give, expected] of refusals) {
  test(`a refusal is told ${name}`, async (t) => {
    answer(t, give);
    await assert.rejects(ask(), (cause) => {
      assert.ok(cause instanceof Refusal);
      for (const [key, value] of Object.entries(expected)) assert.equal(cause[key as keyof Refusal], value, key);
      return true;
    });
  });
}
