import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Connection, type ConnectionHandlers, connect } from "../../src/client/connection.ts";
import { isResumable, type Place } from "../../src/client/redial.ts";
import { Refusal } from "../../src/client/refusal.ts";
import { attachedMessage } from "../fixtures/messages.ts";
import { until } from "../fixtures/until.ts";
import { FakeSocket } from "./fake-socket.ts";

const opened: Connection[] = [];
/** A socket that says nothing is dialled anew, and anew. */
afterEach(() => {
  for (const connection of opened.splice(0)) connection.close();
});

/** A connection that is attached, and each socket that it dials later. */
function open(handlers: Partial<ConnectionHandlers> = {}, withinMs = 60_000) {
  const first = new FakeSocket();
  const places: Place[] = [];
  const sockets: FakeSocket[] = [];
  const refusals: (Error | undefined)[] = [];
  const dial = async (place: Place) => {
    places.push(place);
    const refusal = refusals.shift();
    if (refusal !== undefined) throw refusal;
    const socket = new FakeSocket();
    sockets.push(socket);
    return { socket };
  };
  const text: string[] = [];
  const output: ConnectionHandlers["output"] = ({ bytes }) => void text.push(Buffer.from(bytes).toString());
  const connection = connect({ socket: first }, { output, ...handlers }, { resume: { dial, withinMs } });
  opened.push(connection);
  first.open();
  first.say(attachedMessage());
  const next = async (count: number): Promise<FakeSocket> => {
    await until(`socket ${count}`, () => sockets.length >= count);
    return sockets[count - 1] as FakeSocket;
  };
  return { first, places, sockets, refusals, connection, text, next };
}

const say = (socket: FakeSocket, text: string): void => socket.say({ type: "output", stream: "stdout", bytes: Buffer.from(text) });

describe("a connection that is lost", () => {
  test("goes on at the byte that is missing, as the same client", async () => {
    const seen: number[] = [];
    const { first, places, next, text } = open({ attached: ({ offset }) => void seen.push(offset) });
    say(first, "abc");
    first.end(1006);
    const second = await next(1);
    assert.deepEqual(places, [{ session: "01JD", client: "c1", offset: 3 }]);
    second.open();
    second.say(attachedMessage({ offset: 3 }));
    second.say({ type: "gap", from: 3, to: 10 });
    second.end(4408);
    const third = await next(2);
    assert.equal(places[1]?.offset, 10);
    third.open();
    third.say(attachedMessage({ offset: 10 }));
    say(third, "k");
    assert.deepEqual([text.join(""), seen], ["abck", [0, 3, 10]]);
  });

  test("sends again what was not accepted and nothing else, its end too", async () => {
    const { first, next, connection } = open();
    assert.equal(await connection.write(Buffer.from("0123456789")), true);
    first.say({ type: "accepted", bytes: 2 });
    first.end(1006);
    const late = connection.write(Buffer.from("abc"));
    const end = connection.eof();
    const second = await next(1);
    second.open();
    assert.deepEqual(second.sent, []);
    second.say(attachedMessage({ stdinOffset: 6 }));
    assert.deepEqual([await late, await end, second.stdin.toString()], [true, true, "6789abc"]);
    assert.deepEqual(second.control, [{ type: "eof" }]);
    second.end(1006);
    const third = await next(2);
    third.open();
    third.say(attachedMessage({ stdinOffset: 13 }));
    assert.deepEqual([third.stdin.length, third.control], [0, [{ type: "eof" }]]);
  });

  test("keeps to the window of each socket", async () => {
    const { first, next, connection } = open();
    void connection.write(Buffer.alloc(100));
    first.end(1006);
    const second = await next(1);
    second.open();
    second.say(attachedMessage({ stdinOffset: 10, stdinWindow: 20 }));
    assert.equal(second.stdin.length, 20);
    second.say({ type: "accepted", bytes: 15 });
    assert.equal(second.stdin.length, 25);
  });

  test("tells its size again, and what was said meanwhile", async () => {
    const { first, next, connection } = open();
    connection.resize(90, 30);
    first.end(1006);
    connection.resize(100, 30);
    connection.signal("SIGINT");
    const second = await next(1);
    second.open();
    second.say(attachedMessage());
    assert.deepEqual(second.control, [
      { type: "resize", cols: 100, rows: 30 },
      { type: "signal", signal: "SIGINT" },
    ]);
  });

  test("is dialled again and again, ever more seldom, until the time is over", async () => {
    const delays: number[] = [];
    const { first, refusals, connection } = open({ lost: ({ delayMs }) => void delays.push(delayMs) }, 1500);
    refusals.push(...Array.from({ length: 50 }, () => new Error("no route")));
    first.end(1006);
    assert.deepEqual(await connection.ended, { kind: "lost", closeCode: 1006, reason: "no route", opened: true });
    assert.ok(delays[0] === 0 && delays.length >= 3 && delays.length < 8, String(delays));
  });

  test("that is let in and thrown out each time is dialled ever more seldom", async () => {
    const delays: number[] = [];
    const { first, next } = open({ lost: ({ delayMs }) => void delays.push(delayMs) });
    first.end(1006);
    for (let n = 1; n <= 3; n++) {
      const socket = await next(n);
      socket.open();
      socket.say(attachedMessage());
      socket.end(1006);
    }
    assert.ok(delays[0] === 0 && Number(delays[3]) > 190, String(delays));
  });

  test("ends at once when the server says that there is nothing to come back to", async () => {
    const { first, refusals, connection } = open();
    refusals.push(new Refusal("OVERLOADED", "later", false), new Refusal("SESSION_NOT_FOUND", "gone", true));
    first.end(1006);
    assert.deepEqual(await connection.ended, { kind: "error", code: "SESSION_NOT_FOUND", message: "gone" });
  });

  test("is not dialled again for a reason that stays", async () => {
    assert.deepEqual(
      [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4000, 4408].filter((code) => !isResumable(code)),
      [],
    );
    assert.deepEqual([1002, 1003, 1007, 1008, 1009, 4400, 4401, 4403, 4404, 4409, 4410, 4422, 4500].filter(isResumable), []);
    const { first, connection, sockets } = open();
    first.end(4409, "replaced");
    assert.deepEqual(await connection.ended, { kind: "lost", closeCode: 4409, reason: "replaced", opened: true });
    assert.deepEqual(sockets, []);
  });

  test("can be left and closed meanwhile", async () => {
    for (const [leave, kind] of [
      ["detach", "detached"],
      ["close", "closed"],
    ] as const) {
      const { first, connection, refusals } = open();
      refusals.push(...Array.from({ length: 50 }, () => new Error("no route")));
      first.end(1006);
      connection[leave]();
      assert.equal((await connection.ended).kind, kind);
      assert.equal(await connection.write(Buffer.from("x")), false);
    }
  });

  test("was never attached: then nobody knows what became of the command, and it is not run again", async () => {
    const socket = new FakeSocket();
    const dial = () => assert.fail("dialled");
    const connection = connect({ socket }, { output: () => {} }, { resume: { dial, withinMs: 1000 } });
    socket.open();
    socket.end(1006);
    assert.equal((await connection.ended).kind, "lost");
  });

  test("by a renewal is dialled at once, and the old socket is heard no more", async () => {
    const { first, next, connection, text } = open();
    say(first, "a");
    connection.renew();
    say(first, "late");
    assert.equal(first.closedWith, 4000);
    const second = await next(1);
    second.open();
    second.say(attachedMessage({ offset: 1 }));
    say(second, "b");
    first.end(4409);
    assert.deepEqual(text, ["a", "b"]);
  });
});

