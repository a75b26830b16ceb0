import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { askTicket } from "../../src/web/ticket.ts";

/** Answers the page's one request, and says what it was. */
function answer(t: TestContext, give: () => Response): { url: string; init: RequestInit }[] {
  const asked: { url: string; init: RequestInit }[] = [];
  const stand = mock.method(globalThis, "fetch", async (url: URL, init: RequestInit) => {
    asked.push({ url: url.href, init });
    return give();
  });
  t.after(() => stand.mock.restore());
  return asked;
}

const json = (status: number, fields: object, headers: Record<string, string> = {}) => Response.json(fields, { status, headers });
const ask = (token: string | undefined = "t") => askTicket("http://gateway/shell/", token, { target: "docker:web", cols: 80, rows: 24 });

test("the very session that is wanted is asked for, below the page's own path, with the token in a header", async (t) => {
  const asked = answer(t, () => json(201, { ticket: "abc", expiresAt: "2026-01-01T00:00:30.000Z" }));
  assert.deepEqual(await ask(), { kind: "admitted", ticket: "abc" });
  assert.equal(asked[0]?.url, "http://gateway/shell/v1/tickets");
  const { headers, body, redirect } = asked[0]?.init ?? {};
  assert.deepEqual(headers, { authorization: "Bearer t", "content-type": "application/json" });
  assert.deepEqual(JSON.parse(String(body)), {
    exec: { target: "docker:web", tty: true, cols: 80, rows: 24, keepMs: 0, flow: "ack" },
  });
  assert.equal(redirect, "error");
});

test("without a token none is sent: a proxy may say who it is", async (t) => {
  const asked = answer(t, () => json(201, { ticket: "abc" }));
  await askTicket("http://gateway/", undefined, { target: "host", cols: 80, rows: 24 });
  assert.deepEqual(asked[0]?.init.headers, { "content-type": "application/json" });
});

test("a token that the gateway does not know has to be asked for again", async (t) => {
  answer(t, () => json(401, { title: "Valid credentials are needed" }));
  assert.deepEqual(await ask(), { kind: "refused", badToken: true, message: "refused: Valid credentials are needed" });
});

test("a busy gateway's own words are shown, with when to try again", async (t) => {
  answer(t, () => json(429, { title: "There are too many requests", detail: "" }, { "retry-after": "6" }));
  assert.deepEqual(await ask(), { kind: "refused", badToken: false, message: "refused: There are too many requests; try again in 6 s" });
});

test("what is wrong with the session is shown", async (t) => {
  answer(t, () => json(404, { code: "TARGET_NOT_FOUND", title: "There is no such target", detail: "docker:web is not there." }));
  assert.deepEqual(await ask(), { kind: "refused", badToken: false, message: "refused: docker:web is not there" });
});

test("an answer that is no problem document, or no ticket, is told by its status", async (t) => {
  answer(t, () => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  assert.deepEqual(await ask(), { kind: "refused", badToken: false, message: "refused: status 502" });
  mock.restoreAll();
  answer(t, () => json(200, { hello: 1 }));
  assert.deepEqual(await ask(), { kind: "refused", badToken: false, message: "refused: status 200" });
});

test("a gateway that is not there is said to be", async (t) => {
  answer(t, () => {
    throw new TypeError("Failed to fetch");
  });
  assert.deepEqual(await ask(), { kind: "refused", badToken: false, message: "the gateway cannot be reached" });
});
