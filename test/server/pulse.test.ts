import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pulse, type Standing } from "../../src/server/pulse.ts";

const idle: Standing = { isSending: false, isUnread: false, takenBytes: 0 };
const unread: Standing = { ...idle, isUnread: true };

describe("the pulse of a peer", () => {
  it("is lost at the third beat without a pong", () => {
    const pulse = new Pulse(true);
    assert.deepEqual([idle, idle, idle].map(beatOf(pulse)), [true, true, false]);
  });

  it("goes on with every pong", () => {
    const pulse = new Pulse(true);
    for (let beat = 0; beat < 10; beat++) {
      assert.ok(pulse.beat(idle));
      pulse.heard();
    }
  });

  it("is not asked for while something is under way, and counts on behind it", () => {
    const pulse = new Pulse(true);
    const standings = [idle, idle, { ...idle, isSending: true }, { ...idle, isSending: true }, idle];
    assert.deepEqual(standings.map(beatOf(pulse)), [true, true, true, true, false]);
  });

  it("is seen by stdin that is taken where the peer is beyond its credit", () => {
    const pulse = new Pulse(true);
    for (let takenBytes = 1; takenBytes < 10; takenBytes++) assert.ok(pulse.beat({ ...unread, takenBytes }));
    assert.deepEqual(
      [9, 9].map((takenBytes) => pulse.beat({ ...unread, takenBytes })),
      [true, false],
    );
  });

  it("is waited for where the peer knows of no credit", () => {
    const pulse = new Pulse(false);
    for (let beat = 0; beat < 10; beat++) assert.ok(pulse.beat(unread));
    assert.deepEqual([idle, idle, idle].map(beatOf(pulse)), [true, true, false]);
  });
});

function beatOf(pulse: Pulse): (standing: Standing) => boolean {
  return (standing) => pulse.beat(standing);
}
