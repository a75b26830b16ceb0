import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestInput } from "../../src/server/request-input.ts";
import { startSession } from "../fixtures/session.ts";

test("a write by request is answered when the command is over, and leaves nothing behind in its session", async (t) => {
  const { session, process } = await startSession({ behaviour: { holdsWrites: true } });
  const waiting = t.mock.method(session.finished, "then");
  const input = new RequestInput();
  const first = input.write(session, Buffer.from("a"));
  process.takeWrites();
  await first;
  const second = input.write(session, Buffer.from("b"));
  assert.equal(waiting.mock.callCount(), 0);
  process.ends();
  await second;
  assert.equal(process.written.join(), "a,b");
});
