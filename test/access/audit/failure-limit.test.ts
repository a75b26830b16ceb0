import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditEvent } from "../../../src/access/audit/events.ts";
import { createFailureLimit, failuresMax } from "../../../src/access/audit/failure-limit.ts";
import { FakeClock } from "../../fixtures/clock.ts";

test("failures are written up to a number a minute, and the next one tells how many were not", async () => {
  const clock = new FakeClock();
  const written: AuditEvent[] = [];
  const failed = createFailureLimit(clock, (event) => written.push(event));
  const fail = () =>
    failed({
      event: "authn.failure",
      source: "192.0.2.1",
      method: "GET",
      path: `/${"x".repeat(300)}`,
      code: "UNAUTHENTICATED",
      message: "no",
    });
  for (let i = 0; i < failuresMax + 7; i++) fail();
  assert.equal(written.length, failuresMax);
  await clock.advance(59_999);
  fail();
  assert.equal(written.length, failuresMax);
  await clock.advance(1);
  fail();
  fail();
  assert.deepEqual(
    written.slice(failuresMax).map((event) => event.event === "authn.failure" && event.unwritten),
    [8, 0],
  );
  const [first] = written;
  assert.ok(first?.event === "authn.failure" && first.path.length === 256);
});
