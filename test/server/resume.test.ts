import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { dial, type ExecClient, refusalOf } from "../fixtures/exec-client.ts";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { assertProblem } from "../fixtures/http-answer.ts";
import { openTeam, tokenOf } from "../fixtures/team.ts";
import { until } from "../fixtures/until.ts";

let served: TestGateway;
before(async () => {
  served = await openGateway({ limits: { replayBytes: 131_072, clientsPerSessionMax: 4 } });
});
after(() => served[Symbol.asyncDispose]());

function query(script: string, more: Readonly<Record<string, string>>): string {
  return String(
    new URLSearchParams([...["sh", "-c", script].map((item) => ["command", item]), ...Object.entries({ keepMs: "60000", ...more })]),
  );
}

const run = (script: string, more: Readonly<Record<string, string>> = {}) => dial(`${served.url}/v1/exec?${query(script, more)}`);

/** Attaches as the client that `client` was. */
async function back(client: ExecClient, more: string): Promise<ExecClient> {
  const { session, client: id } = await client.control("attached");
  return await dial(`${served.url}/v1/sessions/${session}/attach?client=${id}${more}`);
}

interface SessionView {
  readonly offset: number;
  readonly state: string;
  readonly clients: readonly { readonly id: string; readonly connected: boolean; readonly role: string; readonly principal: string }[];
}

async function view(client: ExecClient): Promise<SessionView> {
  const { session } = await client.control("attached");
  return (await served.request(`/v1/sessions/${session}`)).json as SessionView;
}

/** Cuts the line, and waits until the gateway knows. */
async function cut(client: ExecClient): Promise<void> {
  client.ws.terminate();
  const { client: id } = await client.control("attached");
  await until("loss", async () => (await view(client)).clients.every((other) => other.id !== id || !other.connected));
}

/** Acknowledges what came on this connection, which began at `from`. Returns the number of the next byte. */
function acknowledge(client: ExecClient, from: number): number {
  const bytes = from + client.bytes(1).length;
  client.say({ type: "ack", bytes });
  return bytes;
}

describe("output", () => {
  test("of a client whose line is cut again and again is the same to the byte", async () => {
    const hash = createHash("sha256");
    let client = await run("seq 1 200000", { flow: "ack" });
    let [offset, cuts] = [0, 0];
    for (;;) {
      const closed = client.closed.then(() => true);
      const isOver = await Promise.race([closed, once(client.ws, "message").then(() => false)]);
      if (isOver || client.bytes(1).length > 50_000) {
        hash.update(client.bytes(1));
        const from = offset;
        offset += client.bytes(1).length;
        if (client.controls.some(({ type }) => type === "exit")) break;
        // What was received and never acknowledged is not asked for again, and what was not is there.
        if (cuts % 2 === 0) client.say({ type: "ack", bytes: from + 10 });
        client.ws.terminate();
        cuts++;
        client = await back(client, `&flow=ack&offset=${offset}`);
      } else acknowledge(client, offset);
    }
    assert.ok(cuts > 5, `${cuts}`);
    const all = `${Array.from({ length: 200_000 }, (_, n) => n + 1).join("\n")}\n`;
    assert.deepEqual([offset, hash.digest("hex")], [all.length, createHash("sha256").update(all).digest("hex")]);
  });

  test("waits in a full log for a client that acknowledges, and for nobody who detached", async () => {
    for (const isDetaching of [false, true]) {
      using client = await run("head -c 1000000 /dev/zero; sleep 60", { flow: "ack" });
      await until("window", () => client.bytes(1).length >= 65_536);
      if (isDetaching) {
        client.say({ type: "detach" });
        await client.closed;
        await until("all of it", async () => (await view(client)).offset === 1_000_000);
        using again = await back(client, "&offset=0");
        const { from, to } = await again.control("gap");
        assert.deepEqual([from, Number(to) > 800_000], [0, true]);
      } else {
        await cut(client);
        const { offset } = await view(client);
        assert.ok(offset < 300_000, `${offset}`);
        using again = await back(client, "&offset=0");
        await until("the rest", () => again.bytes(1).length === 1_000_000);
        assert.deepEqual(
          again.controls.filter(({ type }) => type === "gap"),
          [],
        );
      }
    }
  });

  test("is waited for no longer than keepMs", async () => {
    using client = await run("head -c 1000000 /dev/zero; sleep 60", { flow: "ack", keepMs: "300" });
    using other = await dial(`${served.url}/v1/sessions/${(await client.control("attached")).session}/attach`);
    await until("window", () => client.bytes(1).length >= 65_536);
    await cut(client);
    await until("all of it", () => other.bytes(1).length === 1_000_000);
  });

  test("of an ended session is there to its end for whoever was lost before", async () => {
    using client = await run("echo one; read x; echo two", { flow: "ack" });
    await client.untilStdout("one");
    client.stdin("\n");
    await cut(client);
    await until("end", async () => (await view(client)).state === "ended");
    using again = await back(client, "&flow=ack&offset=4");
    assert.equal((await again.closed).code, 1000);
    assert.equal(again.stdout, "two\n");
    assert.equal((await again.control("attached")).stdinOffset, 1);
  });
});