describe("a server that is not heard any more", () => {
  test("is dialled again after four beats, and one that beats is not", async () => {
    const reasons: string[] = [];
    const { first, sockets, next } = open({ lost: ({ reason }) => void reasons.push(reason) });
    first.say(attachedMessage({ heartbeatMs: 25 }));
    for (let beat = 0; beat < 12; beat++) {
      await delay(20);
      first.say({ type: "accepted", bytes: 0 });
    }
    assert.equal(sockets.length, 0);
    const second = await next(1);
    assert.equal(first.closedWith, 4000);
    assert.deepEqual(reasons, ["the server is not heard any more"]);
    second.open();
    second.say(attachedMessage({ heartbeatMs: 25 }));
    await next(2);
  });

  test("is the end of a connection that cannot be resumed", async () => {
    const socket = new FakeSocket();
    const connection = connect({ socket }, { output: () => {} });
    socket.open();
    socket.say(attachedMessage({ heartbeatMs: 10 }));
    assert.deepEqual(await connection.ended, {
      kind: "lost",
      closeCode: 1006,
      reason: "the server is not heard any more",
      opened: true,
    });
    assert.equal(socket.closedWith, 4000);
  });

  test("is not waited for by an attempt to come back, whether it hangs before its socket or behind", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const first = new FakeSocket();
    const second = new FakeSocket();
    const dialled = [
      () => new Promise<never>(() => undefined),
      async () => ({ socket: second }),
      async () => ({ socket: new FakeSocket() }),
    ];
    const [dial, reasons] = [t.mock.fn(() => (dialled.shift() ?? assert.fail("one too many"))()), [] as string[]];
    const lost: ConnectionHandlers["lost"] = ({ reason }) => void reasons.push(reason);
    const connection = connect({ socket: first }, { output: () => {}, lost }, { resume: { dial, withinMs: 60_000 } });
    first.open();
    first.say(attachedMessage());
    first.end(1006, "cut");
    for (const [count, limitMs] of [5000, 10_000, 20_000].entries()) {
      // The pause before an attempt, and what it is waited for.
      t.mock.timers.tick(500);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(dial.mock.callCount(), count + 1);
      t.mock.timers.tick(limitMs - 501);
      assert.equal(reasons.length, count + 1);
      t.mock.timers.tick(501);
    }
    connection.close();
    assert.equal(second.closedWith, 4000);
    assert.deepEqual(reasons, ["cut", "no answer came", "no answer came", "no answer came"]);
  });
});

test("a server that has another count of stdin is not believed", async () => {
  const { first, next, connection } = open();
  await connection.write(Buffer.from("abc"));
  first.end(1006);
  const second = await next(1);
  second.open();
  second.say(attachedMessage({ stdinOffset: 4 }));
  const end = await connection.ended;
  assert.equal(end.kind === "lost" && end.closeCode, 4400);
});
