import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequester, openGateway } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { sendRaw } from "../fixtures/raw-socket.ts";

test("the metrics listener gives the metrics to everybody, and nothing else", async () => {
  await using served = await openGateway({ metrics: { listen: "127.0.0.1:0" } });
  const url = String(served.gateway.metricsUrl);
  const request = createRequester(url);
  const ask = (path: string, method = "GET") => request(path, { method, headers: { authorization: undefined } });
  const metrics = await ask("/metrics");
  assert.deepEqual([metrics.status, /^execgate_build_info/m.test(metrics.text)], [200, true]);
  const head = await ask("/metrics", "HEAD");
  assert.deepEqual([head.status, head.text], [200, ""]);
  for (const path of ["/", "/healthz", "/v1/info"]) assertProblem(await ask(path), 404, "NOT_FOUND");
  const post = await ask("/metrics", "POST");
  assertProblem(post, 405, "METHOD_NOT_ALLOWED");
  assert.equal(post.headers.allow, "GET, HEAD");
  assert.match(await sendRaw(url, "garbage\r\n\r\n"), /^HTTP\/1\.1 400 .*"code":"BAD_REQUEST"/s);
});