describe("stdin", () => {
  test("is counted on over connections: what was taken is told, and what was on the way is not", async () => {
    let client = await run("cat", { flow: "ack" });
    const typed = Buffer.from(Array.from({ length: 10_000 }, (_, n) => 32 + (n % 90)));
    let [stdinOffset, received] = [0, Buffer.alloc(0)];
    for (let cuts = 0; stdinOffset < typed.length; cuts++) {
      await client.control("attached");
      // More than is taken by then, some of which was received and some of which never arrives.
      for (let n = stdinOffset; n < Math.min(typed.length, stdinOffset + 1500); n += 100) client.stdin(typed.subarray(n, n + 100));
      await until("echo", () => client.bytes(1).length > 0);
      client.ws.terminate();
      await client.closed;
      received = Buffer.concat([received, client.bytes(1)]);
      client = await back(client, `&flow=ack&offset=${received.length}`);
      stdinOffset = Number((await client.control("attached")).stdinOffset);
      assert.ok(stdinOffset >= received.length && stdinOffset <= typed.length);
      assert.ok(cuts < 200);
    }
    client.say({ type: "eof" });
    assert.equal((await client.closed).code, 1000);
    assert.deepEqual(Buffer.concat([received, client.bytes(1)]), typed);
  });

  test("that the command does not take in time waits for it while the client is away", async () => {
    using client = await run("sleep 0.3; cat");
    await client.control("attached");
    client.stdin("typed and gone");
    client.say({ type: "eof" });
    client.ws.close(4000);
    await client.closed;
    await until("end", async () => (await view(client)).state === "ended");
    using again = await back(client, "");
    await again.closed;
    assert.equal(again.stdout, "typed and gone");
  });
});

