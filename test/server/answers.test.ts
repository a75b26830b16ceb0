import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Check, Errors } from "typebox/schema";
import { openGateway, type RequestOptions, type TestGateway } from "../fixtures/gateway.ts";
import type { HttpAnswer } from "../fixtures/http-answer.ts";
import { until } from "../fixtures/until.ts";

type Documented = Record<string, { readonly content?: Record<string, { readonly schema: object }> }>;
type Paths = Record<string, Record<string, { readonly responses: Documented }>>;

let served: TestGateway;
let paths: Paths;
/** What was seen to be answered as it is documented. */
const seen = new Set<string>();
before(async () => {
  const command = (script: string) => ({ target: "host", command: ["sh", "-c", script] });
  served = await openGateway({ recording: { mode: "bestEffort" }, probes: { well: command("echo well"), ill: command("exit 1") } });
  paths = ((await served.request("/openapi.json")).json as { paths: Paths }).paths;
});
after(() => served[Symbol.asyncDispose]());

/** The same schema where an object has no keys but those that are documented. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inside = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return "properties" in inside ? { additionalProperties: false, ...inside } : inside;
}

/** Sends a request and holds the answer to what the description says of this operation. */
async function ask(operation: string, ids: Readonly<Record<string, string>> = {}, options: RequestOptions & { query?: string } = {}) {
  const [method = "", path = ""] = operation.split(" ");
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? "none") + (options.query ?? "");
  const answer = await served.request(url, { ...options, method });
  const responses = paths[path]?.[method.toLowerCase()]?.responses ?? {};
  const status = String(answer.status) in responses ? String(answer.status) : "default";
  const type = (answer.headers["content-type"] ?? "").split(";")[0] ?? "";
  const content = responses[status]?.content;
  if (content === undefined) assert.deepEqual([status in responses, answer.text], [true, ""], operation);
  else for (const value of valuesIn(answer, type)) hold(content[type]?.schema, value, `${operation} ${answer.status} ${type}`);
  seen.add(`${operation} ${status} ${type}`);
  return answer;
}

function valuesIn({ text }: HttpAnswer, type: string): unknown[] {
  if (type === "application/x-ndjson")
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  return [/json$/.test(type) ? JSON.parse(text) : text];
}

function hold(schema: object | undefined, value: unknown, where: string): void {
  assert.ok(schema, `${where} is not documented`);
  const strict = closed(schema) as object;
  assert.ok(Check(strict, value), `${where}: ${JSON.stringify(Errors(strict, value)).slice(0, 1000)}`);
}

test("every answer has the status, the type and the shape that the description says", async () => {
  for (const name of ["healthz", "readyz", "metrics", "openapi.json", "v1/info", "v1/targets", "v1/probes"]) await ask(`GET /${name}`);
  for (const name of ["well", "ill", "none"]) await ask("GET /v1/probes/{name}", { name });
  const run = { command: ["sh", "-c", "echo out; kill -9 $$"] };
  await ask("POST /v1/exec", {}, { body: run });
  await ask("POST /v1/exec", {}, { body: { command: ["sleep", "9"], timeoutMs: 20 } });
  await ask("POST /v1/exec", {}, { body: run, headers: { accept: "application/x-ndjson" } });
  await ask("POST /v1/exec", {}, { body: { command: ["sleep", "0.1"] }, headers: { prefer: "respond-async" } });
  await ask("POST /v1/exec", {}, { body: {} });
  await ask("POST /v1/tickets", {}, { body: { exec: run } });
  const created = await ask("POST /v1/sessions", {}, { body: { command: ["cat"], tty: true, stdin: true, keepMs: 60_000 } });
  const { id } = created.json as { id: string };
  await ask("GET /v1/sessions");
  await ask("GET /v1/sessions/{id}", { id });
  await ask("GET /v1/sessions/{id}/result", { id });
  await ask("POST /v1/sessions/{id}/stdin", { id }, { body: { data: "x\n" } });
  await ask("POST /v1/sessions/{id}/resize", { id }, { body: { cols: 90, rows: 30 } });
  await until("echo", async () => (await ask("GET /v1/sessions/{id}/output", { id })).text.includes("x"));
  await ask("GET /v1/sessions/{id}/output", { id }, { query: "?offset=99999" });
  const shared = await ask("POST /v1/sessions/{id}/shares", { id }, { body: {} });
  await ask("DELETE /v1/sessions/{id}/shares/{share}", { id, share: (shared.json as { id: string }).id });
  await ask("POST /v1/sessions/{id}/signal", { id }, { body: { signal: "SIGHUP" } });
  await ask("DELETE /v1/sessions/{id}", { id });
  await ask("GET /v1/sessions/{id}/result", { id });
  await ask("GET /v1/recordings");
  await ask("GET /v1/sessions/{id}/recording", { id });
  for (const operation of ["GET /v1/exec", "GET /v1/sessions/{id}/attach"]) await ask(operation, { id });

  // What a WebSocket and a gateway without a runtime answer is asked for elsewhere.
  const elsewhere = /^GET \S+ 101 $|^GET \/readyz 503 /;
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.entries(responses).flatMap(([status, { content }]) =>
        Object.keys(content ?? { "": 0 }).map((type) => `${method.toUpperCase()} ${path} ${status} ${type}`),
      ),
    ),
  );
  const missing = documented.filter((entry) => !entry.includes(" default ") && !elsewhere.test(entry) && !seen.has(entry));
  assert.deepEqual(missing, [], "documented, and never answered");
});
