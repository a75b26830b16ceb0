import assert from "node:assert/strict";
import { test } from "node:test";
import { Guesses } from "../../src/access/guesses.ts";
import { ExecgateError } from "../../src/errors.ts";
import { FakeClock } from "../fixtures/clock.ts";

/** How long a source that fails once more is told to wait, in seconds; 0 when it is not. */
function fail(guesses: Guesses, source = "10.0.0.1"): number {
  try {
    guesses.failed(source);
    return 0;
  } catch (cause) {
    assert.ok(cause instanceof ExecgateError && cause.code === "TOO_MANY_REQUESTS");
    return cause.details.retryAfterS ?? Number.NaN;
  }
}

test("ten failures within a minute are had, and the next has to wait for the first to be a minute old", async () => {
  const clock = new FakeClock();
  const guesses = new Guesses(clock);
  for (let i = 0; i < 10; i++) {
    assert.equal(fail(guesses), 0);
    await clock.advance(1000);
  }
  assert.equal(fail(guesses), 50);
  assert.equal(fail(guesses, "10.0.0.2"), 0, "another source has ten of its own");
  await clock.advance(49_999);
  assert.equal(fail(guesses), 1);
  await clock.advance(1);
  assert.equal(fail(guesses), 0, "the first is a minute old");
  assert.equal(fail(guesses), 1, "the second is not");
});

test("who is told to wait waits no longer for asking again", async () => {
  const clock = new FakeClock();
  const guesses = new Guesses(clock);
  for (let i = 0; i < 1000; i++) fail(guesses);
  await clock.advance(60_000);
  assert.equal(fail(guesses), 0);
});

test("setting the clock changes nothing", () => {
  const clock = new FakeClock();
  const guesses = new Guesses(clock);
  for (let i = 0; i < 10; i++) fail(guesses);
  clock.wallMs += 86_400_000;
  assert.equal(fail(guesses), 60);
});

test("the table is bounded: of more sources, the one that failed longest ago is forgotten", () => {
  const guesses = new Guesses(new FakeClock(), 100);
  for (let i = 0; i < 10; i++) fail(guesses, "steady");
  for (let i = 0; i < 100_000; i++) {
    fail(guesses, `source ${i}`);
    if (i === 50) fail(guesses, "source 0");
  }
  assert.equal(guesses.size, 100);
  assert.equal(fail(guesses, "steady"), 0);
});