describe("a client that comes back", () => {
  test("has its old socket closed by 4409", async () => {
    using client = await run("cat");
    using again = await back(client, "");
    assert.deepEqual(await client.closed, { code: 4409, reason: "replaced" });
    assert.equal((await again.control("attached")).client, (await client.control("attached")).client);
    again.stdin("on\n");
    await again.untilStdout("on\n");
    assert.equal((await view(again)).clients.length, 1);
  });

  test("is a writer and of the same principal; else it is not there", async () => {
    const allow = [{ verbs: ["exec", "attach", "view"], targets: ["host"], commands: "any" }];
    const policy = { roles: { all: { allow } }, bindings: [{ subjects: ["group:all"], roles: ["all"] }] };
    await using team = await openTeam({ ann: ["all"], bob: ["all"] }, { policy });
    using client = await dial(`${team.url}/v1/exec?${query("cat", {})}`, { token: tokenOf("ann") });
    const { session, client: id } = await client.control("attached");
    const at = `${team.url}/v1/sessions/${session}/attach`;
    assertProblem(await refusalOf(`${at}?client=${id}`, { token: tokenOf("bob") }), 404, "CLIENT_NOT_FOUND");
    assertProblem(await refusalOf(`${at}?client=01JD`, { token: tokenOf("ann") }), 404, "CLIENT_NOT_FOUND");
    assertProblem(await refusalOf(`${at}?client=${id}&role=viewer`, { token: tokenOf("ann") }), 400, "BAD_REQUEST", "client");
    using joined = await dial(at, { token: tokenOf("bob") });
    assert.notEqual((await joined.control("attached")).client, id);
  });

  test("comes by a ticket too", async () => {
    using client = await run("cat");
    const { session, client: id } = await client.control("attached");
    client.stdin("abc");
    await client.untilStdout("abc");
    await cut(client);
    const body = { attach: { session, client: id, offset: 3, flow: "ack" } };
    const { ticket } = (await served.request("/v1/tickets", { method: "POST", body })).json as { ticket: string };
    using again = await dial(`${served.url}/v1/sessions/${session}/attach`, {
      protocols: ["v1.execgate", `ticket.execgate.${ticket}`],
      token: "",
    });
    const attached = await again.control("attached");
    assert.deepEqual([attached.client, attached.stdinOffset, attached.offset], [id, 3, 3]);
  });
});

describe("several clients", () => {
  test("see who is attached, by message and by the session", async () => {
    using one = await run("cat");
    const { session } = await one.control("attached");
    using two = await dial(`${served.url}/v1/sessions/${session}/attach?role=viewer`);
    for (const client of [one, two]) {
      const { clients } = (await client.control("clients")) as unknown as SessionView;
      assert.deepEqual(
        clients.map(({ principal, role, connected }) => [principal, role, connected]),
        [
          ["user:owner", "writer", true],
          ["user:owner", "viewer", true],
        ],
      );
    }
    assert.equal((await view(one)).clients.length, 2);
  });

  test("are as many as the limit says", async () => {
    using one = await run("cat");
    const at = `${served.url}/v1/sessions/${(await one.control("attached")).session}/attach?role=viewer`;
    const viewers = await Promise.all([1, 2, 3].map(() => dial(at)));
    assertProblem(await refusalOf(at), 429, "TOO_MANY_CLIENTS");
    for (const viewer of viewers) viewer.ws.terminate();
  });

  test("write both, and each reads everything", async () => {
    using one = await run("cat");
    using two = await dial(`${served.url}/v1/sessions/${(await one.control("attached")).session}/attach`);
    await two.control("attached");
    one.stdin("from one\n");
    await two.untilStdout("from one\n");
    two.stdin("from two\n");
    await one.untilStdout("from one\nfrom two\n");
    await two.untilStdout("from one\nfrom two\n");
  });

  test("that come late get the sizes at their places in the output", async () => {
    using one = await run("echo a; read x; echo b; read x; echo c; read x", { tty: "1", cols: "80", rows: "24" });
    await one.untilStdout("a\r\n");
    for (const [cols, text] of [
      [100, "b\r\n"],
      [120, "c\r\n"],
    ] as const) {
      one.say({ type: "resize", cols, rows: 30 });
      one.stdin("\r");
      await one.untilStdout(text);
    }
    using late = await dial(`${served.url}/v1/sessions/${(await one.control("attached")).session}/attach`);
    await late.untilStdout("c\r\n");
    const { cols, rows } = await late.control("attached");
    assert.deepEqual([cols, rows], [80, 24]);
    const told = late.frames.slice(1).map((frame) => (typeof frame === "string" ? JSON.parse(frame).cols : frame.subarray(1).toString()));
    assert.deepEqual(
      told.filter((item) => item !== undefined),
      ["a\r\n", 100, "\r\nb\r\n", 120, "\r\nc\r\n"],
    );
  });
});
