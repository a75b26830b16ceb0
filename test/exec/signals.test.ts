import assert from "node:assert/strict";
import { test } from "node:test";
import { Signals } from "../../src/exec/signals.ts";
import { settled } from "../fixtures/clock.ts";

/** What was sent so far, and what lets the first that is still on its way arrive, or fail. */
function create() {
  const sent: string[] = [];
  const onTheirWay: { arrive(): void; fail(cause: Error): void }[] = [];
  const signals = new Signals((name) => {
    sent.push(name);
    return new Promise((arrive, fail) => onTheirWay.push({ arrive, fail }));
  });
  return { signals, sent, arrive: () => onTheirWay.shift()?.arrive(), fail: (cause: Error) => onTheirWay.shift()?.fail(cause) };
}

test("of many signals of one name one is sent, and one more when that has arrived", async () => {
  const { signals, sent, arrive } = create();
  const told = Array.from({ length: 1000 }, () => signals.send("SIGINT"));
  assert.deepEqual([sent, new Set(told).size], [["SIGINT"], 2]);
  arrive();
  await told[0];
  await settled();
  assert.deepEqual(sent, ["SIGINT", "SIGINT"]);
  arrive();
  await Promise.all(told);
  const later = signals.send("SIGINT");
  assert.equal(sent.length, 3);
  arrive();
  await later;
});

test("signals of other names do not wait for it, and one that fails fails for those alone who waited for it", async () => {
  const { signals, sent, arrive, fail } = create();
  const first = signals.send("SIGINT");
  const second = signals.send("SIGINT");
  const other = signals.send("SIGTERM");
  assert.deepEqual(sent, ["SIGINT", "SIGTERM"]);
  fail(new Error("it could not be sent"));
  await assert.rejects(first, /could not/);
  arrive();
  await other;
  await settled();
  arrive();
  await second;
  assert.deepEqual(sent, ["SIGINT", "SIGTERM", "SIGINT"]);
});
